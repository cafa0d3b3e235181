"""Reads what a customer has now: subscriptions with all their items, prices and latest payment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.model import MoneyLine, PeriodPayment, Price, Subscription
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.money import invoice_line, period_payment
from bridge.stripe_api.payments import read_period_payment
from bridge.stripe_api.reader import (
    REFERENCE,
    Json,
    item_price,
    item_rows,
    oldest_due,
    past_due_since,
    read_next_charge,
    read_price,
    read_subscription,
    within,
)

RUNNING = ("active", "trialing", "past_due", "paused")


@dataclass(frozen=True, slots=True)
class CustomerReading:
    """Everything that a customer has now. `references`: subscription id to our unverified word."""

    customer_id: str
    subscriptions: tuple[Subscription, ...]
    prices: tuple[Price, ...] = ()
    money: tuple[MoneyLine, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)


def read_customer_now(
    http: StripeHttp, customer_id: str, *, payments: bool = False
) -> CustomerReading:
    """All subscriptions of a customer: one request, more only where something is cut off.

    A past due subscription needs a second one, for the due date of its oldest invoice. With
    `payments`, each running one needs one or two for the refunds and disputes of its last payment.
    """
    raws = http.all(
        "/v1/subscriptions",
        customer=customer_id,
        status="all",
        expand=["data.latest_invoice.payments"],
    )
    with reading(f"the subscriptions of {customer_id}"):
        open_since = _open_since(http, raws, customer_id)
        items = [_items(http, raw) for raw in raws]
        subscriptions = tuple(
            _whole(raw, its, open_since, _last_payment(http, raw, asked=payments))
            for raw, its in zip(raws, items, strict=True)
        )
        prices = {price["id"]: price for its in items for price in map(item_price, its)}
        latest = (raw.get("latest_invoice") for raw in raws)
        paid = (invoice_line(invoice) for invoice in latest if isinstance(invoice, Mapping))
        return CustomerReading(
            customer_id,
            subscriptions,
            tuple(map(read_price, prices.values())),
            tuple(line for line in paid if line),
            {s.id: s.metadata[REFERENCE] for s in subscriptions if REFERENCE in s.metadata},
        )


def read_everybodys(http: StripeHttp) -> Iterator[list[Subscription]]:
    """The subscriptions of all customers, ended ones too, in pages of 100."""
    open_since: dict[str, datetime] = {}
    for page in http.pages("/v1/invoices", status="open"):
        with reading("a page of open invoices"):
            open_since = oldest_due(page, open_since)
    for page in http.pages("/v1/subscriptions", status="all", expand=["data.latest_invoice"]):
        with reading("a page of subscriptions"):
            found = [
                _whole(raw, _items(http, raw), open_since, _last_payment(http, raw, asked=False))
                for raw in page
            ]
        yield found


def _whole(
    raw: Json,
    items: Sequence[Json],
    open_since: Mapping[str, datetime],
    payment: PeriodPayment | None,
) -> Subscription:
    found = read_subscription(raw, items, past_due_since(raw, open_since), payment)
    return replace(found, next_charge=read_next_charge(found, raw, items))


def _last_payment(http: StripeHttp, raw: Json, *, asked: bool) -> PeriodPayment | None:
    """Without being asked for more, only what stands in the latest invoice."""
    # What instalments bought may outlast them, and so may what is known against their payment.
    latest = raw.get("latest_invoice")
    paid = period_payment(latest) if isinstance(latest, Mapping) else None
    # While collection is paused the newest invoice is none that was paid: until when was it?
    asked = asked or bool(paid is None and raw.get("pause_collection"))
    if asked and (raw["status"] in RUNNING or raw.get("cancel_at")):
        return read_period_payment(http, raw)
    return paid


def _items(http: StripeHttp, raw: Json) -> Sequence[Json]:
    """All items: only ten stand inside of a subscription."""
    if not within(raw, "items", "has_more"):
        return item_rows(raw)
    return http.all("/v1/subscription_items", subscription=raw["id"])


def _open_since(http: StripeHttp, raws: Sequence[Json], customer_id: str) -> dict[str, datetime]:
    if all(raw["status"] != "past_due" for raw in raws):
        return {}
    return oldest_due(http.all("/v1/invoices", customer=customer_id, status="open"), {})
