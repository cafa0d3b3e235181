"""The log by key, on both databases, whatever it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bridge.core.model.actor import Actor, moderator, spellings
from bridge.store import Store, changes, doers, migrate, tokens
from bridge.store.changes import About
from tests.databases import compile_once

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MIA = str(moderator(12, "console"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    with made.write() as connection:
        for number in range(24):
            changes.log(
                connection,
                "added" if number % 2 else "wanted",
                # The eighth was written late: it is older than those before it.
                now=NOW + (number if number != 8 else 2) * HOUR,
                user_id=number % 3,
                group_id=7 + number % 2,
                cause=MIA if number % 4 == 0 else f"evt_{number}",
            )
    yield made
    made.close()


def numbers(store: Store, about: About, limit: int = 3) -> list[int]:
    """The ids of all lines, read in pages."""
    found: list[int] = []
    before = None
    with store.read() as connection:
        while page := changes.page(connection, before=before, limit=limit, **about):
            found += [one.id for one in page]
            before = page[-1].id
    return found


ALL = [*range(24, 9, -1), 8, 7, 6, 5, 4, 9, 3, 2, 1]


@pytest.mark.parametrize(
    ("about", "shows"),
    [
        (About(), lambda _: True),
        (About(user_id=1), lambda n: n % 3 == 1),
        (About(group_id=7), lambda n: n % 2 == 0),
        (About(action="added"), lambda n: n % 2 == 1),
        (About(causes=spellings("12")), lambda n: n % 4 == 0),
        (About(causes=spellings("1")), lambda _: False),
        (About(causes=["evt_5"]), lambda n: n == 5),
        (About(by_people=True), lambda n: n % 4 == 0),
        (
            About(since=NOW + 4 * HOUR, until=NOW + 10 * HOUR),
            lambda n: 4 <= n < 10 and n != 8,
        ),
        (About(until=NOW + 3 * HOUR), lambda n: n < 3 or n == 8),
        (About(since=NOW + 18 * HOUR, user_id=0, action="wanted"), lambda n: n == 18),
    ],
)
def test_A48_the_log_is_asked_by_whom_it_is_about_who_did_it_what_and_when(
    store: Store, about: About, shows: Callable[[int], bool]
) -> None:
    should = [id_ for id_ in ALL if shows(id_ - 1)]
    assert numbers(store, about) == should


def test_A48_a_token_is_found_by_its_name_in_capitals_or_not(store: Store) -> None:
    made = [
        tokens.Token(id_, name, (), MIA, NOW, NOW + HOUR, None, None)
        for id_, name in (("token_1", "Vordere Tür"), ("token_2", "vordere tür"), ("token_3", "x"))
    ]
    with store.write() as connection:
        for one in made:
            tokens.add(connection, one, one.id)
    cause = str(Actor("token", "token_1", "token"))
    with store.read() as connection:
        assert sorted(tokens.ids_named(connection, "VORDERE TÜR")) == ["token_1", "token_2"]
        assert tokens.ids_named(connection, "token_1") == []
        named = doers.names_of(connection, [cause, f"lift by {cause}", MIA, None])
    assert named == {"token_1": "Vordere Tür"}


def test_lines_are_the_newest_first_by_their_time_each_once(store: Store) -> None:
    assert numbers(store, About(), limit=1) == ALL


def test_a_line_that_is_not_there_begins_no_page(store: Store) -> None:
    with store.read() as connection:
        assert changes.page(connection, before=10_000) == []


@pytest.mark.parametrize(
    ("about", "index"),
    [
        (About(since=NOW, until=NOW + HOUR), "ix_changes_at_id"),
        (About(action="added"), "ix_changes_action_at_id"),
        (About(group_id=7), "ix_changes_group_id_at_id"),
    ],
)
def test_a_page_of_the_log_is_read_by_an_index_and_not_sorted(
    tmp_path: Path, about: About, index: str
) -> None:
    made = Store(f"sqlite:///{tmp_path / 'log.db'}")
    migrate.upgrade(made, NOW)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    with made.read() as connection:
        event.listen(made.engine, "before_cursor_execute", note)
        changes.page(connection, **about)
        statement, parameters = asked[-1]
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    made.close()
    assert index in plan
    assert "TEMP B-TREE" not in plan
