"""The counts behind the console's charts, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.events.stripe import Event
from bridge.core.ledger.entries import ledger
from bridge.core.ledger.lines import MoneyKind, MoneyLine, MoneyPart
from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditNote,
    Invoice,
    InvoicePayment,
    MoneyObject,
    Order,
    Refund,
    SoldLine,
)
from bridge.core.ledger.products import OTHER as OTHER_SALE
from bridge.core.model.account import OWN
from bridge.core.telling.charts import OTHER, Sum
from bridge.store import Store, changes, charts, inbox, migrate, money
from bridge.store import ledger as ledger_store
from tests.databases import compile_once

NOW = datetime(2028, 3, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
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


def test_money_for_several_products_is_divided_as_the_books_divide_it(store: Store) -> None:
    """An upgrade's payment, an order, and what of both was given back: nothing is lost by it."""

    def line(id_: str, kind: MoneyKind, minor: int, **more: Any) -> MoneyLine:
        return MoneyLine(id_, "cus_1", kind, NOW + DAY, minor, "eur", "x", **more)

    def sold(id_: str, minor: int, product: str) -> SoldLine:
        return SoldLine(id_, "x", minor, product_id=product)

    parts = (MoneyPart("unused", -1000), MoneyPart("new", 3000))
    of_upgrade: Any = {"invoice_id": "in_1", "payment_id": "pi_1", "product_id": "patron"}
    of_order: Any = {"payment_id": "pi_2", "product_id": "mug"}
    lines = (
        line("in_1", "paid", 2000, from_credit_minor=500, parts=parts, **of_upgrade),
        line("re_1", "refunded", -300, **of_upgrade),
        line("ch_2", "paid", 900, parts=parts, **of_order),
        line("re_2", "refunded", -200, **of_order),
        line("dp_2", "disputed", -700, **of_order),
        line("in_3", "paid", 50, invoice_id="in_3", product_id="mug", parts=parts),  # not booked
    )
    upgrade = (sold("il_1", -1000, "friend"), sold("il_2", 3000, "patron"))
    order = (sold("li_1", 200, "mug"), sold("li_2", 700, "share"))
    paid = InvoicePayment("pi_1", 1500, NOW)
    objects: list[MoneyObject] = [
        Invoice("in_1", "cus_1", "eur", "paid", 2000, 1500, upgrade, NOW, NOW, payments=(paid,)),
        Charge("ch_1", "cus_1", "eur", 1500, "pi_1", NOW, "x", "card"),
        Refund("re_1", "ch_1", "eur", 300, NOW + DAY),
        CreditNote("cn_1", "in_1", "cus_1", "eur", 300, NOW, (of_line("il_2", 300),), ("re_1",)),
        Order("cs_2", "cus_1", "eur", "pi_2", order),
        Charge("ch_2", "cus_1", "eur", 900, "pi_2", NOW, "x", "card"),
        Refund("re_2", "ch_2", "eur", 200, NOW + DAY),
        BalanceMove("txn_2", "refund", "refund", "eur", -200, 0, NOW, NOW, "re_2"),
    ]
    with store.write() as connection:
        money.save(connection, lines, NOW)
        booked = {"cus_1": ledger(objects, lambda *_: OTHER_SALE).lines}
        ledger_store.write_lines(connection, OWN, booked, {}, NOW)
        found = charts.money(connection, NOW)
    assert {one.name: one.value for one in found} == {
        "friend": -750,
        "patron": 2250 - 300,
        # The order, its refund of the mug, and the dispute in the proportion of its lines.
        "mug": 200 - 200 - 156 + 50,
        "share": 700 - 544,
    }


def of_line(line_id: str, minor: int) -> SoldLine:
    return SoldLine("cnli_1", "x", minor, of_line=line_id)
