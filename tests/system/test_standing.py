"""A door asks whether somebody is in good standing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.web import create_app
from tests.harness import System, system
from tests.system.acts import confirm, staff_remove

OLD, NEW = "an-old-token-of-the-door-that-is-long", "a-new-token-of-the-door-that-is-long"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with system(tmp_path_factory.mktemp("door")) as it:
        it.advance(2)
        price, other = it.price("supporters"), it.price("patrons")
        it.subscribe(it.customer("alice"), price)
        canceled = it.subscribe(it.customer("bob"), price)
        it.subscribe(it.customer("carol"), other)
        it.user("stranger")
        confirm(it)
        it.sdk.v1.subscriptions.cancel(canceled.id)
        confirm(it)
        # From here on Stripe answers nobody.
        it.sandbox.world.faults.add("stripe", "*", "status", times=None, status=503)
        yield it


@pytest.fixture
def door(world: System) -> FlaskClient:
    settings = replace(world.bridge.settings, standing_tokens=(OLD, NEW))
    return create_app(replace(world.bridge, settings=settings)).test_client()


def ask(door: FlaskClient, path: str, status: int = 200, token: str | None = NEW) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = door.get(f"/standing/{path}", headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    return answer.get_json()


def test_A18_a_member_is_in_good_standing_with_reason_and_time_though_stripe_is_down(
    world: System, door: FlaskClient
) -> None:
    mark = world.mark()
    told = ask(door, f"id/{world.user('alice')}?group=supporters")
    assert (told["standing"], told["code"]) == ("good", "active")
    assert told["reason"] == "Your monthly membership is active."
    (group,) = told["groups"]
    assert (group["group"], group["in"]) == ("supporters", True)
    age = world.bridge.clock.now() - datetime.fromisoformat(told["as_of"])
    assert timedelta(0) < age < timedelta(hours=1)
    assert ask(door, "Alice") == ask(door, f"id/{world.user('alice')}")
    assert [*world.calls("stripe", mark), *world.calls("discourse", mark)] == []


def test_A18_somebody_who_cancelled_or_is_in_another_group_is_in_bad_standing_there(
    door: FlaskClient,
) -> None:
    bob = ask(door, "bob")
    assert (bob["standing"], bob["code"]) == ("bad", "canceled")
    assert "ended on" in bob["reason"]
    assert ask(door, "carol?group=supporters")["code"] == "nothing"
    carol = ask(door, "carol")
    assert carol["standing"] == "good"
    assert [one["in"] for one in carol["groups"]] == [True, False]


def test_A18_whom_nobody_here_ever_saw_is_unknown_and_so_is_a_group(
    world: System, door: FlaskClient
) -> None:
    assert ask(door, "nobody", 404) == {"error": "no such user"}
    assert ask(door, f"id/{world.user('stranger')}", 404) == {"error": "no such user"}
    assert ask(door, "alice?group=nowhere", 404) == {"error": "no such group"}


def test_A18_only_who_knows_a_token_is_answered_and_both_are_good_while_one_is_replaced(
    world: System, door: FlaskClient
) -> None:
    ask(door, "alice", token=OLD)
    for token in (None, "", "wrong", NEW[:-1], f"{NEW}x"):
        assert "user_id" not in ask(door, "alice", 401, token=token)
    without = create_app(world.bridge).test_client()
    assert ask(without, "alice", 404)["error"] == "STANDING_TOKEN is not set"


def test_A18_whom_staff_took_out_is_in_bad_standing_though_they_pay(
    world: System, door: FlaskClient
) -> None:
    staff_remove(world, "patrons", "carol")
    world.advance(400)
    world.settle()
    carol = ask(door, "carol?group=patrons")
    assert (carol["standing"], carol["code"]) == ("bad", "held")
    assert "moderator" in carol["reason"]


def test_A18_one_who_asks_too_often_waits(world: System) -> None:
    settings = replace(world.bridge.settings, standing_tokens=(NEW,))
    door = create_app(replace(world.bridge, settings=settings)).test_client()
    answers = [door.get("/standing/alice").status_code for _ in range(301)]
    assert answers == [401] * 300 + [429]
