"""The number of SQL statements for a member's own page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from bridge.store import statements
from bridge.web import create_app
from bridge.worker import publisher
from tests.harness import System, system
from tests.system.acts import checkout, confirm, message_to
from tests.system.test_gifts import give

TOKEN = "a-token-of-the-door-that-is-long-enough"
PROLOGUE = ("BEGIN", "COMMIT", "ROLLBACK")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Alice has two subscriptions, one on a ladder, an order, a gift of hers and one to her."""
    with system(tmp_path_factory.mktemp("counted")) as it:
        it.advance(2)
        low = it.price("supporters", discourse_ladder="level", discourse_rank="1")
        it.price("patrons", discourse_ladder="level", discourse_rank="2", amount=2000)
        other, once = it.price("readers"), it.price("visitors", interval=None)
        alice = it.customer("alice")
        it.subscribe(alice, low)
        it.subscribe(it.customer("alice"), other)
        give(it, alice, other, "bob")
        give(it, it.customer("bob"), it.price("guests"), "alice")
        checkout(it, "alice", once, mode="payment")
        confirm(it)
        yield it


@contextmanager
def counted(world: System) -> Iterator[list[str]]:
    """The statements that are executed meanwhile, without those that begin and end transactions."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(PROLOGUE):
            found.append(statement)

    event.listen(world.bridge.store.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(world.bridge.store.engine, "before_cursor_execute", note)


def test_a_members_own_page_takes_ten_statements_whatever_they_have(
    world: System,
) -> None:
    browser = create_app(world.bridge).test_client()
    told = {}
    for user in ("alice", "stranger"):
        with browser.session_transaction() as session:
            session["user_id"], session["username"] = world.user(user), user
            session["signed_in_at"] = world.bridge.clock.now().isoformat()
        browser.get("/me")  # the law is compiled by whoever comes first
        with counted(world) as found:
            told[user] = browser.get("/me").text
        assert len(found) == 10, "\n".join(found)
    for word in ("supporters", "readers", "visitors", "guests", "Change plan"):
        assert word in told["alice"]
        assert word not in told["stranger"]


def test_a_doors_question_takes_eight_statements(world: System) -> None:
    settings = replace(world.bridge.settings, standing_tokens=(TOKEN,))
    door = create_app(replace(world.bridge, settings=settings)).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with counted(world) as found:
        answer = door.get(f"/standing/id/{world.user('alice')}", headers=headers)
    assert answer.get_json()["standing"] == "good"
    assert len(found) == 8, "\n".join(found)


def test_a_message_reads_the_member_for_its_text_and_for_what_moved_meanwhile(
    world: System,
) -> None:
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        statements.due(connection, world.user("alice"), now)
    with counted(world) as found:
        publisher.work_on(world.bridge, world.user("alice"))
    for table in ("customers", "purchases", "memberships", "groups"):
        assert sum(one.startswith(f"SELECT {table}.") for one in found) == 2, table
    assert sum("FROM money_lines" in one for one in found) == 2
    assert not [one for one in found if "FROM catalogue" in one]
    assert "supporters" in message_to(world, "alice")


def test_the_list_of_offers_takes_eleven_statements_whatever_is_sold_and_had(
    world: System,
) -> None:
    browser = create_app(world.bridge).test_client()
    stranger = create_app(world.bridge).test_client()
    stranger.get("/join")  # the law is compiled by whoever comes first
    with counted(world) as found:
        assert "Membership patrons" in stranger.get("/join").text
    assert len(found) == 3, "\n".join(found)
    with browser.session_transaction() as session:
        session["user_id"], session["username"] = world.user("alice"), "alice"
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    browser.get("/join")
    with counted(world) as found:
        page = browser.get("/join").text
    assert len(found) == 11, "\n".join(found)
    assert "Renews on" in page
