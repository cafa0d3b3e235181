"""Orders, refunds and payment links as a list, or the holder of a link, sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bridge.core.model.carried import Carried
from bridge.stripe_api.charges import Payment, captured, charge_line, lines_after, refunded_of
from bridge.stripe_api.checkout import billing_country, card_country, read_checkout
from bridge.stripe_api.order_lines import items_bought_once
from bridge.stripe_api.orders import (
    is_guests_order,
    is_paid_order,
    one_off_lines,
    payer_of,
    price_and_product,
    what_was_bought,
)
from bridge.stripe_api.reader import BENEFICIARY, Json, id_of, metadata, moment, rows, within


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order as the list of all orders shows it, without a request of its own.

    `purchase_ids`: the ids of its purchases once it was read whole. `reference` is unverified.
    `sold`: price and product of each line.
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


def seen_invoice(invoice: Json, lines: Sequence[Json]) -> SeenOrder:
    """The one-off sales of an invoice, from all its lines."""
    lines = items_bought_once(lines)
    ids = frozenset(f"{invoice['id']}:{line['id']}" for line in lines)
    return SeenOrder(invoice["id"], id_of(invoice["customer"]) or "", None, ids)


def seen_session(session: Json, lines: Sequence[Json]) -> SeenOrder:
    """The one-off sales of a checkout, from all its lines."""
    lines = one_off_lines(session, lines)
    return SeenOrder(
        id=session["id"],
        customer_id=payer_of(session),
        reference=read_checkout(session).reference,
        purchase_ids=frozenset(f"{session['id']}:{line['id']}" for line in lines),
        sold=frozenset(map(price_and_product, lines)),
        billing_country=billing_country(session),
        card_country=card_country(session),
    )


def seen_return(
    one: Json, *, refund: Json | None = None, dispute: Json | None = None
) -> SeenReturn | None:
    """A refund or a dispute; None where nothing moved."""
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


ENDED = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the holder of its link may see it: its lines, and whether it counts.

    `payer_id`: the customer, or the order itself if a guest paid. `reference`, `beneficiary`: the
    bridge's unverified references to the buyer and receiver. `email`: passed on, never stored.
    """

    id: str
    payer_id: str
    created_at: datetime
    is_paid: bool
    is_on_its_way: bool
    is_refunded: bool
    has_ended: bool
    what: str
    amount_minor: int
    currency: str
    sold: tuple[tuple[str, str], ...]
    reference: Carried | None
    beneficiary: Carried | None
    email: str | None = field(default=None, repr=False)
    billing_country: str | None = None
    card_country: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """A payment link of Stripe's dashboard. `leads_to`: where the buyer goes after paying."""

    id: str
    url: str
    is_active: bool
    sold: tuple[tuple[str, str], ...]
    leads_to: str | None


def is_taken(session: Json) -> bool:
    """Whether a checkout is a paid order of somebody who can be named."""
    return is_paid_order(session) and bool(session.get("customer") or is_guests_order(session))


def order_with(raw: Json, payment: Payment | None) -> Order:
    """An order with the payment for it, where it is paid."""
    lines: Sequence[Json] = rows(raw.get("line_items"))
    taken = captured(payment.charge) if payment else 0
    created_at, word = moment(raw["created"]), metadata(raw).get(BENEFICIARY)
    return Order(
        id=raw["id"],
        payer_id=payer_of(raw),
        created_at=created_at,
        is_paid=is_paid_order(raw),
        is_on_its_way=raw.get("status") == "complete"
        and within(raw, "payment_intent", "status") in (None, "processing"),
        is_refunded=payment is not None and 0 < taken <= refunded_of(payment),
        has_ended=within(raw, "subscription", "status") in ENDED,
        what=what_was_bought(lines),
        amount_minor=int(raw.get("amount_total") or 0),
        currency=str(raw.get("currency") or "").lower(),
        sold=tuple(map(price_and_product, lines)),
        reference=read_checkout(raw).reference,
        beneficiary=Carried(word, created_at) if word else None,
        email=within(raw, "customer_details", "email") or None,
        billing_country=billing_country(raw),
        card_country=card_country(raw),
    )


def payment_link(raw: Json) -> PaymentLink:
    """A payment link, with what it sells."""
    return PaymentLink(
        id=raw["id"],
        url=raw["url"],
        is_active=bool(raw["active"]),
        sold=tuple(map(price_and_product, rows(raw["line_items"]))),
        leads_to=within(raw, "after_completion", "redirect", "url"),
    )
