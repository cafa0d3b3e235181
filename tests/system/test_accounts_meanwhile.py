"""An account that was renamed, merged or deleted after a moderator looked and before they acted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge.sandbox.discourse.people import rename
from bridge.store import changes, links
from bridge.web.moderate.acts import ACTS
from tests.harness import POLICY, System, system
from tests.system.acts import forum_user, give_guests, moderator, words
from tests.system.test_accounts import delete, merge
from tests.system.test_bad_input import filled_in

NUMBERS = count()
SITE = replace(POLICY, refunds=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with system(tmp_path_factory.mktemp("meanwhile"), policy=SITE, per_minute=5000) as it:
        price, payers = it.price("supporters"), ("alice", "dora", "mary")
        for name in payers:
            it.subscribe(it.customer(name), price)
        it.group("visitors")
        for name in ("bob", "carl", "target"):
            it.user(name)
        give_guests(it, *payers)
        yield it


def merge_into_target(world: System, name: str) -> None:
    merge(world, name, "target")


def look(
    app: Flask, world: System, path: str, form: dict[str, str]
) -> tuple[FlaskClient, dict[str, str]]:
    """A moderator who has seen what an act brings, and the form that does it."""
    client = moderator(app, world, f"mod{next(NUMBERS)}")
    answer = client.post(path, data=form)
    found = re.search(r'name="reviewed" value="(\w+)"', answer.text)
    assert found, (path, words(answer.text))
    return client, form | {"reviewed": found[1]}


def logged(world: System, user_id: int) -> int:
    with world.bridge.store.read() as connection:
        return len(changes.page(connection, user_id=user_id, limit=100))


GIVING = ("grant", "record-payment", "link", "statement")
"""Acts that give or send an account something."""
NEW = {"grant": {"group": "visitors"}}
"""What they do not have yet: the same twice is refused before anybody looks."""
ABOUT_MONEY = ("cancel", "unlink")
"""What is about a customer at Stripe can be done, and mostly has to be."""


@pytest.mark.parametrize(("name", "go"), [("dora", delete), ("mary", merge_into_target)])
def test_E58_nothing_is_given_to_an_account_that_went_after_the_preview(
    app: Flask, world: System, name: str, go: Callable[[System, str], None]
) -> None:
    user_id = world.user(name)
    paths = {act: f"/moderate/person/{user_id}/{act}" for act in (*GIVING, *ABOUT_MONEY)}
    seen = {
        act: look(app, world, path, filled_in(world, ACTS[act], "", of=name) | NEW.get(act, {}))
        for act, path in paths.items()
    }
    go(world, name)
    before = logged(world, user_id)
    for act in GIVING:
        client, form = seen[act]
        answer = client.post(paths[act], data=form)
        assert answer.status_code == 400, act
        assert f"The forum has no user with the id {user_id}" in answer.text, act
    remind = moderator(app, world, "mia").post(
        f"/moderate/person/{user_id}/remind", data={"invoice": "in_1"}
    )
    assert "The forum has no user" in remind.text
    assert logged(world, user_id) == before
    for act in ABOUT_MONEY:
        client, form = seen[act]
        answer = client.post(paths[act], data=form)
        assert answer.status_code == 303, (act, words(answer.text))
    with world.bridge.store.read() as connection:
        assert not links.customers_of(connection, user_id)


def test_A114_who_was_renamed_after_the_preview_is_the_same_person(
    app: Flask, world: System
) -> None:
    alice = world.user("alice")
    path = f"/moderate/person/{alice}/grant"
    client, form = look(app, world, path, {"group": "visitors", "reason": "A visit", "until": ""})
    rename(world.sandbox.forum, forum_user(world, "alice"), "alicia")
    assert client.post(path, data=form).status_code == 303
    assert "alicia gets visitors" in client.get(f"/moderate/person/{alice}").text
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="granted", user_id=alice, limit=1)
    assert line.group_id == world.group("visitors")


def test_A114_a_name_that_went_to_somebody_else_after_the_preview_is_shown_again(
    app: Flask, world: System
) -> None:
    customer = world.customer(None)
    world.settle()
    form = {"customer": customer, "user": "bob", "reason": "They said so"}
    client, reviewed = look(app, world, "/moderate/act/assign", form)
    assert f"bob (id:{world.user('bob')})" in words(
        client.post("/moderate/act/assign", data=form).text
    )
    rename(world.sandbox.forum, forum_user(world, "bob"), "robert")
    rename(world.sandbox.forum, forum_user(world, "carl"), "bob")
    answer = client.post("/moderate/act/assign", data=reviewed)
    assert answer.status_code == 200
    assert "Something has changed since you looked" in answer.text
    assert f"bob (id:{world.user('carl')})" in words(answer.text)
    with world.bridge.store.read() as connection:
        assert links.user_of(connection, customer) is None
