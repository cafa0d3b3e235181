"""The register of members by key, on both databases: as it is, and as it was."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from bridge.core.memberships.listing import PREFIXES, SORTS, Asked, Standing
from bridge.core.model.discourse import User
from bridge.store import Store, changes, member_list, migrate, users
from bridge.store.member import membership_of
from bridge.store.member_list import START, Key, Listed
from bridge.store.schema.forum import memberships
from tests.databases import compile_once

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GROUP = 7


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def every_combination() -> list[dict[str, object]]:
    """A membership for each way in which its columns can stand together."""
    ways = itertools.product(
        (True, False),
        (True, False),
        ("no", "claimed"),
        (None, "no_rule"),
        (None, "staff"),
        (None, NOW + DAY),
        ("active", "grace", None),
        (["sub_1"], ["cs_1", "grant_1"], ["in_1"], ["sub_x"], ["import_1"], []),
    )
    return [
        {
            "user_id": number,
            "group_id": GROUP,
            "actual": actual,
            "actual_since": NOW - number % 5 * DAY if actual else None,
            "wanted": wanted,
            "owned": owned,
            "hold": hold,
            "override": override,
            "wanted_until": until,
            "reason": reason,
            "sources": sources,
            "rule_id": f"price_{number % 3}",
        }
        for number, (actual, wanted, owned, hold, override, until, reason, sources) in enumerate(
            ways, 1
        )
    ]


def all_pages(store: Store, asked: Asked, **more: object) -> list[Listed]:
    found: list[Listed] = []
    after: Key = START
    with store.read() as connection:
        while page := member_list.page(
            connection,
            [GROUP],
            asked,
            after=after,
            limit=200,
            **more,  # type: ignore[arg-type] # the order
        ):
            found += page
            after = page[-1].key
    return found


def test_A61_the_database_shows_what_the_rule_says_and_each_row_once(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(memberships), every_combination())
    with store.read() as connection:
        rows = connection.execute(select(memberships).order_by(memberships.c.user_id)).all()
    known = {row.user_id: membership_of(row) for row in rows}
    questions = (
        Asked(),
        *(Asked(standing=one) for one in Standing),
        *(Asked(source=one) for one in PREFIXES),
        Asked(rule_ids=frozenset({"price_1", "price_2"}), standing=Standing.ENDING),
    )
    for asked in questions:
        should = [user_id for user_id, one in known.items() if asked.shows(one)]
        assert [one.user_id for one in all_pages(store, asked)] == should, asked
        assert should, "each question has an answer here"
    for sort in SORTS:
        found = all_pages(store, Asked(), sort=sort)
        assert len({one.user_id for one in found}) == len(found) == len(all_pages(store, Asked()))
        assert [one.key for one in found] == sorted(one.key for one in found)
    newest = all_pages(store, Asked(), sort="since")[0].membership.actual_since
    assert newest == NOW
    first_end = all_pages(store, Asked(), sort="until")[0].membership.membership.wanted_until
    assert first_end == NOW + DAY


def test_A61_the_register_of_a_past_day_is_read_by_key_too(store: Store) -> None:
    with store.write() as connection:
        for user_id in range(1, 10):
            users.see(connection, User(user_id, f"user{user_id}"), NOW)
            changes.log(
                connection, "added", now=NOW, user_id=user_id, group_id=GROUP, outcome="proven"
            )
        changes.log(connection, "removed", now=NOW + DAY, user_id=4, group_id=GROUP)
        changes.log(connection, "added", now=NOW + 3 * DAY, user_id=20, group_id=GROUP)
        # Found out later, and true before.
        seen = changes.Seen(30, NOW - DAY, "no")
        changes.log_seen(connection, GROUP, [seen], NOW + 3 * DAY)

    def on(at: datetime) -> list[int]:
        found: list[int] = []
        after: Key | None = START
        with store.read() as connection:
            while after is not None:
                rows, after = member_list.page_at(
                    connection, [GROUP], Asked(), at, after=after, limit=2
                )
                found += [one.user_id for one in rows]
        return found

    assert on(NOW - 2 * DAY) == []
    assert on(NOW) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 30]
    assert on(NOW + 2 * DAY) == [1, 2, 3, 5, 6, 7, 8, 9, 30]
    assert on(NOW + 4 * DAY) == [1, 2, 3, 5, 6, 7, 8, 9, 20, 30]


def test_A61_a_page_of_the_past_that_finds_nobody_ends_and_the_next_one_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_list, "USERS_AT_ONCE", 2)
    monkeypatch.setattr(member_list, "ROUNDS", 2)
    with store.write() as connection:
        for user_id in range(1, 8):
            changes.log(connection, "added", now=NOW, user_id=user_id, group_id=GROUP)
            if user_id < 7:
                changes.log(connection, "removed", now=NOW, user_id=user_id, group_id=GROUP)
    pages: list[list[int]] = []
    after: Key | None = START
    with store.read() as connection:
        while after is not None:
            rows, after = member_list.page_at(
                connection, [GROUP], Asked(), NOW, after=after, limit=2
            )
            pages.append([one.user_id for one in rows])
    assert pages[:2] == [[], [7]]
