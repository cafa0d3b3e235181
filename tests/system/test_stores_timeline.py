"""Everything that happened to somebody, by key, on both databases, whatever there is of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, update

from bridge.answers.timeline import Asked, timeline
from bridge.core.events.forum import ForumEvent
from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.actor import moderator
from bridge.core.telling.timeline import KINDS, Entry, parse_place
from bridge.store import Store, inbox, links, migrate, money, users
from bridge.store.schema.forum import changes
from bridge.store.schema.people import users as people
from bridge.store.schema.work import inbox as events
from bridge.store.schema.work import messages
from tests.databases import compile_once

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALICE, BOB, MIA = 7, 8, 12
MANY = 1_250
"""Of each kind: 5,000 entries in all."""


def at(number: int) -> datetime:
    """Several of each table at one moment."""
    return NOW + number // 3 * MINUTE


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    with made.write() as connection:
        for user_id, customer_id in ((ALICE, "cus_a"), (BOB, "cus_b")):
            links.see_customer(connection, customer_id, NOW)
            links.link(connection, customer_id, user_id, proof="operator", actor="x", now=NOW)
        connection.execute(changes.delete())
        for id_, name in ((ALICE, "alice"), (MIA, "mia")):
            users.see_name(connection, id_, name, NOW)
        alice = people.c.user_id == ALICE
        connection.execute(update(people).where(alice).values(statement_at=NOW + MINUTE))
        mia = str(moderator(MIA, "console"))
        connection.execute(
            insert(changes),
            [
                {
                    "at": at(n),
                    "action": "granted" if n % 5 == 0 else "wanted",
                    "user_id": ALICE if n % 4 else BOB,
                    "group_id": 3,
                    "cause": mia if n % 5 == 0 else f"granted by {mia}",
                    "outcome": "A visit" if n % 5 == 0 else "hand",
                }
                for n in range(MANY * 4 // 3)
            ],
        )
        lines = [
            MoneyLine(f"in_{n}", "cus_a", "paid", at(n), 500, "eur", "Supporter")
            for n in range(MANY)
        ]
        money.save(connection, lines[: len(lines) // 2], NOW)
        money.save(connection, lines[len(lines) // 2 :], NOW + MINUTE)
        connection.execute(
            insert(messages),
            [
                {"key": f"receipt:in_{n}", "user_id": ALICE, "due_at": at(n), "sent_at": at(n)}
                for n in range(MANY)
            ],
        )
        of_stripe = {
            "source": "stripe",
            "livemode": False,
            "payload_sha256": "",
            "hint": {},
            "status": "done",
        }
        connection.execute(
            insert(events),
            [
                {
                    **of_stripe,
                    "event_id": f"evt_{n}",
                    "type": "invoice.paid",
                    "work_key": "cus_a" if n % 9 else "cus_b",
                    "created_at": at(n) if n % 2 else None,
                    "received_at": at(n),
                    "status": "done" if n % 2 else "ignored",
                }
                for n in range(MANY)
            ],
        )
        for number, user_id in enumerate((ALICE, BOB)):
            news = ForumEvent(f"discourse_{number}", "user_suspended", user_id)
            inbox.record(
                connection, news, source="discourse", payload_sha256="", now=NOW, due_at=NOW
            )
    yield made
    made.close()


def every(store: Store, asked: Asked | None = None, limit: int = 500) -> list[Entry]:
    """All entries, read in pages, each page found again by its address."""
    asked = asked or Asked()
    found: list[Entry] = []
    before = None
    with store.read() as connection:
        while True:
            goes_on = replace(asked, before=before)
            page = timeline(connection, ALICE, {3: "supporters"}, goes_on, limit)
            found += page.entries
            if page.before is None:
                return found
            before = parse_place(str(page.before))
            assert before == page.before


def test_pages_by_key_show_five_thousand_entries_once_each_and_in_order(store: Store) -> None:
    found = every(store, limit=333)
    assert len(found) == len({one.key for one in found})
    order = [(one.at, one.key.rank) for one in found]
    assert order == sorted(order, reverse=True)
    kinds = {kind: [one for one in found if one.kind == kind] for kind in KINDS}
    assert len(kinds["money"]) == MANY
    assert len(kinds["messages"]) == MANY + 1  # and the statement
    assert len(kinds["news"]) == sum(1 for n in range(MANY) if n % 9) + 1  # and the suspension
    assert len(kinds["acts"]) + len(kinds["groups"]) == sum(
        1 for n in range(MANY * 4 // 3) if n % 4
    )
    assert not any("bob" in str(one.username) for one in found)
    for kind in KINDS:
        assert every(store, Asked(kind=kind)) == kinds[kind], kind


def test_what_was_not_known_or_had_not_happened_at_a_time_is_left_out(store: Store) -> None:
    then = at(300)
    assert every(store, Asked(at=then)) == [one for one in every(store) if one.at <= then]
    known = every(store, Asked(kind="money", at=at(MANY), known_at=NOW))
    assert len(known) == MANY // 2


def test_a_page_takes_six_statements_however_much_happened(store: Store) -> None:
    said: list[str] = []
    with store.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: said.append(args[2]))
        timeline(connection, ALICE, {3: "supporters"})
    assert len(said) <= 6, said


def test_only_lines_of_one_group_are_shown_where_one_is_asked_for(store: Store) -> None:
    with store.read() as connection:
        assert timeline(connection, ALICE, {}, Asked(group_id=4)).entries == ()
        page = timeline(connection, ALICE, {}, Asked(group_id=3))
    assert {one.kind for one in page.entries} == {"acts", "groups"}


def test_processed_news_is_left_out_where_only_what_mattered_is_asked_for(store: Store) -> None:
    everything, mattered = every(store), every(store, Asked(settled_news=False))
    shown = {one.key for one in mattered}
    left_out = [one for one in everything if one.key not in shown]
    assert {one.kind for one in left_out} == {"news"}
    kept = [one for one in mattered if one.kind == "news"]
    assert kept
    waiting = ("Waits to be processed", "Cannot be processed")
    assert all(one.words.startswith(waiting) for one in kept)
    assert not any(one.words.startswith(waiting) for one in left_out)


def test_no_table_is_read_whole_for_one_person(store: Store) -> None:
    asked: list[tuple[str, Any]] = []
    plans = []
    with store.read() as connection:
        if not store.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # as with many rows
        event.listen(connection, "before_cursor_execute", lambda *got: asked.append(got[2:4]))
        timeline(connection, ALICE, {3: "supporters"})
        said = [one for one in asked if one[0].startswith("SELECT")]
        for statement, parameters in said:
            explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
            plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
            plans += [str(row) for row in plan]
    whole = ("SCAN inbox", "SCAN money_lines", "SCAN changes", "SCAN messages", "Seq Scan on")
    assert [one for one in plans if any(words in one for words in whole)] == []
    assert len(plans) > 5
