"""The objects that a ledger is made from, found by the ids that others name them by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bridge.core.ledger.line import Finding
from bridge.core.ledger.objects import (
    Charge,
    CreditNote,
    Dispute,
    Invoice,
    MoneyObject,
    Order,
    Refund,
    SoldLine,
)
from bridge.core.ledger.products import NatureOf
from bridge.core.ledger.shares import share, total_of


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
    findings: list[Finding] = field(default_factory=list)


def open_book(objects: Sequence[MoneyObject], nature_of: NatureOf) -> Book:
    """Sort the objects into a book."""
    book = Book(nature_of)
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
    return book


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
