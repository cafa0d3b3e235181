"""A subscription's open and last payment, from the invoices of a reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.objects import Invoice
from bridge.core.model.carried import Carried
from bridge.core.model.stripe import (
    Billing,
    PendingPayment,
    PeriodPayment,
    Price,
    Subscription,
)
from bridge.stripe_api.invoices import pending_payment
from bridge.stripe_api.money_objects import read_invoice
from bridge.stripe_api.paid_invoices import credit_line, invoice_line, period_payment
from bridge.stripe_api.reader import (
    REFERENCE,
    Json,
    invoice_subscription_id,
    oldest_due,
    past_due_since,
    read_next_charge,
    read_price,
    read_subscription,
)
from bridge.stripe_api.sold_lines import is_shipping_told

RUNNING = ("active", "trialing", "past_due", "paused")
OVER = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class CustomerReading:
    """Everything that a customer has now. `references`: subscription id to our unverified word.

    `entitlements`: lookup keys of the features they have; None where that was not asked.
    `billing`: cards only where the key may see them. `invoices`: the latest of each subscription,
    whole, for the ledger.
    """

    customer_id: str
    subscriptions: tuple[Subscription, ...]
    prices: tuple[Price, ...] = ()
    money: tuple[MoneyLine, ...] = ()
    references: Mapping[str, Carried] = field(default_factory=dict)
    entitlements: tuple[str, ...] | None = None
    billing: Billing = field(default_factory=Billing)
    invoices: tuple[Invoice, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """For each subscription the due date of its oldest open invoice, and what they all wait for."""

    since: Mapping[str, datetime] = field(default_factory=dict)
    pending: Mapping[str, tuple[PendingPayment, ...]] = field(default_factory=dict)

    def and_those(self, invoices: Sequence[Json]) -> OpenInvoices:
        """These, and those of another page."""
        pending = dict(self.pending)
        for invoice in invoices:
            subscription_id, waits = invoice_subscription_id(invoice), pending_payment(invoice)
            if subscription_id and waits:
                pending[subscription_id] = (*pending.get(subscription_id, ()), waits)
        return OpenInvoices(oldest_due(invoices, self.since), pending)


def whole_subscription(
    raw: Json, items: Sequence[Json], is_open: OpenInvoices, payment: PeriodPayment | None
) -> Subscription:
    """A subscription with what it owes and when it is charged next."""
    found = read_subscription(raw, items, past_due_since(raw, is_open.since), payment)
    charge = read_next_charge(found, raw, items)
    return replace(found, next_charge=charge, pending=_pending(raw, is_open))


def _pending(raw: Json, is_open: OpenInvoices) -> tuple[PendingPayment, ...]:
    """A subscription's open payments; an ended one has none, because nothing is collected."""
    if raw["status"] in OVER:
        return ()
    latest = raw.get("latest_invoice")
    waits = pending_payment(latest) if isinstance(latest, Mapping) else None
    found = {waits.id: waits} if waits else {}
    # Older invoices matter, and are requested, only for a subscription that is past due.
    if raw["status"] == "past_due":
        found |= {one.id: one for one in is_open.pending.get(raw["id"], ())}
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.id)))


def latest_paid(raw: Json) -> PeriodPayment | None:
    """The last payment, if the latest invoice shows it."""
    latest = raw.get("latest_invoice")
    return period_payment(latest) if isinstance(latest, Mapping) else None


def must_ask_for_payment(raw: Json, paid: PeriodPayment | None, *, asked: bool) -> bool:
    """Whether the last payment has to be asked for, with its refunds and disputes."""
    # While collection is paused, the newest invoice is unpaid. Until when was it paid?
    # And if something is owed now, was anything paid since the trial?
    since_trial = raw["status"] == "past_due" and raw.get("trial_end")
    asked = asked or bool(paid is None and (raw.get("pause_collection") or since_trial))
    # What instalments paid for may outlast them, and so may refunds and disputes of them.
    return asked and bool(raw["status"] in RUNNING or raw.get("cancel_at"))


def read_whole(
    customer_id: str,
    raws: Sequence[Json],
    subscriptions: Sequence[Subscription],
    prices: Iterable[Json],
    entitlements: tuple[str, ...] | None,
    billing: Billing,
) -> CustomerReading:
    """Everything that a customer has now, with the money of their latest invoices."""
    latest = [i for raw in raws if isinstance(i := raw.get("latest_invoice"), Mapping)]
    paid = [line for each in latest for line in (invoice_line(each), credit_line(each))]
    unique = {price["id"]: price for price in prices}
    return CustomerReading(
        customer_id,
        tuple(subscriptions),
        tuple(map(read_price, unique.values())),
        tuple(line for line in paid if line),
        {
            s.id: Carried(s.metadata[REFERENCE], s.created_at)
            for s in subscriptions
            if REFERENCE in s.metadata
        },
        entitlements,
        billing,
        tuple(filter(None, map(_for_the_books, latest))),
    )


def _for_the_books(raw: Json) -> Invoice | None:
    """An invoice as the ledger keeps it; None where a part of it is cut off or not understood.

    The ledger then reads it itself. Nobody waits for their group because of an odd invoice.
    """
    lines, payments = raw.get("lines") or {}, raw.get("payments") or {}
    if lines.get("has_more", True) or payments.get("has_more", True):
        return None
    if not is_shipping_told(raw):
        return None
    with suppress(KeyError, TypeError, ValueError):
        return read_invoice(raw, lines["data"], payments["data"])
    return None


def refused_invoices(raws: Sequence[Json]) -> list[Json]:
    """The latest invoices whose payment was tried and refused."""
    found = []
    for raw in raws:
        invoice = raw.get("latest_invoice")
        if raw["status"] in OVER or not isinstance(invoice, Mapping):
            continue
        if invoice.get("status") == "open" and invoice.get("attempted"):
            found.append(invoice)
    return found
