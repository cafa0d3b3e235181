"""Entries of what was sold, credited, written off and paid by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bridge.core.ledger.book import Book, bought_by
from bridge.core.ledger.given_back import lines_of_note
from bridge.core.ledger.line import (
    BANK,
    CREDIT,
    CREDIT_GIVEN,
    DISCOUNTS,
    OUTSIDE,
    RECEIVABLE,
    SUSPENSE,
    TAX,
    WRITTEN_OFF,
    Finding,
    Line,
    numbered,
    opposite,
    pair,
    reverse,
)
from bridge.core.ledger.objects import (
    Charge,
    CreditMove,
    CreditNote,
    Invoice,
    ManualPayment,
    SoldLine,
)
from bridge.core.ledger.products import ACCOUNTS, SHIPPING, Nature
from bridge.core.ledger.shares import total_of

# Credit that was given to a customer or taken by hand, not through an invoice.
_CREDIT_BY_HAND = frozenset({"adjustment", "initial", "migration"})


def invoice_entries(book: Book, one: Invoice) -> Iterator[Line]:
    """A finalized invoice: its sale, and that it was voided, written off or paid elsewhere."""
    if one.finalized_at is None or one.status == "draft":
        return
    base = Line("", one.id, "sale", RECEIVABLE, one.finalized_at, 0, one.currency, "")
    base = replace(base, customer_id=one.customer_id, invoice_id=one.id, source_id=one.id)
    sold = numbered(sale(book, one.lines, one.total_minor, base))
    yield from sold
    if one.voided_at is not None and one.status == "void":
        yield from reverse(sold, f"{one.id}:void", one.voided_at)
        return
    yield from _written_off(one, base)
    outside = one.due_minor - sum(paid.amount_minor for paid in one.payments)
    if one.status == "paid" and one.paid_at is not None and outside > 0:
        paid = replace(base, entry_id=f"{one.id}:outside", kind="payment", at=one.paid_at)
        yield from pair(paid, OUTSIDE, outside, "Paid outside Stripe")


def _written_off(one: Invoice, base: Line) -> Iterator[Line]:
    if one.written_off_at is None:
        return
    at = one.written_off_at
    left = one.due_minor - sum(p.amount_minor for p in one.payments if p.paid_at <= at)
    given_up = replace(base, entry_id=f"{one.id}:written-off", kind="write_off", at=at)
    lines = list(pair(given_up, WRITTEN_OFF, left, "Written off"))
    yield from lines
    if one.status == "paid" and one.paid_at is not None:
        yield from reverse(lines, f"{one.id}:recovered", one.paid_at)


def sale(
    book: Book,
    sold: Sequence[SoldLine],
    total_minor: int,
    base: Line,
    sold_at: datetime | None = None,
) -> Iterator[Line]:
    """The sale against what the customer owes; a difference is booked and reported."""
    for line in sold:
        yield from sold_lines(book, line, base, sold_at)
    told = sum(line.total_minor for line in sold)
    if told != total_minor:
        ids = tuple(filter(None, (base.source_id,)))
        says = f"the lines add up to {told}, the total is {total_minor} {base.currency.upper()}"
        book.findings.append(Finding("lines_do_not_add_up", ids, says))
        rest = replace(base, kind="unexplained", account=SUSPENSE, what="Not told by the lines")
        yield replace(rest, amount_minor=told - total_minor)
    if total_minor:
        yield replace(base, account=RECEIVABLE, amount_minor=total_minor, what="Owed")


def sold_lines(
    book: Book, line: SoldLine, base: Line, sold_at: datetime | None = None
) -> Iterator[Line]:
    """One line sold: its income, discount and taxes. `sold_at`: where that was before the entry."""
    nature = _nature(book, line, base, sold_at or base.at)
    of = replace(base, product_id=line.product_id, price_id=line.price_id, fund=nature.fund)
    of = replace(of, rule_id=nature.rule_id, what=line.what)
    within = sum(tax.amount_minor for tax in line.taxes if tax.inclusive)
    if line.amount_minor - within:
        amount = within - line.amount_minor
        yield replace(of, account=nature.account, amount_minor=amount, quantity=line.quantity)
    if line.discount_minor:
        # A line that is no income has no discount on income either.
        account = DISCOUNTS if nature.account.startswith("income:") else nature.account
        yield replace(of, kind="discount", account=account, amount_minor=line.discount_minor)
    for tax in line.taxes:
        account = ":".join(filter(None, (TAX, (tax.country or "").lower())))
        net = within + line.discount_minor - line.amount_minor
        told = replace(of, kind="tax", account=account, rate=tax.percentage, base_minor=net)
        if tax.amount_minor:
            yield replace(told, amount_minor=-tax.amount_minor, what=tax.name)


def _nature(book: Book, line: SoldLine, base: Line, at: datetime) -> Nature:
    if line.kind is not None:
        return Nature(ACCOUNTS[line.kind], line.fund)
    if line.is_shipping:
        return SHIPPING
    nature = book.nature_of(line.product_id, line.price_id, at)
    if not nature.is_known:
        ids = tuple(filter(None, (base.source_id, line.id, line.product_id or line.price_id)))
        says = "Stripe does not know its product or its price any more: they were deleted"
        book.findings.append(Finding("product_not_known", ids, says))
    return nature


def charge_entry(book: Book, one: Charge) -> Iterator[Line]:
    """The sale of a payment without an invoice: of the order it paid, or of itself."""
    if {one.id, one.payment_id} & book.invoice_of_payment.keys():
        return
    base = Line("", f"{one.id}:sale", "sale", RECEIVABLE, one.at, 0, one.currency, "")
    base = replace(base, customer_id=one.customer_id, payment_id=one.payment_id, source_id=one.id)
    yield from numbered(sale(book, bought_by(book, one), one.amount_minor, base))


def credit_note_entries(book: Book, one: CreditNote) -> Iterator[Line]:
    """What a credit note takes off its invoice."""
    invoice = book.invoices.get(one.invoice_id)
    base = Line("", one.id, "refund", RECEIVABLE, one.at, 0, one.currency, "")
    base = replace(base, customer_id=one.customer_id, invoice_id=one.invoice_id, source_id=one.id)
    base = replace(base, corrects=one.invoice_id)
    if invoice is None:
        ids = tuple(filter(None, (one.id, one.invoice_id)))
        book.findings.append(Finding("reference_missing", ids, "the invoice is not known yet"))
        return
    lines = lines_of_note(book, one, invoice)
    taken = [
        replace(line, kind="refund" if line.kind == "sale" else line.kind)
        for line in opposite(sale(book, lines, one.total_minor, base, invoice.finalized_at))
    ]
    done = numbered(taken)
    yield from done
    if one.outside_minor:
        paid = replace(base, entry_id=f"{one.id}:outside")
        yield from pair(paid, OUTSIDE, -one.outside_minor, "Refunded outside Stripe")
    if one.voided_at is not None:
        yield from reverse(done, f"{one.id}:void", one.voided_at)


def credit_move_entry(one: CreditMove) -> Iterator[Line]:
    """Credit that a customer was given, or used."""
    by_hand = one.type in _CREDIT_BY_HAND
    base = Line("", one.id, "credit", CREDIT, one.at, one.amount_minor, one.currency, "")
    base = replace(base, customer_id=one.customer_id, invoice_id=one.invoice_id, source_id=one.id)
    words = "Credit given" if one.amount_minor < 0 else "Credit used"
    against = CREDIT_GIVEN if by_hand else RECEIVABLE
    yield from pair(base, CREDIT, one.amount_minor, words, against)


def manual_entry(book: Book, one: ManualPayment) -> Iterator[Line]:
    """A payment that a moderator recorded."""
    base = Line("", one.id, "sale", RECEIVABLE, one.at, 0, one.currency, "")
    base = replace(base, user_id=one.user_id, source_id=one.id, corrects=one.corrects)
    account = BANK if one.method == "bank" else f"assets:{one.method}"
    lines = [line for sold in one.lines for line in sold_lines(book, sold, base)]
    got = replace(base, kind="manual", account=account, what=f"Paid: {one.method}")
    lines.append(replace(got, amount_minor=total_of(one.lines)))
    yield from numbered(lines)
