"""Names on the forum: in every script, given up, and taken by others."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bridge.sandbox.discourse.people import add_user, rename
from bridge.store import migrate
from bridge.store.schema.people import users
from bridge.web import create_app
from tests.harness import System, system
from tests.system.acts import confirm, forum_user
from tests.system.typing_commands import asked

TOKEN = "a-token-of-the-door-that-is-long-enough"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        price = it.price("supporters")
        for name in ("alice", "Ümit", "Иван"):
            it.subscribe(it.customer(name), price)
        confirm(it)
        yield it


def ask(world: System, name: str) -> tuple[int, Any]:
    settings = replace(world.bridge.settings, standing_tokens=(TOKEN,))
    door = create_app(replace(world.bridge, settings=settings)).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = door.get(f"/standing/{quote(name)}", headers=headers)
    return answer.status_code, answer.get_json()


def reads(world: System, mark: int) -> list[tuple[str, str]]:
    """Requests for people's public pages, each with who asked."""
    entries = world.sandbox.world.journal.since(mark, "discourse")
    return [(one.caller, one.path) for one in entries if one.path.startswith("/u/")]


def test_A114_a_name_is_found_in_every_script_and_case(
    world: System, subtests: pytest.Subtests
) -> None:
    for said, name in (
        ("Ümit", "Ümit"),
        ("ÜMIT", "Ümit"),
        (unicodedata.normalize("NFD", "Ümit"), "Ümit"),
        ("Иван", "Иван"),
        ("иван", "Иван"),
        ("ALICE", "alice"),
    ):
        with subtests.test(said):
            status, told = ask(world, said)
            assert (status, told["user_id"]) == (200, world.user(name))
            assert told["standing"] == "good"


def test_A114_an_old_name_is_nobodys_and_then_whose_the_forum_says(world: System) -> None:
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    rename(forum, forum_user(world, "alice"), "alicia")
    world.advance(61)
    mark = world.mark()
    assert ask(world, "alice")[0] == 404
    assert ask(world, "alice")[0] == 404
    assert len(reads(world, mark)) == 1, "its answer is kept"
    assert ask(world, "alicia")[1]["user_id"] == world.user("alice")
    taker = add_user(forum, "alice", "taker@example.com", now)
    world.advance(61)
    assert ask(world, "alice") == (404, {"error": "no such user"})
    asked(world, "grant", "alice", "supporters", "--reason", "x", "--by", "maria")
    status, told = ask(world, "alice")
    assert (status, told["user_id"]) == (200, taker.id)


def test_A114_a_rename_that_the_forum_tells_of_counts_at_once(world: System) -> None:
    assert ask(world, "alice")[0] == 200
    rename(world.sandbox.forum, forum_user(world, "alice"), "alicia")
    world.users["alicia"] = world.user("alice")
    asked(
        world, "grant", f"id:{world.user('alice')}", "supporters", "--reason", "x", "--by", "maria"
    )
    mark = world.mark()
    assert ask(world, "alicia")[1]["user_id"] == world.user("alice")
    assert reads(world, mark) == []
    assert ask(world, "alice")[0] == 404


def test_A114_whose_a_name_is_costs_no_request_of_the_key(world: System) -> None:
    world.advance(61)
    mark = world.mark()
    assert ask(world, "Ümit")[0] == 200
    assert ask(world, "ümit")[0] == 200
    assert len(reads(world, mark)) == 1
    assert world.calls("discourse", mark) == []


def test_A114_while_the_forum_is_down_its_last_word_counts_for_a_day(world: System) -> None:
    world.sandbox.world.faults.add("discourse", "*", "status", times=None, status=502)
    world.advance(3600)
    assert ask(world, "alice")[0] == 200
    assert ask(world, "somebody")[0] == 503
    world.advance(86_400)
    status, told = ask(world, "alice")
    assert status == 503
    assert "id/" in told["error"]
    assert ask(world, f"id:{world.user('alice')}")[0] == 200


def test_A114_names_kept_by_an_earlier_version_are_found(world: System) -> None:
    store = world.bridge.store
    migrate.downgrade(store, "0006")
    with store.write() as connection:
        twice = users.update().where(users.c.user_id == world.user("Иван"))
        connection.execute(twice.values(username="ALICE"))
    migrate.upgrade(store, world.bridge.clock.now())
    world.sandbox.world.faults.add("discourse", "*", "status", times=None, status=502)
    assert ask(world, "ümit")[1]["user_id"] == world.user("Ümit")
    assert ask(world, "alice")[0] == 503, "two had it, so it is nobody's"
