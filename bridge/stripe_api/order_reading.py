"""A customer's one-off purchases, put together from their orders, invoices and charges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.carried import Carried
from bridge.core.model.stripe import PendingPayment, Price, Purchase
from bridge.stripe_api.charges import Payment, captured, lines_after
from bridge.stripe_api.orders import (
    order_line,
)
from bridge.stripe_api.paid_invoices import (
    invoice_line,
)
from bridge.stripe_api.reader import Json, id_of, invoice_subscription_id

_SEVERAL = 2


@dataclass(frozen=True, slots=True)
class PurchaseReading:
    """A customer's one-off purchases and their money. `references`: session id to reference.

    `pending`: orders that are not bought yet, because their payment is still on its way.
    """

    customer_id: str
    purchases: tuple[Purchase, ...]
    prices: tuple[Price, ...] = ()
    money: tuple[MoneyLine, ...] = ()
    pending: tuple[PendingPayment, ...] = ()
    references: Mapping[str, Carried] = field(default_factory=dict)


def without_checkout(invoices: Sequence[Json], sessions: Sequence[Json]) -> Iterator[Json]:
    """The invoices that no Checkout Session made: what those sell is read from the session."""
    made = {id_of(session.get("invoice")) for session in sessions}
    begun = {id_of(session.get("subscription")) for session in sessions} - {None}
    for invoice in invoices:
        is_first = invoice.get("billing_reason") == "subscription_create"
        # Before 2022 a session names only its subscription.
        if invoice["id"] in made or (is_first and invoice_subscription_id(invoice) in begun):
            continue
        yield invoice


def money_of_order(
    session: Json, lines: Sequence[Json], payment: Payment | None
) -> list[MoneyLine]:
    """The same lines that `read_money` gives for this order; a test holds both to it."""
    invoice, paid = session.get("invoice"), None
    if isinstance(invoice, Mapping):
        paid = invoice_line(invoice)
    elif payment:
        paid = order_line(session, lines, payment.charge)
    if not paid:
        return []
    return [paid, *(lines_after(payment, paid) if payment else ())]


def as_one(payments: Sequence[Payment]) -> Payment | None:
    """The payments of one invoice as one; None if it was paid outside Stripe."""
    if not payments:
        return None
    sums = {
        "amount": sum(int(one.charge["amount"]) for one in payments),
        "amount_captured": sum(captured(one.charge) for one in payments),
        "amount_refunded": sum(int(one.charge.get("amount_refunded") or 0) for one in payments),
    }
    return Payment(
        {**payments[0].charge, **sums},
        [refund for one in payments for refund in one.refunds],
        [dispute for one in payments for dispute in one.disputes],
    )


def may_have_notes(
    invoice: Json, lines: Sequence[Json], payments: Sequence[Payment | None]
) -> bool:
    """Whether a refund may belong to one line or another, and credit notes may tell."""
    is_refunded = any(one and one.charge.get("amount_refunded") for one in payments)
    if not is_refunded or len(lines) < _SEVERAL:
        return False
    # Before 2020 an invoice does not say whether it has any.
    return invoice.get("post_payment_credit_notes_amount") != 0
