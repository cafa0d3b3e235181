"""Stripe's page for members: opened at one place, and what the bridge does where it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bridge.core.model.stripe import Subscription
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.reader import rows

CONFIGURATIONS = "/v1/billing_portal/configurations"
SESSIONS = "/v1/billing_portal/sessions"


FlowKind = Literal["payment_method_update", "subscription_cancel", "subscription_pause"]


@dataclass(frozen=True, slots=True)
class Flow:
    """One thing to do on Stripe's page. `subscription_id`: None for what is the customer's."""

    kind: FlowKind
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelTerms:
    """What the portal's settings say of cancelling."""

    is_offered: bool
    is_immediate: bool


def open_portal(http: StripeHttp, customer_id: str, return_url: str, flow: Flow | None) -> str:
    """The address of the page. Once a flow is done, Stripe leads back as by its own link."""
    params: dict[str, Any] = {"customer": customer_id, "return_url": return_url}
    if flow is not None:
        about = {"subscription": flow.subscription_id}
        params["flow_data"] = {
            "type": flow.kind,
            **({flow.kind: about} if flow.subscription_id else {}),
            "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
        }
    with reading(f"the portal of {customer_id}"):
        return str(http.post(SESSIONS, params)["url"])


def read_cancel_terms(http: StripeHttp) -> CancelTerms:
    """By the default configuration; without one nothing is offered."""
    page = http.get(CONFIGURATIONS, is_default=True, limit=1)
    with reading("the portal's settings"):
        feature = next((one["features"]["subscription_cancel"] for one in rows(page)), None)
        if not feature or not feature["enabled"]:
            return CancelTerms(is_offered=False, is_immediate=False)
        return CancelTerms(is_offered=True, is_immediate=feature["mode"] == "immediately")


def cancel_at_period_end(http: StripeHttp, subscription_id: str) -> None:
    """Cancel where the portal does not offer it."""
    http.post(path("/v1/subscriptions/{}", subscription_id), {"cancel_at_period_end": True})


def keep(http: StripeHttp, subscription: Subscription) -> None:
    """Take a cancellation back; the portal sets `cancel_at` alone, other clients the period's end.

    Doing it twice does nothing more.
    """
    mends = {"cancel_at_period_end": False} if subscription.cancel_at_period_end else {}
    http.post(path("/v1/subscriptions/{}", subscription.id), mends or {"cancel_at": ""})


def invoice_page(http: StripeHttp, invoice_id: str) -> str | None:
    """The hosted page of an invoice that is still open."""
    with reading(invoice_id):
        invoice = http.get(path("/v1/invoices/{}", invoice_id))
        return invoice.get("hosted_invoice_url") if invoice["status"] == "open" else None
