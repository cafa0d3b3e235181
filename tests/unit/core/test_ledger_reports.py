"""Reports for treasurers: fees, taxes, donations, funds, payouts, shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.ledger import reports
from bridge.core.ledger.chart import Chart, Target
from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Line
from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    Invoice,
    InvoicePayment,
    Payout,
    Refund,
    SoldLine,
    Tax,
)
from bridge.core.ledger.products import ACCOUNTS, OTHER, Nature

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = {
    "gold": Nature(ACCOUNTS["membership"]),
    "gift": Nature(ACCOUNTS["donation"], fund="Roof"),
    "share": Nature(ACCOUNTS["share"]),
}


def nature(product: str | None, _price: str | None, _at: datetime) -> Nature:
    return KINDS.get(product or "", OTHER)


def holder(line: Line) -> str:
    return line.customer_id or "unknown"


def sold(
    number: int,
    *lines: SoldLine,
    customer: str = "cus_1",
    at: datetime = AT,
    method: str = "card",
    fee: int = 0,
) -> tuple[Invoice | Charge | BalanceMove, ...]:
    """A paid invoice with its payment, of a fee."""
    total, paid = sum(line.total_minor for line in lines), f"pi_{number}"
    payments = (InvoicePayment(paid, total, at),)
    about = (f"in_{number}", customer, "eur", "paid", total, total, lines, at, at)
    charge = Charge(f"ch_{number}", customer, "eur", total, paid, at, "Payment", method)
    move = BalanceMove(
        f"txn_{number}", "charge", "charge", "eur", total, fee, at, at + DAY, charge.id
    )
    return Invoice(*about, payments=payments), charge, move  # type: ignore[arg-type]


def refunded(number: int, amount: int, at: datetime) -> tuple[Refund | BalanceMove, ...]:
    refund = Refund(f"re_{number}", f"ch_{number}", "eur", amount, at)
    move = BalanceMove(
        f"txn_{number}r", "refund", "refund", "eur", -amount, 0, at, at + DAY, refund.id
    )
    return refund, move


def tax(amount: int, country: str, rate: str, *, inclusive: bool = False) -> Tax:
    return Tax(amount, "VAT", inclusive, country, rate)


def shares(count: int) -> SoldLine:
    return SoldLine("il", "Share", 5000 * count, product_id="share", quantity=count)


GOLD = SoldLine("il", "Gold", 1000, product_id="gold")
GIFT = SoldLine("il", "Gift", 700, product_id="gift")


def test_A85_the_fee_report_shows_the_cost_of_each_way_to_pay() -> None:
    objects = (
        *sold(1, GOLD, fee=59),
        *sold(2, GOLD, fee=59),
        *sold(3, GOLD, fee=35, method="sepa_debit"),
        BalanceMove("txn_9", "stripe_fee", "fee", "eur", -200, 0, AT, AT),
    )
    rows = reports.fees_by_method(ledger(objects, nature).lines)
    assert rows == [
        reports.FeeRow("account", "eur", 0, 0, 200),
        reports.FeeRow("card", "eur", 2, 2000, 118),
        reports.FeeRow("sepa_debit", "eur", 1, 1000, 35),
    ]


def test_A71_taxes_are_told_by_month_country_and_rate_with_what_they_are_on() -> None:
    taxed = SoldLine("il", "Gold", 1000, 100, (tax(171, "DE", "19"),), "gold")
    within = SoldLine("il", "Gold", 1000, 0, (tax(167, "AT", "20", inclusive=True),), "gold")
    objects = (*sold(1, taxed), *sold(2, within), *refunded(2, 1000, AT + 40 * DAY))
    assert reports.taxes(ledger(objects, nature).lines) == [
        reports.TaxRow("2026-03", "AT", "20", "eur", 833, 167),
        reports.TaxRow("2026-03", "DE", "19", "eur", 900, 171),
        reports.TaxRow("2026-04", "AT", "20", "eur", -833, -167),
    ]


def test_A57_donations_are_told_by_person_and_year_less_what_went_back() -> None:
    objects = (
        *sold(1, GIFT),
        *sold(2, GIFT, customer="cus_2"),
        *refunded(2, 700, AT),
        *sold(3, GIFT, at=AT + 366 * DAY),
    )
    rows = reports.donations(ledger(objects, nature).lines, holder)
    assert rows == [
        reports.GiftRow(2026, "cus_1", "Roof", "eur", 700),
        reports.GiftRow(2027, "cus_1", "Roof", "eur", 700),
    ]


def test_A57_what_came_in_for_a_fund_is_told() -> None:
    rows = reports.by_fund(ledger((*sold(1, GIFT), *sold(2, GOLD)), nature).lines)
    assert rows == [reports.FundRow("Roof", "income:donation", "eur", 700)]


def test_A74_a_payout_stands_beside_its_parts_and_what_they_do_not_explain() -> None:
    moves = [one for one in sold(1, GOLD, fee=59) if isinstance(one, BalanceMove)]
    payout = Payout("po_1", "eur", 940, "paid", AT, AT + DAY, ("txn_1",))
    row = reports.payout_row(payout, moves)
    assert (row.charges_minor, row.fees_minor, row.difference_minor) == (1000, -59, -1)


def test_A70_what_was_presented_and_what_was_settled_stand_side_by_side() -> None:
    charge = Charge("ch_1", "cus_1", "usd", 1000, "pi_1", AT, "Payment", "card")
    refund = Refund("re_1", "ch_1", "usd", 400, AT + DAY)
    objects = (
        charge,
        BalanceMove(
            *("txn_1", "charge", "charge", "eur", 920, 30, AT, AT, "ch_1"), exchange_rate="0.92"
        ),
        refund,
        BalanceMove(
            *("txn_2", "refund", "refund", "eur", -360, 0, AT + DAY, AT + DAY, "re_1"),
            exchange_rate="0.9",
        ),
        *sold(2, GOLD),
    )
    rows = list(reports.conversions(ledger(objects, nature).lines))
    assert [
        (r.payment_id, r.presented_minor, r.presented_currency, r.settled_minor, r.conversion)
        for r in rows
    ] == [
        ("pi_1", 1000, "usd", 920, "Conversion at 0.92"),
        ("pi_1", -400, "usd", -360, "Conversion at 0.9"),
    ]
    assert {r.settled_currency for r in rows} == {"eur"}


@pytest.mark.parametrize(
    ("account", "code"),
    [("liabilities:tax:de", "820"), ("liabilities:tax", "820"), ("income:other", None)],
)
def test_A75_an_account_is_found_by_the_longest_beginning_of_its_name(
    account: str, code: str | None
) -> None:
    chart = Chart({"liabilities:tax": Target("820"), "liabilities": Target("800")})
    found = chart.find(account)
    assert (found.code if found else None) == code
