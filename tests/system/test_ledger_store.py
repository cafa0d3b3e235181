"""The ledger's store on both databases, without Stripe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import column, insert, select, table, text

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Finding, Ledger
from bridge.core.ledger.objects import CreditMove
from bridge.core.ledger.products import OTHER
from bridge.core.model.account import MANUAL, OWN
from bridge.store import Store, by_hand, ledger_findings, migrate, money, money_objects
from bridge.store import ledger as ledger_store
from tests.databases import compile_once

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
USER = 12


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def test_I6_a_finding_is_kept_until_its_family_is_booked_without_it(store: Store) -> None:
    odd = Finding("lines_do_not_add_up", ("in_1",), "the lines add up to 1, the total is 2 EUR")
    other = Finding("type_not_known", ("txn_1",), "moon_tax")
    later = Finding("reference_missing", ("txn_2", "ch_1"), "the charge is not known yet")
    with store.write() as connection:
        ledger_findings.replace(connection, OWN, {"cus_1": [odd]}, NOW)
        ledger_findings.replace(connection, OWN, {"txn_1": [other]}, NOW)
        again = NOW + timedelta(days=1)
        ledger_findings.replace(connection, OWN, {"cus_1": [later, odd]}, again)
    with store.read() as connection:
        assert ledger_findings.everything(connection) == [odd, other, later]
    with store.write() as connection:
        ledger_findings.replace(connection, OWN, {"cus_1": []}, NOW)
        assert ledger_findings.everything(connection) == [other]
        ledger_findings.drop(connection)
        assert ledger_findings.everything(connection) == []


# --- From the money lines of before the ledger ----------------------------------------------------

BEFORE = "0008"
OLD_LINES = (
    # id, customer, kind, seconds, amount, invoice, payment, credit, user, method, by
    ("in_1", "cus_1", "paid", 10, 2500, "in_1", "pi_1", 500, None, None, None),
    ("ch_1", "cus_1", "paid", 20, 900, None, "pi_2", 0, None, None, None),
    ("re_1", "cus_1", "refunded", 30, -900, None, "pi_2", 0, None, None, None),
    ("dp_1", "cus_1", "disputed", 40, -2000, "in_1", "pi_1", 0, None, None, None),
    ("dp_1:returned", "cus_1", "dispute_returned", 50, 2000, "in_1", "pi_1", 0, None, None, None),
    ("hand:1", None, "paid", 60, 1200, None, None, 0, USER, "cash", "moderator:3"),
    ("hand:2", None, "paid", 70, 700, None, None, 0, USER, "bank", "moderator:3"),
    ("hand:2:reversed", None, "refunded", 80, -700, None, None, 0, USER, "bank", "moderator:3"),
)
NAMES = (
    *("id", "customer_id", "kind", "at", "amount_minor", "invoice_id", "payment_id"),
    *("from_credit_minor", "user_id", "method", "recorded_by"),
)
SAME = {"currency": "eur", "what": "Gold", "is_first": False, "recorded_at": 1}
SAME |= {"discount_minor": 0, "parts": "[]"}
# As it was then, whatever the code is written for now.
MONEY = table("money_lines", *map(column, (*NAMES, *SAME)))


def keep_as_then(store: Store) -> None:
    with store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO customers (customer_id, user_id, first_seen_at, has_purchases)"
                " VALUES ('cus_1', :user, 1, :no)"
            ),
            {"user": USER, "no": False},
        )
        rows = [dict(zip(NAMES, values, strict=True)) | SAME for values in OLD_LINES]
        connection.execute(insert(MONEY), rows)


def kept(store: Store) -> list[tuple[object, ...]]:
    with store.read() as connection:
        rows = connection.execute(select(*(MONEY.c[name] for name in NAMES)).order_by(MONEY.c.at))
        return [tuple(row) for row in rows]


def told(store: Store) -> list[tuple[str, int, str]]:
    """The statement of the payer."""
    with store.read() as connection:
        lines = money.of_user(connection, USER)
    return [(line.id, line.amount_minor, line.kind) for line in lines]


def booked(store: Store) -> Ledger:
    with store.read() as connection:
        return ledger(by_hand.payments(connection), lambda *_: OTHER)


def test_I6_money_lines_of_before_the_ledger_stay_as_they_were_up_and_down(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store, NOW, BEFORE)
    keep_as_then(store)
    migrate.upgrade(store, NOW)
    assert kept(store) == list(OLD_LINES)
    assert told(store) == [(one[0], one[4], one[2]) for one in OLD_LINES]
    book = booked(store)
    assert balances(book) == {"assets:cash": 1200, "income:other": -1200}
    assert {one.corrects for one in book.lines} == {None, "hand:2"}
    with store.write() as connection:
        lines = {f"user:{USER}": book.lines}
        ledger_store.write_lines(connection, MANUAL, lines, {}, NOW)
    migrate.downgrade(store, BEFORE)
    assert kept(store) == list(OLD_LINES)
    migrate.upgrade(store, NOW)
    assert kept(store) == list(OLD_LINES)
    assert booked(store) == book
    store.close()


def balances(book: Ledger) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for line in book.lines:
        sums[line.account] += line.amount_minor
    return {account: amount for account, amount in sums.items() if amount}


def test_I6_an_object_that_comes_in_while_its_family_is_booked_waits_for_its_own_lines(
    store: Store,
) -> None:
    first, second = (
        CreditMove(f"cbtxn_{n}", "cus_1", "eur", -100, "adjustment", NOW) for n in (1, 2)
    )
    mine = (OWN, "cus_1")
    with store.write() as connection:
        money_objects.save_objects(connection, [first], NOW)
    with store.write() as connection:
        read = money_objects.objects_of(connection, OWN, ["cus_1"])["cus_1"]
        money_objects.save_objects(connection, [second], NOW)  # as another process does
        money_objects.booked(connection, OWN, [one.id for one in read])
    with store.read() as connection:
        assert money_objects.pending_families(connection) == [mine]
        assert money_objects.pending_families(connection, mine) == []
    with store.write() as connection:
        money_objects.booked(connection, OWN, ["cbtxn_2"])
        assert money_objects.pending_families(connection) == []
        assert money_objects.known(connection, ["cbtxn_1", "cbtxn_3"]) == {"cbtxn_1"}
        told = money_objects.that_moved_credit(connection, ["cus_1", "cus_2"])
        assert told == {"cus_1": [first, second]}
        assert money_objects.around(connection, [second]) == [first, second]
