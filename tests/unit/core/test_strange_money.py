"""Mistakes of Stripe or by hand: booked in full, balanced, and reported with their ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.core.ledger.line import Ledger
from bridge.core.ledger.objects import (
    BalanceMove,
    Dispute,
    MoneyObject,
    Payout,
    Refund,
    SoldLine,
)
from bridge.core.ledger.reports import payout_row
from bridge.exports.journal import hledger
from tests.unit.core.test_ledger import AT, DAY, GOLD, SHARE, balances, charge, invoice, made, move

PAID = (invoice(GOLD), charge(), move("txn_1", "charge", 1000, "ch_1"))


def gone(line: SoldLine) -> SoldLine:
    return replace(line, product_id="prod_gone")


def in_currency(currency: str, amount: int) -> tuple[MoneyObject, ...]:
    one = invoice(replace(GOLD, amount_minor=amount))
    paid = charge(amount, currency)
    return (
        replace(one, currency=currency),
        paid,
        move("txn_1", "charge", amount, "ch_1", currency=currency),
    )


def back(amount: int, *, dispute: bool = False, at: datetime = AT) -> tuple[MoneyObject, ...]:
    if dispute:
        moved = move("txn_2", "adjustment", -amount, "dp_1")
        return (Dispute("dp_1", "ch_1", "eur", amount, at, "lost"), replace(moved, at=at))
    return (Refund("re_1", "ch_1", "eur", amount, at), move("txn_2", "refund", -amount, "re_1"))


# What is strange -> the code and ids of what is told about it, and what stands on some account.
STRANGE = {
    "lines below the total": (
        (invoice(GOLD, total=1234, status="open"),),
        [("lines_do_not_add_up", ("in_1",))],
        {"equity:suspense": -234, "income:membership": -1000},
    ),
    "lines above the total": (
        (invoice(GOLD, total=900, status="open"),),
        [("lines_do_not_add_up", ("in_1",))],
        {"equity:suspense": 100, "income:membership": -1000},
    ),
    "an invoice without lines": (
        (invoice(total=500, status="open"),),
        [("lines_do_not_add_up", ("in_1",))],
        {"equity:suspense": -500, "assets:receivable": 500},
    ),
    "a refund of an invoice without lines": (
        (
            replace(invoice(total=1000), payments=invoice(GOLD).payments),
            charge(),
            move("txn_1", "charge", 1000, "ch_1"),
            *back(1000),
        ),
        [("lines_do_not_add_up", ("in_1",))],
        {"equity:suspense": 0, "assets:stripe": 0},
    ),
    "a product that is gone": (
        (invoice(gone(GOLD), status="open"),),
        [("product_not_known", ("in_1", "il_1", "prod_gone"))],
        {"income:other": -1000},
    ),
    "a negative quantity": (
        (invoice(SHARE, replace(SHARE, id="il_3", amount_minor=-5000, quantity=-1)),),
        [],
        {"equity:shares": 0},
    ),
    "an invoice of nothing but credit": (
        (invoice(replace(GOLD, amount_minor=-700, quantity=-1), status="open"),),
        [],
        {"income:membership": 700, "assets:receivable": -700},
    ),
    "a refund above the payment": (
        (*PAID, *back(1200)),
        [("refund_above_payment", ("re_1", "ch_1"))],
        {"equity:suspense": 200, "assets:stripe": -200, "income:membership": 0},
    ),
    "a refund of a charge that nobody knows": (
        (Refund("re_9", "ch_9", "eur", 100, AT), move("txn_9", "refund", -100, "re_9")),
        [("reference_missing", ("txn_9", "re_9"))],
        {"assets:stripe": 0},
    ),
    "an unknown type": (
        (move("txn_9", "moon_tax", -700, "mt_1", 3),),
        [("type_not_known", ("txn_9",))],
        {"equity:suspense": 700, "assets:stripe": -703, "expenses:fees": 3},
    ),
    "a payout that fails after it was paid": (
        (move("txn_1", "payout", -500, "po_1"), move("txn_2", "payout_failure", 500, "po_1")),
        [],
        {"assets:bank": 0, "assets:stripe": 0},
    ),
}


@pytest.mark.parametrize("case", STRANGE)
def test_I6_what_is_strange_is_booked_whole_and_told_with_its_ids(case: str) -> None:
    objects, told, expected = STRANGE[case]
    book = made(*objects)
    found = balances(book)
    assert [(one.code, one.ids) for one in book.findings] == told
    assert {account: found.get(account, 0) for account in expected} == expected


@pytest.mark.parametrize(
    ("currency", "amount", "shown"), [("jpy", 1000, "1000"), ("kwd", 1005, "1.005")]
)
def test_A70_currencies_without_and_with_three_decimals_are_booked_to_the_last_unit(
    currency: str, amount: int, shown: str
) -> None:
    book = made(*in_currency(currency, amount))
    assert balances(book, currency) == {"assets:stripe": amount, "income:membership": -amount}
    text = "".join(hledger(book.lines, {line.account for line in book.lines}))
    assert f" {shown} {currency.upper()}" in text
    assert f"-{shown} {currency.upper()}" in text


def test_A141_a_dispute_across_a_years_end_is_booked_in_the_year_of_each_of_its_moves() -> None:
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    returned = replace(move("txn_3", "adjustment", 1000, "dp_1"), at=new_year + DAY)
    book = made(*PAID, *back(1000, dispute=True, at=new_year - DAY), returned)
    assert by_year(book)["expenses:disputes"] == {2026: 1000, 2027: -1000}
    assert by_year(book)["income:membership"] == {2026: -1000}


def by_year(book: Ledger) -> dict[str, dict[int, int]]:
    sums: dict[str, Counter[int]] = {}
    for line in book.lines:
        sums.setdefault(line.account, Counter())[line.at.year] += line.amount_minor
    return {account: dict(of) for account, of in sums.items()}


def test_A74_a_payout_whose_parts_do_not_add_up_says_by_how_much() -> None:
    payout = Payout("po_1", "eur", 941, "failed", AT, AT + DAY, ("txn_1", "txn_2"))
    moves = [
        move("txn_1", "charge", 1000, "ch_1", 59),
        BalanceMove("txn_2", "moon_tax", "moon_tax", "eur", -7, 0, AT, AT),
    ]
    row = payout_row(payout, moves)
    assert (row.status, row.other_minor, row.difference_minor) == ("failed", -7, 7)
