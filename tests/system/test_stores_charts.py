"""The counts behind the console's charts, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.events.stripe import Event
from bridge.core.ledger.lines import MoneyLine
from bridge.core.telling.charts import OTHER, Sum
from bridge.store import Store, changes, charts, inbox, migrate, money

NOW = datetime(2028, 3, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def test_money_counts_in_the_month_in_which_it_moved_and_credit_does_not(store: Store) -> None:
    def line(id_: str, at: datetime, minor: int, **more: object) -> MoneyLine:
        made = {"kind": "paid", "currency": "eur", "what": "x", "product_id": "prod_1"} | more
        return MoneyLine(id=id_, customer_id="cus_1", at=at, amount_minor=minor, **made)  # type: ignore[arg-type] # its fields

    lines = (
        line("in_1", NOW - timedelta(microseconds=1), 1000),
        line("in_2", NOW, 1000, from_credit_minor=400),
        line("re_1", NOW + DAY, -300, kind="refunded"),
        line("credit", NOW + DAY, 5000, kind="credited"),
        line("in_3", NOW, 700, product_id=None, currency="usd"),
        line("in_0", NOW - 400 * DAY, 9999),
    )
    with store.write() as connection:
        money.save(connection, lines, NOW)
        found = charts.money(connection, NOW - 300 * DAY)
    assert found == [
        Sum("money", "2028-02", "prod_1", "eur", 1000),
        Sum("money", "2028-03", OTHER, "usd", 700),
        Sum("money", "2028-03", "prod_1", "eur", 300),
    ]


def test_who_was_in_a_group_at_the_end_of_a_month_is_what_the_log_says(store: Store) -> None:
    def log(action: str, at: datetime, user_id: int, group_id: int = 7) -> None:
        changes.log(connection, action, now=at, user_id=user_id, group_id=group_id)

    with store.write() as connection:
        log("added", NOW - DAY, 1)
        log("seen", NOW - DAY, 2)
        log("added", NOW - DAY, 3)
        log("removed", NOW - timedelta(hours=1), 3)
        log("wanted", NOW - DAY, 4)
        log("added", NOW - DAY, 1, 8)
        log("removed_by_others", NOW, 1)
        log("added", NOW, 5)
        end = [one for one in charts.members(connection, "2028-02", NOW) if one.name]
        now = [one for one in charts.members(connection, "2028-03", NOW + DAY) if one.name]
        moved = charts.moved(connection, NOW - 300 * DAY)
    assert {(one.name, one.value) for one in end} == {("7", 2), ("8", 1)}
    assert {(one.name, one.value) for one in now} == {("7", 2), ("8", 1)}
    assert moved == [
        Sum("moved", "2028-02", "came", "", 3),
        Sum("moved", "2028-02", "went", "", 1),
        Sum("moved", "2028-03", "came", "", 1),
        Sum("moved", "2028-03", "went", "", 1),
    ]


def test_whose_product_a_member_is_at_the_end_of_a_month_is_what_was_decided_last(
    store: Store,
) -> None:
    def log(action: str, at: datetime, user_id: int, rule_id: str | None = None) -> None:
        changes.log(connection, action, now=at, user_id=user_id, group_id=7, rule_id=rule_id)

    with store.write() as connection:
        for user_id, rule_id in ((1, "price:p"), (2, "price:p"), (3, "hand"), (4, "price:p")):
            log("wanted", NOW - 2 * DAY, user_id, rule_id)
            log("added", NOW - 2 * DAY, user_id, rule_id)
        log("changed", NOW - DAY, 2, "product:b")
        log("changed", NOW, 1, "product:b")
        log("removed", NOW - DAY, 4, "price:p")
        log("seen", NOW - DAY, 5)
        end = charts.granted(connection, NOW)
        now = charts.granted(connection, NOW + DAY)
    assert set(end) == {(1, "price:p"), (2, "product:b"), (3, "hand")}
    assert set(now) == {(1, "product:b"), (2, "product:b"), (3, "hand")}
    assert len(end) == len(now) == 3


def test_an_invoice_that_failed_often_failed_once_and_may_be_paid_since(store: Store) -> None:
    def fails(event_id: str, invoice: str, at: datetime) -> None:
        event = Event(event_id, charts.FAILED, invoice, "invoice", "cus_1", at, livemode=False)
        inbox.record(connection, event, source="stripe", payload_sha256="0" * 64, now=at, due_at=at)

    with store.write() as connection:
        fails("evt_1", "in_1", NOW - DAY)
        fails("evt_2", "in_1", NOW + DAY)
        fails("evt_3", "in_2", NOW + DAY)
        paid = MoneyLine("in_1", "cus_1", "paid", NOW + DAY, 500, "eur", "x", invoice_id="in_1")
        money.save(connection, [paid], NOW)
        found = charts.failed(connection, NOW - 300 * DAY)
    assert found == [
        Sum("failed", "2028-02", "recovered", "", 1),
        Sum("failed", "2028-03", "lost", "", 1),
    ]
