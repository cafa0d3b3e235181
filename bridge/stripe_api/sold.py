"""Reads sales without the bridge: payment links of the dashboard, and their orders."""

from __future__ import annotations

from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.orders import is_paid_order
from bridge.stripe_api.payments import ORDER_PARTS, payment_of
from bridge.stripe_api.seen import Order, PaymentLink, order_with, payment_link


def read_order(http: StripeHttp, session_id: str) -> Order:
    """An order by its id. Raises: NotFound."""
    raw = http.get(
        path("/v1/checkout/sessions/{}", session_id), expand=[*ORDER_PARTS, "subscription"]
    )
    with reading(session_id):
        return order_with(raw, payment_of(http, raw) if is_paid_order(raw) else None)


def read_payment_link(http: StripeHttp, link_id: str) -> PaymentLink:
    """A payment link by its id. Raises: NotFound."""
    raw = http.get(path("/v1/payment_links/{}", link_id), expand=["line_items"])
    with reading(link_id):
        return payment_link(raw)
