"""Reads everybody's orders, refunds and disputes, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bridge.stripe_api.checkout import PAID_WITH
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.payments import invoice_lines, line_items
from bridge.stripe_api.reader import id_of
from bridge.stripe_api.seen import (
    SeenOrder,
    SeenReturn,
    is_taken,
    seen_invoice,
    seen_return,
    seen_session,
)


def read_everybodys_orders(http: StripeHttp, since: datetime | None) -> Iterator[list[SeenOrder]]:
    """Everybody's paid orders and invoices, in pages of 100; `since`: begun from then on."""
    by_checkout: set[str | None] = set()
    pages = http.pages(
        "/v1/checkout/sessions",
        status="complete",
        created=_from(since),
        expand=["data.line_items", *(f"data.{part}" for part in PAID_WITH)],
    )
    for page in pages:
        with reading("a page of orders"):
            found = [
                seen_session(session, line_items(http, session))
                for session in page
                if is_taken(session)
            ]
            by_checkout |= {id_of(session.get("invoice")) for session in page}
        yield found
    for page in http.pages("/v1/invoices", status="paid", created=_from(since)):
        with reading("a page of invoices"):
            sold = [
                seen_invoice(one, invoice_lines(http, one))
                for one in page
                if one["id"] not in by_checkout and one.get("customer")
            ]
        yield [order for order in sold if order.purchase_ids]


def _from(since: datetime | None) -> dict[str, int] | None:
    return {"gte": int(since.timestamp())} if since else None


def read_everybodys_returns(
    http: StripeHttp, since: datetime | None, disputed_since: datetime | None
) -> Iterator[list[SeenReturn]]:
    """Everybody's refunds and disputes, in pages of 100, of payments however old."""
    expand = ["data.charge"]
    for page in http.pages("/v1/refunds", created=_from(since), expand=expand):
        with reading("a page of refunds"):
            found = [seen_return(one, refund=one) for one in page]
        yield [one for one in found if one]
    for page in http.pages("/v1/disputes", created=_from(disputed_since), expand=expand):
        with reading("a page of disputes"):
            found = [seen_return(one, dispute=one) for one in page]
        yield [one for one in found if one]
