"""Xero's import files, to the letter."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.core.ledger.chart import Chart, Target
from bridge.core.ledger.line import Line
from bridge.exports.xero import bank_statement, manual_journals, sales_invoices

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHART = Chart(
    {
        "assets": Target("610"),
        "income:membership": Target("200", "20% (VAT on Income)", "Fund"),
        "equity": Target("970", "No VAT"),
        "liabilities": Target("820", "No VAT"),
        "expenses": Target("404", "No VAT"),
    }
)


def line(entry: str, number: int, kind: str, account: str, amount: int, **more: object) -> Line:
    what = str(more.pop("what", "Gold"))
    return Line(
        f"{entry}#{number}",
        entry,
        kind,  # type: ignore[arg-type]
        account,
        AT,
        amount,
        "eur",
        what,
        "cus_1",
        **more,  # type: ignore[arg-type]
    )


LINES = [
    line("in_1", 1, "sale", "income:membership", -2000, product_id="p", quantity=2, fund="Roof"),
    line("in_1", 2, "discount", "income:discounts", 100, product_id="p"),
    line("in_1", 3, "tax", "liabilities:tax:gb", -380, product_id="p", rate="20"),
    line("in_1", 4, "sale", "equity:shares", -5000, what="Share", product_id="s", quantity=1),
    line("in_1", 5, "sale", "assets:receivable", 7280, what="Owed"),
    line("txn_1", 1, "payment", "assets:stripe", 7200, payment_id="pi_1", what="=Payment"),
    line("txn_1", 2, "fee", "expenses:fees", 80, what="Stripe's fee"),
    line("txn_1", 3, "payment", "assets:receivable", -7280, what="Payment"),
]
CHART_WITH_DISCOUNTS = Chart({**CHART.targets, "income": Target("260", "20% (VAT on Income)")})


def test_A75_the_bank_statement_is_what_xero_imports() -> None:
    assert "".join(bank_statement(LINES)) == (
        "*Date,*Amount,Payee,Description,Reference,Check Number\r\n"
        "01/03/2026,72.00,cus_1,'=Payment,txn_1,\r\n"
    )


def test_A56_A75_sales_invoices_book_shares_on_their_own_account() -> None:
    header, *rows = "".join(sales_invoices(LINES, CHART_WITH_DISCOUNTS)).splitlines()
    assert header.startswith("*ContactName,EmailAddress,POAddressLine1")
    gold, discount, share = (row.split(",") for row in rows)
    assert gold[10:] == [
        *("in_1", "", "01/03/2026", "01/03/2026", "", "", "Gold", "2", "10.0000", "", "200"),
        *("20% (VAT on Income)", "3.80", "Fund", "Roof", "", "", "EUR", ""),
    ]
    assert discount[16:23] == ["Gold", "1", "-1.0000", "", "260", "20% (VAT on Income)", "0.00"]
    assert share[16:23] == ["Share", "1", "50.0000", "", "970", "No VAT", "0.00"]


def test_A75_every_manual_journal_sums_to_zero() -> None:
    _, *rows = "".join(manual_journals(LINES, CHART_WITH_DISCOUNTS)).splitlines()
    assert len(rows) == len(LINES)
    assert rows[6] == "txn_1,01/03/2026,Stripe's fee,404,No VAT,0.80,,,,"
