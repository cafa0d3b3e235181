"""Large tables are read by the right index, whatever statistics the database has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from bridge.core.memberships.listing import Asked, Standing
from bridge.store import Store, member_list, migrate, money, search
from bridge.store.schema.forum import changes
from bridge.store.schema.ledger import ledger_lines, money_lines
from bridge.store.schema.people import customers, users

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GROUPS = range(10)
PEOPLE = range(1, 3001)


@pytest.fixture(scope="module", params=["without statistics", "with statistics"])
def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A SQLite file as it becomes, and as it is after somebody ran ANALYZE on it."""
    made = Store(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'large.db'}")
    migrate.upgrade(made, NOW)
    with made.write() as connection:
        fill(connection)
        if request.param == "with statistics":
            connection.execute(text("ANALYZE"))
    yield made
    made.close()


def fill(connection: Connection) -> None:
    """Three thousand people, each in a group, with five payments and ten lines of the log."""
    connection.execute(
        insert(users), [{"user_id": n, "username": f"m{n}", "seen_at": NOW} for n in PEOPLE]
    )
    connection.execute(
        insert(customers),
        [{"customer_id": f"cus_{n}", "user_id": n, "first_seen_at": NOW} for n in PEOPLE],
    )
    paid = {"kind": "paid", "currency": "eur", "what": "x", "from_credit_minor": 0}
    connection.execute(
        insert(money_lines),
        [
            {"id": f"in_{n}_{m}", "customer_id": f"cus_{n}", "at": NOW, "amount_minor": m}
            | {"is_first": False, "recorded_at": NOW, **paid}
            for n in PEOPLE
            for m in range(5)
        ],
    )
    connection.execute(
        insert(ledger_lines),
        [
            {"entry_id": f"txn_{n}_{m}", "number": 0, "family": f"cus_{n}", "kind": "paid"}
            | {"book": "assets:stripe", "at": NOW, "amount_minor": m, "currency": "eur"}
            | {"what": "x", "customer_id": f"cus_{n}", "source_id": f"ch_{n}_{m}"}
            | {"provider": "stripe", "account": "own"}
            for n in PEOPLE
            for m in range(5)
        ],
    )
    connection.execute(
        insert(changes),
        [
            {"at": NOW, "user_id": n, "group_id": n % len(GROUPS), "action": action}
            for _ in range(5)
            for action in ("added", "removed")
            for n in PEOPLE
        ],
    )


def plans(store: Store, ask: Callable[[Connection], object]) -> list[str]:
    """How the database reads what a function asks of it."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    with store.read() as connection:
        event.listen(store.engine, "before_cursor_execute", note)
        try:
            ask(connection)
        finally:
            event.remove(store.engine, "before_cursor_execute", note)
        return [
            step[3]
            for statement, parameters in asked
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@pytest.mark.parametrize("group_ids", [set(GROUPS), {3}], ids=["all groups", "one"])
@pytest.mark.parametrize("standing", [None, Standing.ARRIVING])
def test_A61_the_register_of_a_past_day_is_read_by_user(
    large: Store, group_ids: set[int], standing: Standing | None
) -> None:
    found = plans(
        large,
        lambda connection: member_list.page_at(
            connection, group_ids, Asked(standing=standing), NOW + timedelta(days=1), limit=50
        ),
    )
    of_log = [step for step in found if "changes" in step]
    assert len(of_log) >= 2
    by_user = ("ix_changes_user_id_id (user_id", "ix_changes_group_id_user_id (group_id=? AND user")
    assert all(any(index in step for index in by_user) for step in of_log), of_log
    assert not any("MULTI-INDEX" in step for step in found)


@pytest.mark.parametrize("known_at", [None, NOW])
def test_what_somebody_paid_is_read_by_their_customers(
    large: Store, known_at: datetime | None
) -> None:
    for ask in (
        lambda connection: money.of_user(connection, 7),
        lambda connection: money.newest_of_user(connection, 7, None, 50, known_at),
    ):
        found = plans(large, ask)
        scans = [step for step in found if step.startswith("SCAN")]
        assert set(scans) <= {"SCAN CONSTANT ROW"}, found
        assert any("ix_money_lines_customer_id_at" in step for step in found)


@pytest.mark.parametrize("id_", ["dp_1", "re_1", "po_1", "cs_1", "ch_7_1"])
def test_A58_an_id_of_stripe_is_found_by_the_indexes_of_the_ledger(large: Store, id_: str) -> None:
    found = plans(large, lambda connection: search.by_stripe_id(connection, id_))
    of_money = [step for step in found if "ledger_lines" in step or "money_lines" in step]
    assert len(of_money) >= 3
    assert not [step for step in of_money if step.startswith("SCAN") or "(provider=?" in step]


def test_a_large_log_uses_new_indexes_as_soon_as_it_is_migrated(postgresql_url: str) -> None:
    """Without statistics PostgreSQL reads the whole log for what people did."""
    store = Store(postgresql_url)
    migrate.upgrade(store, NOW, "0029")
    rows = "SELECT n, 'wanted', 'evt_' || n FROM generate_series(1, 20000) AS n"
    with store.write() as connection:
        connection.execute(text(f"INSERT INTO changes (at, action, cause) {rows}"))
    migrate.upgrade(store, NOW)
    asked = "SELECT id FROM changes WHERE cause LIKE '%% via %%' ORDER BY at DESC, id DESC LIMIT 50"
    with store.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN {asked}").all())
        known = connection.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'changes'"))
    store.close()
    assert known == 20_000
    assert "ix_changes_by_people" in plan
