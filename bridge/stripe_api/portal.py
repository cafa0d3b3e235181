"""Stripe's page for members: opened at one place, and what the bridge does where it cannot."""

from __future__ import annotations

from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.portal_page import CancelTerms, Flow, cancel_terms, kept, open_page, opened

CONFIGURATIONS = "/v1/billing_portal/configurations"
SESSIONS = "/v1/billing_portal/sessions"


def open_portal(http: StripeHttp, customer_id: str, return_url: str, flow: Flow | None) -> str:
    """The address of the page. Once a flow is done, Stripe leads back as by its own link."""
    with reading(f"the portal of {customer_id}"):
        return str(http.post(SESSIONS, opened(customer_id, return_url, flow))["url"])


def read_cancel_terms(http: StripeHttp) -> CancelTerms:
    """By the default configuration; without one nothing is offered."""
    page = http.get(CONFIGURATIONS, is_default=True, limit=1)
    with reading("the portal's settings"):
        return cancel_terms(page)


def cancel_at_period_end(http: StripeHttp, subscription_id: str) -> None:
    """Cancel where the portal does not offer it."""
    http.post(path("/v1/subscriptions/{}", subscription_id), {"cancel_at_period_end": True})


def keep(http: StripeHttp, subscription_id: str, *, is_by_period: bool) -> None:
    """Take a cancellation back. Doing it twice does nothing more."""
    http.post(path("/v1/subscriptions/{}", subscription_id), kept(is_by_period=is_by_period))


def invoice_page(http: StripeHttp, invoice_id: str) -> str | None:
    """The hosted page of an invoice that is still open."""
    with reading(invoice_id):
        return open_page(http.get(path("/v1/invoices/{}", invoice_id)))
