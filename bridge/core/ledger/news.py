"""What the ledger reads when events say that money moved. Only their ids count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zlib import crc32

from bridge.core.events.stripe import Event
from bridge.core.ledger.objects import (
    Charge,
    CreditMove,
    CreditNote,
    Invoice,
    MoneyObject,
    Order,
    Refund,
)

TYPES = (
    *("charge.succeeded", "charge.captured", "charge.updated", "charge.refunded"),
    *("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"),
    *("charge.dispute.created", "charge.dispute.closed", "charge.dispute.funds_withdrawn"),
    *("charge.dispute.funds_reinstated", "topup.succeeded", "topup.reversed"),
    *("payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled"),
    "payout.reconciliation_completed",
    *("credit_note.created", "credit_note.updated", "credit_note.voided"),
    *("customer.created", "customer.updated"),
    *("invoice.finalized", "invoice.voided", "invoice.marked_uncollectible"),
    *("invoice.paid", "checkout.session.completed", "checkout.session.async_payment_succeeded"),
)
"""Every type of event after which something may have to be booked."""

_MOVES = frozenset({"charge", "refund", "payout", "topup", "checkout"})


@dataclass(frozen=True, slots=True)
class ToRead:
    """The objects of a burst of events. `moves`: the newest balance transactions."""

    moves: bool = False
    payouts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()


def to_read(events: Iterable[Event]) -> ToRead:
    """Merge what events ask for: each object once, however many events name it."""
    moves = False
    found: dict[str, set[str]] = {"payout": set(), "credit_note": set(), "customer": set()}
    for event in events:
        kind = event.type.split(".")[0]
        moves = moves or kind in _MOVES or event.type == "invoice.paid"
        is_about = event.balance_moved if kind == "customer" else kind in found
        if is_about and event.object_id:
            found[kind].add(event.object_id)
    payouts, notes, customers = (tuple(sorted(ids)) for ids in found.values())
    return ToRead(moves, payouts, notes, customers)


@dataclass(frozen=True, slots=True)
class Missing:
    """Objects to read before lines can be made from new objects.

    `sales`: charges without a known invoice or order. `notes_on`: invoices of which
    something was refunded, perhaps by a credit note.
    """

    sales: tuple[Charge, ...] = ()
    notes_on: tuple[str, ...] = ()


def missing(new: Iterable[MoneyObject], known: Iterable[MoneyObject]) -> Missing:
    """Objects to which new objects refer and that are unknown; nothing is booked without them."""
    read = list(new)
    everything = {one.id: one for one in (*known, *read)}
    sold = {paid.payment_id: one for one in _invoices(everything) for paid in one.payments}
    orders = {one.payment_id for one in everything.values() if isinstance(one, Order)}
    notes = (one for one in everything.values() if isinstance(one, CreditNote))
    with_note = {refund_id for note in notes for refund_id in note.refund_ids}
    sales, notes_on = [], set()
    for one in read:
        if isinstance(one, Charge) and not {one.id, one.payment_id} & (sold.keys() | orders):
            sales.append(one)
        elif isinstance(one, Refund) and one.id not in with_note:
            charge = everything.get(one.charge_id)
            if isinstance(charge, Charge):
                invoice = sold.get(charge.payment_id) or sold.get(charge.id)
                notes_on |= {invoice.id} if invoice else set()
    return Missing(tuple(sales), tuple(sorted(notes_on)))


def _invoices(objects: dict[str, MoneyObject]) -> list[Invoice]:
    return [one for one in objects.values() if isinstance(one, Invoice)]


def is_credit_known(balance: int, told: Iterable[MoneyObject]) -> bool:
    """Whether the known moves of a customer's credit explain everything that is seen of it.

    `told`: these moves, and the customer's invoices and credit notes. None of them shows credit
    that was given and taken back by hand.
    """
    objects = list(told)
    moves = {one.id: one for one in objects if isinstance(one, CreditMove)}
    moved_by = {move.invoice_id for move in moves.values()}
    invoices = (one for one in objects if isinstance(one, Invoice) and one.credit_minor)
    notes = (one for one in objects if isinstance(one, CreditNote) and one.credit_id)
    return (
        sum(move.amount_minor for move in moves.values()) == balance
        and all(invoice.id in moved_by for invoice in invoices)
        and all(note.credit_id in moves for note in notes)
    )


def is_asked_today(customer_id: str, day: date, every_days: int) -> bool:
    """Whether it is a customer's turn: customers are spread evenly over a number of days."""
    return (crc32(customer_id.encode()) + day.toordinal()) % every_days == 0
