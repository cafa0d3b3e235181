"""Reads everybody's orders, refunds and disputes, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.carried import Carried
from bridge.stripe_api.charges import Payment, charge_line, lines_after
from bridge.stripe_api.checkout import PAID_WITH, billing_country, card_country, read_checkout
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.order_lines import items_bought_once
from bridge.stripe_api.orders import (
    is_guests_order,
    is_paid_order,
    one_off_lines,
    payer_of,
    price_and_product,
)
from bridge.stripe_api.payments import invoice_lines, line_items
from bridge.stripe_api.reader import Json, id_of


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """What the list of everybody's orders shows of one, without a request for it alone.

    `purchase_ids`: what it is known by once it was read whole. `reference` is unverified. `sold`:
    price and product of each line.
    """

    id: str
    customer_id: str
    reference: Carried | None
    purchase_ids: frozenset[str]
    sold: frozenset[tuple[str, str]] = frozenset()
    billing_country: str | None = None
    card_country: str | None = None


@dataclass(frozen=True, slots=True)
class SeenReturn:
    """A refund or dispute, and the money lines that it is once read. A guest has no customer."""

    customer_id: str | None
    payment_id: str
    line_ids: frozenset[str]


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
                _seen(http, session)
                for session in page
                if is_paid_order(session) and (session.get("customer") or is_guests_order(session))
            ]
            by_checkout |= {id_of(session.get("invoice")) for session in page}
        yield found
    for page in http.pages("/v1/invoices", status="paid", created=_from(since)):
        with reading("a page of invoices"):
            sold = [
                _seen_invoice(http, one)
                for one in page
                if one["id"] not in by_checkout and one.get("customer")
            ]
        yield [order for order in sold if order.purchase_ids]


def _from(since: datetime | None) -> dict[str, int] | None:
    return {"gte": int(since.timestamp())} if since else None


def _seen_invoice(http: StripeHttp, invoice: Json) -> SeenOrder:
    lines = items_bought_once(invoice_lines(http, invoice))
    ids = frozenset(f"{invoice['id']}:{line['id']}" for line in lines)
    return SeenOrder(invoice["id"], id_of(invoice["customer"]) or "", None, ids)


def _seen(http: StripeHttp, session: Json) -> SeenOrder:
    lines = one_off_lines(session, line_items(http, session))
    return SeenOrder(
        id=session["id"],
        customer_id=payer_of(session),
        reference=read_checkout(session).reference,
        purchase_ids=frozenset(f"{session['id']}:{line['id']}" for line in lines),
        sold=frozenset(map(price_and_product, lines)),
        billing_country=billing_country(session),
        card_country=card_country(session),
    )


def read_everybodys_returns(
    http: StripeHttp, since: datetime | None, disputed_since: datetime | None
) -> Iterator[list[SeenReturn]]:
    """Everybody's refunds and disputes, in pages of 100, of payments however old."""
    expand = ["data.charge"]
    for page in http.pages("/v1/refunds", created=_from(since), expand=expand):
        with reading("a page of refunds"):
            found = [_returned(one, refund=one) for one in page]
        yield [one for one in found if one]
    for page in http.pages("/v1/disputes", created=_from(disputed_since), expand=expand):
        with reading("a page of disputes"):
            found = [_returned(one, dispute=one) for one in page]
        yield [one for one in found if one]


def _returned(
    one: Json, *, refund: Json | None = None, dispute: Json | None = None
) -> SeenReturn | None:
    """None where nothing moved."""
    charge = one.get("charge")
    if not isinstance(charge, Mapping):
        return None
    customer_id = id_of(charge.get("customer"))
    paid = charge_line(charge, customer_id or "")
    if paid is None:
        return None
    payment = Payment(charge, [refund] if refund else [], [dispute] if dispute else [])
    ids = frozenset(line.id for line in lines_after(payment, paid))
    payment_id = id_of(charge.get("payment_intent")) or str(charge["id"])
    return SeenReturn(customer_id, payment_id, ids) if ids else None
