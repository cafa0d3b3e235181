"""Xero's import files, to the letter."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

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


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("file", "written"),
    [
        ("xero-bank-statement.csv", bank_statement(LINES)),
        ("xero-sales-invoices.csv", sales_invoices(LINES, CHART_WITH_DISCOUNTS)),
        ("xero-manual-journals.csv", manual_journals(LINES, CHART_WITH_DISCOUNTS)),
    ],
)
def test_A56_A75_each_file_has_the_columns_and_formats_of_xero_s_template(
    file: str, written: Iterator[str]
) -> None:
    assert "".join(written).encode() == (GOLDEN / file).read_bytes()


def test_A75_every_manual_journal_sums_to_zero() -> None:
    sums: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO("".join(manual_journals(LINES, CHART)))):
        sums[row["*Narration"]] += int(row["*Amount"].replace(".", ""))
    assert sums == {"in_1": 0, "txn_1": 0}
