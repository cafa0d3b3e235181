"""Reads what a customer has now: subscriptions with all their items, prices and latest payment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.core.model.stripe import (
    Billing,
    PeriodPayment,
    Subscription,
)
from bridge.stripe_api.failures import why_refused
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.owed import (
    CustomerReading,
    OpenInvoices,
    latest_paid,
    must_ask_for_payment,
    read_whole,
    refused_invoices,
    whole_subscription,
)
from bridge.stripe_api.payments import read_period_payment
from bridge.stripe_api.reader import (
    Json,
    item_price,
    item_rows,
    read_means,
    within,
)

# Stripe expands no deeper than this.
MEANS = ("data.default_payment_method", "data.customer.invoice_settings.default_payment_method")


def read_customer_now(
    http: StripeHttp,
    customer_id: str,
    *,
    payments: bool = False,
    entitlements: bool = False,
    means: bool = True,
) -> CustomerReading:
    """All subscriptions of a customer: one request, or more if a list is cut off.

    A past due subscription needs a second request, for the due date of its oldest invoice. With
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
        subscriptions = [
            whole_subscription(raw, its, is_open, _last_payment(http, raw, asked=payments))
            for raw, its in zip(raws, items, strict=True)
        ]
        return read_whole(
            customer_id,
            raws,
            subscriptions,
            [item_price(item) for its in items for item in its],
            _entitlements(http, customer_id) if entitlements else None,
            _billing(http, raws),
        )


def _billing(http: StripeHttp, raws: Sequence[Json]) -> Billing:
    means = {raw["id"]: found for raw in raws if (found := read_means(raw))}
    refused = {
        invoice["id"]: why
        for invoice in refused_invoices(raws)
        if (why := why_refused(http, invoice))
    }
    return Billing(means, refused)


def _entitlements(http: StripeHttp, customer_id: str) -> tuple[str, ...]:
    rows = http.all("/v1/entitlements/active_entitlements", customer=customer_id)
    return tuple(sorted({str(row["lookup_key"]) for row in rows}))


def read_everybodys(http: StripeHttp, after: str | None) -> Iterator[list[Subscription]]:
    """The subscriptions of all customers, ended ones too, in pages of 100."""
    is_open = OpenInvoices()
    for page in http.pages("/v1/invoices", status="open"):
        with reading("a page of open invoices"):
            is_open = is_open.and_those(page)
    expand = ["data.latest_invoice", "data.schedule", "data.customer"]
    for page in http.pages("/v1/subscriptions", after, status="all", expand=expand):
        with reading("a page of subscriptions"):
            found = [
                whole_subscription(
                    raw, _items(http, raw), is_open, _last_payment(http, raw, asked=False)
                )
                for raw in page
            ]
        yield found


def _last_payment(http: StripeHttp, raw: Json, *, asked: bool) -> PeriodPayment | None:
    """Without further requests, only the data of the latest invoice."""
    paid = latest_paid(raw)
    if must_ask_for_payment(raw, paid, asked=asked):
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
