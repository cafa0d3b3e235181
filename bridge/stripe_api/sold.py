"""Reads what is sold without the bridge: payment links of the dashboard, and their orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.carried import Carried
from bridge.stripe_api.charges import captured, refunded_of
from bridge.stripe_api.checkout import read_checkout
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.orders import is_paid_order, payer_of, price_and_product, what_was_bought
from bridge.stripe_api.payments import ORDER_PARTS, payment_of
from bridge.stripe_api.reader import BENEFICIARY, Json, metadata, moment, rows, within

ENDED = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as somebody who has its link may see it: what was bought, and whether it counts.

    `payer_id`: the customer, or the order itself if a guest paid. `reference`, `beneficiary`: our
    unverified words for who bought it, and for whom.
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


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """A payment link of Stripe's dashboard. `leads_to`: where the buyer goes after paying."""

    id: str
    url: str
    is_active: bool
    sold: tuple[tuple[str, str], ...]
    leads_to: str | None


def read_order(http: StripeHttp, session_id: str) -> Order:
    """An order by its id. Raises: NotFound."""
    raw = http.get(
        path("/v1/checkout/sessions/{}", session_id), expand=[*ORDER_PARTS, "subscription"]
    )
    with reading(session_id):
        lines: Sequence[Json] = rows(raw.get("line_items"))
        is_paid = is_paid_order(raw)
        payment = payment_of(http, raw) if is_paid else None
        taken = captured(payment.charge) if payment else 0
        created_at, word = moment(raw["created"]), metadata(raw).get(BENEFICIARY)
        return Order(
            id=raw["id"],
            payer_id=payer_of(raw),
            created_at=created_at,
            is_paid=is_paid,
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
        )


def read_payment_link(http: StripeHttp, link_id: str) -> PaymentLink:
    """A payment link by its id. Raises: NotFound."""
    raw = http.get(path("/v1/payment_links/{}", link_id), expand=["line_items"])
    with reading(link_id):
        return PaymentLink(
            id=raw["id"],
            url=raw["url"],
            is_active=bool(raw["active"]),
            sold=tuple(map(price_and_product, rows(raw["line_items"]))),
            leads_to=within(raw, "after_completion", "redirect", "url"),
        )
