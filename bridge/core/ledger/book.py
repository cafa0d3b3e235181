"""The objects from which a ledger is made, found by the ids with which others refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.ledger.line import Finding
from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditNote,
    Dispute,
    Gift,
    Invoice,
    MoneyObject,
    Order,
    Refund,
    SoldLine,
)
from bridge.core.ledger.products import NatureOf
from bridge.core.ledger.shares import share, total_of

# Balance transactions of refunds that failed, so the money came back.
FAILED_REFUNDS = frozenset({"refund_failure", "payment_failure_refund"})


@dataclass(slots=True)
class Book:
    """Objects by id while entries are made, and what was found on the way."""

    nature_of: NatureOf
    invoices: dict[str, Invoice] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    charge_of_dispute: dict[str, str] = field(default_factory=dict)
    invoice_of_payment: dict[str, Invoice] = field(default_factory=dict)
    note_of_refund: dict[str, CreditNote] = field(default_factory=dict)
    failed_at: dict[str, datetime] = field(default_factory=dict)
    charges_of: dict[str, list[Charge]] = field(default_factory=dict)
    refunds_of: dict[str, list[Refund]] = field(default_factory=dict)
    gifts: list[Gift] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def open_book(objects: Sequence[MoneyObject], nature_of: NatureOf) -> Book:
    """Sort the objects into a book."""
    book = Book(nature_of, gifts=[one for one in objects if isinstance(one, Gift)])
    for one in objects:
        match one:
            case Invoice():
                book.invoices[one.id] = one
                book.invoice_of_payment |= {paid.payment_id: one for paid in one.payments}
            case Order():
                book.orders[one.payment_id] = one
            case Charge():
                book.charges[one.id] = one
            case Refund():
                book.refunds[one.id] = one
            case CreditNote():
                book.note_of_refund |= dict.fromkeys(one.refund_ids, one)
            case Dispute():
                book.charge_of_dispute[one.id] = one.charge_id
            case _:
                pass
    _join(book, objects)
    return book


def _join(book: Book, objects: Sequence[MoneyObject]) -> None:
    """Answers that need several objects."""
    for charge in book.charges.values():
        book.charges_of.setdefault(sale_of(book, charge), []).append(charge)
    for refund in book.refunds.values():
        book.refunds_of.setdefault(refund.charge_id, []).append(refund)
    for one in objects:
        if isinstance(one, BalanceMove) and one.type in FAILED_REFUNDS and one.source_id:
            book.failed_at[one.source_id] = one.at


def sale_of(book: Book, one: Charge) -> str:
    """What a charge paid: an invoice, perhaps with other charges, or itself."""
    invoice = invoice_of(book, one)
    return invoice.id if invoice else one.id


def invoice_of(book: Book, one: Charge) -> Invoice | None:
    """The invoice that a charge paid."""
    paid = book.invoice_of_payment
    return paid.get(one.payment_id) or paid.get(one.id)


def bought_by(book: Book, one: Charge) -> Sequence[SoldLine]:
    """The lines behind a charge. Paid in another currency, each has its share of the charge."""
    order = book.orders.get(one.payment_id)
    if order is None or not order.lines:
        return (SoldLine(one.id, one.what, one.amount_minor),)
    if order.currency == one.currency and total_of(order.lines) == one.amount_minor:
        return order.lines
    shares = share(one.amount_minor, [line.total_minor for line in order.lines])
    return [
        replace(line, amount_minor=part, discount_minor=0, taxes=())
        for line, part in zip(order.lines, shares, strict=True)
    ]
