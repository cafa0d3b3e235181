"""Files that Xero imports without editing: bank statement, sales invoices, manual journals.

Columns and formats are those of Xero's own import templates; a star marks what it requires.
Every file is in one currency, because Xero's imports are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from bridge.core.ledger.amounts import decimals_of
from bridge.core.ledger.chart import Chart, Target
from bridge.core.ledger.line import RECEIVABLE, STRIPE, TAX, Line
from bridge.exports.tables import rows_as_csv

BANK_COLUMNS = ("*Date", "*Amount", "Payee", "Description", "Reference", "Check Number")
INVOICE_COLUMNS = (
    "*ContactName",
    "EmailAddress",
    "POAddressLine1",
    "POAddressLine2",
    "POAddressLine3",
    "POAddressLine4",
    "POCity",
    "PORegion",
    "POPostalCode",
    "POCountry",
    "*InvoiceNumber",
    "Reference",
    "*InvoiceDate",
    "*DueDate",
    "Total",
    "InventoryItemCode",
    "*Description",
    "*Quantity",
    "*UnitAmount",
    "Discount",
    "*AccountCode",
    "*TaxType",
    "TaxAmount",
    "TrackingName1",
    "TrackingOption1",
    "TrackingName2",
    "TrackingOption2",
    "Currency",
    "BrandingTheme",
)
JOURNAL_COLUMNS = (
    "*Narration",
    "*Date",
    "Description",
    "*AccountCode",
    "*TaxRate",
    "*Amount",
    "TrackingName1",
    "TrackingOption1",
    "TrackingName2",
    "TrackingOption2",
)


def bank_statement(lines: Iterable[Line]) -> Iterator[str]:
    """Movements on the Stripe account, for the bank account in Xero that represents it."""
    moved = (line for line in lines if line.account == STRIPE)
    return rows_as_csv(
        BANK_COLUMNS,
        (
            (
                _day(line.at),
                _amount(line.amount_minor, line.currency),
                _who(line),
                line.what,
                line.entry_id,
                "",
            )
            for line in moved
        ),
    )


def sales_invoices(lines: Iterable[Line], chart: Chart) -> Iterator[str]:
    """An invoice for each sale, with a row for each line sold; discounts are rows below zero."""
    return rows_as_csv(INVOICE_COLUMNS, _invoice_rows(lines, chart))


def manual_journals(lines: Iterable[Line], chart: Chart) -> Iterator[str]:
    """Every entry as a journal: it sums to zero, debits above zero."""
    return rows_as_csv(JOURNAL_COLUMNS, _journal_rows(lines, chart))


def _invoice_rows(lines: Iterable[Line], chart: Chart) -> Iterator[Sequence[object]]:
    for entry_id, of_entry in groupby(lines, lambda line: line.entry_id):
        entry = list(of_entry)
        if not any(line.kind == "sale" and line.account == RECEIVABLE for line in entry):
            continue
        for line in entry:
            if line.account == RECEIVABLE or line.account.startswith(TAX):
                continue
            yield _invoice_row(entry_id, line, _target(chart, line), _tax_on(entry, line))


def _invoice_row(entry_id: str, line: Line, target: Target, tax: int) -> Sequence[object]:
    quantity = line.quantity if line.quantity and line.quantity > 0 else 1
    unit = Decimal(-line.amount_minor).scaleb(-decimals_of(line.currency)) / quantity
    return (
        _who(line),
        *[""] * 9,
        entry_id,
        line.payment_id or line.source_id,
        _day(line.at),
        _day(line.at),
        "",
        "",
        line.what,
        str(quantity),
        round(unit, 4),
        "",
        target.code,
        target.tax,
        _amount(tax, line.currency),
        *_tracking(target, line),
        line.currency.upper(),
        "",
    )


def _tax_on(entry: Sequence[Line], line: Line) -> int:
    """The tax of a line sold; a discount row carries none, the tax is on the net amount."""
    if line.kind != "sale":
        return 0
    mine = (line.product_id, line.price_id, line.what)
    first = next(
        one
        for one in entry
        if one.kind == "sale" and (one.product_id, one.price_id, one.what) == mine
    )
    if first is not line:
        return 0
    return -sum(
        one.amount_minor
        for one in entry
        if one.account.startswith(TAX) and (one.product_id, one.price_id) == mine[:2]
    )


def _journal_rows(lines: Iterable[Line], chart: Chart) -> Iterator[Sequence[object]]:
    for entry_id, of_entry in groupby(lines, lambda line: line.entry_id):
        for line in of_entry:
            target = _target(chart, line)
            yield (
                entry_id,
                _day(line.at),
                line.what,
                target.code,
                target.tax,
                _amount(line.amount_minor, line.currency),
                *_tracking(target, line),
            )


def _target(chart: Chart, line: Line) -> Target:
    return chart.find(line.account) or Target(line.account)


def _tracking(target: Target, line: Line) -> tuple[str, str, str, str]:
    if not (target.tracking and line.fund):
        return "", "", "", ""
    return target.tracking, line.fund, "", ""


def _who(line: Line) -> str:
    """The id of the person whom the line is about, never a name or an address."""
    return f"user {line.user_id}" if line.user_id is not None else line.customer_id or "Stripe"


def _day(at: datetime) -> str:
    return f"{at:%d/%m/%Y}"


def _amount(amount_minor: int, currency: str) -> Decimal:
    """A number, so that one below zero is not taken for a formula and quoted."""
    return Decimal(amount_minor).scaleb(-decimals_of(currency))
