"""The order at Stripe: whose customer pays, and one page however often the button is pressed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from flask import url_for

from bridge.core.signed.reference import sign_reference, sign_replacement
from bridge.errors import Permanent
from bridge.store import checkouts, links, subscriptions
from bridge.stripe_api.checkout import CheckoutRequest
from bridge.web.addresses import with_query
from bridge.web.context import Reader, absolute, now, the_bridge
from bridge.web.security import Stop

if TYPE_CHECKING:
    from bridge.core.rights.offers import Offer
    from bridge.core.rights.switching import Switch

log = structlog.get_logger(__name__)
# Stripe ends an unused page after 24 hours; it is not led to in its last one.
PAGE_LIFE = timedelta(hours=23)


def pay_address(
    reader: Reader, offer: Offer, order: str, return_to: str | None, switch: Switch | None = None
) -> str:
    """Where the reader goes to pay: Stripe's page, or the end of an order that is paid already.

    `switch`: what the new one takes the place of.
    """
    row = begin_order(reader, offer, order, return_to)
    if row.completed_at is not None:
        return url_for("arrival.done", order=order)
    if row.url is not None:
        return str(row.url) if now() < row.expires_at else preview_path(offer, row.return_to)
    return _open_page(reader, offer, row, switch)


def begin_order(reader: Reader, offer: Offer, order: str, return_to: str | None) -> Any:
    """The row of an order, made by the first click; another member's ends the request."""
    with the_bridge().store.write() as connection:
        row = checkouts.begin(
            connection,
            order,
            user_id=reader.user_id,
            price_id=offer.price.id,
            return_to=return_to,
            now=now(),
        )
    if row is None:
        raise Stop(403, "This is not yours to see", "This order belongs to another member.")
    return row


def _open_page(reader: Reader, offer: Offer, row: Any, switch: Switch | None) -> str:
    """Have Stripe make its page. Two clicks at once carry the same key, so Stripe makes one."""
    settings = the_bridge().settings
    reference = sign_reference(reader.user_id, settings.secret_key)
    link = the_bridge().stripe.create_checkout(
        CheckoutRequest(
            price=offer.price,
            user_id=reader.user_id,
            reference=reference,
            success_url=absolute("arrival.done", order=row.id),
            cancel_url=settings.bridge_url + preview_path(offer, row.return_to, cancelled="yes"),
            purpose=offer.rule.kind if offer.rule else "other",
            customer_id=_customer_of(reader, reference, switch),
            replaces=_replaces(reader, switch),
        ),
        idempotency_key=f"order-{row.id}",
    )
    with the_bridge().store.write() as connection:
        checkouts.save_session(connection, row.id, link.id, link.url, now() + PAGE_LIFE)
    log.info("join.to_stripe", user=reader.user_id, price=offer.price.id, session=link.id)
    return link.url


def _replaces(reader: Reader, switch: Switch | None) -> str | None:
    if switch is None:
        return None
    secret_key = the_bridge().settings.secret_key
    return sign_replacement(switch.subscription.id, reader.user_id, secret_key)


def preview_path(offer: Offer, return_to: str | None, **more: str) -> str:
    """The page of an offer, carrying the post it was opened from."""
    path = url_for("join.offer", key=offer.price.id)
    return with_query(path, **{"from": return_to}, **more)


def _customer_of(reader: Reader, reference: str, switch: Switch | None) -> str:
    """The customer this member paid as before, or a new one that is theirs from the first moment.

    What is left of a replaced subscription is credited to its own customer. Stripe bills a customer
    in one currency, so another one needs a customer who has no subscription.

    Never one found by its e-mail address, which proves nothing and may be another application's.
    The key says how many there were, so that two clicks at once make one customer, and a customer
    deleted at Stripe is followed by a new one.
    """
    with the_bridge().store.read() as connection:
        live = links.live_customers_of(connection, reader.user_id)
        known = len(links.customers_of(connection, reader.user_id))
        if switch is not None and not switch.is_same_currency:
            live = tuple(one for one in live if not subscriptions.of_customers(connection, [one]))
    if switch is not None and switch.is_same_currency:
        return switch.subscription.customer_id
    if live:
        return live[0]
    customer = the_bridge().stripe.create_customer(
        reader.user_id, reference, idempotency_key=f"customer-{known}-{reference}"
    )
    with the_bridge().store.write() as connection:
        theirs = links.link(
            connection,
            customer.id,
            reader.user_id,
            proof="made for them",
            actor="join",
            now=now(),
            has_nothing=True,
        )
    if not theirs:
        raise Permanent(f"{customer.id} was made for user {reader.user_id} and is another's")
    return customer.id
