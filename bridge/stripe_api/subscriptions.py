"""Reads what a customer has now: subscriptions with all their items, prices and latest payment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.carried import Carried
from bridge.core.model.stripe import (
    Billing,
    PendingPayment,
    PeriodPayment,
    Price,
    Subscription,
)
from bridge.stripe_api.failures import why_refused
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.invoices import pending_payment
from bridge.stripe_api.paid_invoices import credit_line, invoice_line, period_payment
from bridge.stripe_api.payments import read_period_payment
from bridge.stripe_api.reader import (
    REFERENCE,
    Json,
    invoice_subscription_id,
    item_price,
    item_rows,
    oldest_due,
    past_due_since,
    read_means,
    read_next_charge,
    read_price,
    read_subscription,
    within,
)

RUNNING = ("active", "trialing", "past_due", "paused")
OVER = ("canceled", "incomplete_expired")
# Stripe expands no deeper than this.
MEANS = ("data.default_payment_method", "data.customer.invoice_settings.default_payment_method")


@dataclass(frozen=True, slots=True)
class CustomerReading:
    """Everything that a customer has now. `references`: subscription id to our unverified word.

    `entitlements`: lookup keys of the features they have; None where that was not asked.
    `billing`: cards only where the key may see them.
    """

    customer_id: str
    subscriptions: tuple[Subscription, ...]
    prices: tuple[Price, ...] = ()
    money: tuple[MoneyLine, ...] = ()
    references: Mapping[str, Carried] = field(default_factory=dict)
    entitlements: tuple[str, ...] | None = None
    billing: Billing = field(default_factory=Billing)


def read_customer_now(
    http: StripeHttp,
    customer_id: str,
    *,
    payments: bool = False,
    entitlements: bool = False,
    means: bool = True,
) -> CustomerReading:
    """All subscriptions of a customer: one request, more only where something is cut off.

    A past due subscription needs a second one, for the due date of its oldest invoice. With
    `payments`, each running one needs one or two for the refunds and disputes of its last payment.
    `entitlements` are one more list. `means`: show which card pays, which a key may be forbidden.
    A payment that was refused needs one more, for why.
    """
    raws = http.all(
        "/v1/subscriptions",
        customer=customer_id,
        status="all",
        expand=[
            "data.latest_invoice.payments",
            "data.schedule",
            *(MEANS if means else ("data.customer",)),
        ],
    )
    with reading(f"the subscriptions of {customer_id}"):
        is_open = _open_invoices(http, raws, customer_id)
        items = [_items(http, raw) for raw in raws]
        subscriptions = tuple(
            _whole(raw, its, is_open, _last_payment(http, raw, asked=payments))
            for raw, its in zip(raws, items, strict=True)
        )
        prices = {price["id"]: price for its in items for price in map(item_price, its)}
        latest = [i for raw in raws if isinstance(i := raw.get("latest_invoice"), Mapping)]
        paid = [line for each in latest for line in (invoice_line(each), credit_line(each))]
        return CustomerReading(
            customer_id,
            subscriptions,
            tuple(map(read_price, prices.values())),
            tuple(line for line in paid if line),
            {
                s.id: Carried(s.metadata[REFERENCE], s.created_at)
                for s in subscriptions
                if REFERENCE in s.metadata
            },
            _entitlements(http, customer_id) if entitlements else None,
            _billing(http, raws),
        )


def _billing(http: StripeHttp, raws: Sequence[Json]) -> Billing:
    means = {raw["id"]: found for raw in raws if (found := read_means(raw))}
    refused: dict[str, str] = {}
    for raw in raws:
        invoice = raw.get("latest_invoice")
        if raw["status"] in OVER or not isinstance(invoice, Mapping):
            continue
        is_refused = invoice.get("status") == "open" and invoice.get("attempted")
        if is_refused and (why := why_refused(http, invoice)):
            refused[invoice["id"]] = why
    return Billing(means, refused)


def _entitlements(http: StripeHttp, customer_id: str) -> tuple[str, ...]:
    rows = http.all("/v1/entitlements/active_entitlements", customer=customer_id)
    return tuple(sorted({str(row["lookup_key"]) for row in rows}))


def read_everybodys(http: StripeHttp) -> Iterator[list[Subscription]]:
    """The subscriptions of all customers, ended ones too, in pages of 100."""
    is_open = OpenInvoices()
    for page in http.pages("/v1/invoices", status="open"):
        with reading("a page of open invoices"):
            is_open = is_open.and_those(page)
    expand = ["data.latest_invoice", "data.schedule", "data.customer"]
    for page in http.pages("/v1/subscriptions", status="all", expand=expand):
        with reading("a page of subscriptions"):
            found = [
                _whole(raw, _items(http, raw), is_open, _last_payment(http, raw, asked=False))
                for raw in page
            ]
        yield found


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


def _whole(
    raw: Json, items: Sequence[Json], is_open: OpenInvoices, payment: PeriodPayment | None
) -> Subscription:
    found = read_subscription(raw, items, past_due_since(raw, is_open.since), payment)
    charge = read_next_charge(found, raw, items)
    return replace(found, next_charge=charge, pending=_pending(raw, is_open))


def _pending(raw: Json, is_open: OpenInvoices) -> tuple[PendingPayment, ...]:
    """What a subscription waits for; of one that is over nothing is taken any more."""
    if raw["status"] in OVER:
        return ()
    latest = raw.get("latest_invoice")
    waits = pending_payment(latest) if isinstance(latest, Mapping) else None
    found = {waits.id: waits} if waits else {}
    # Only to one that is past due do the older ones matter, and only for it are they asked for.
    if raw["status"] == "past_due":
        found |= {one.id: one for one in is_open.pending.get(raw["id"], ())}
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.id)))


def _last_payment(http: StripeHttp, raw: Json, *, asked: bool) -> PeriodPayment | None:
    """Without being asked for more, only what stands in the latest invoice."""
    # What instalments bought may outlast them, and so may what is known against their payment.
    latest = raw.get("latest_invoice")
    paid = period_payment(latest) if isinstance(latest, Mapping) else None
    # While collection is paused the newest invoice is none that was paid: until when was it?
    # And was anything paid since the trial, of one that owes something now?
    since_trial = raw["status"] == "past_due" and raw.get("trial_end")
    asked = asked or bool(paid is None and (raw.get("pause_collection") or since_trial))
    if asked and (raw["status"] in RUNNING or raw.get("cancel_at")):
        return read_period_payment(http, raw)
    return paid


def _items(http: StripeHttp, raw: Json) -> Sequence[Json]:
    """All items: only ten stand inside of a subscription."""
    if not within(raw, "items", "has_more"):
        return item_rows(raw)
    return http.all("/v1/subscription_items", subscription=raw["id"])


def _open_invoices(http: StripeHttp, raws: Sequence[Json], customer_id: str) -> OpenInvoices:
    if all(raw["status"] != "past_due" for raw in raws):
        return OpenInvoices()
    invoices = http.all("/v1/invoices", customer=customer_id, status="open")
    return OpenInvoices().and_those(invoices)
