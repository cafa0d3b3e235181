"""Customers without a user and what they bought, so that people can recognise them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.core.telling.payer_facts import bought_words
from bridge.core.telling.unlinked import Unlinked, bought_of, told
from bridge.store import catalogue, claims, orphans, users
from bridge.wiring import Bridge

DASHBOARD = "https://dashboard.stripe.com"
# An order is claimed within days of being begun, and what is known of it is when it was paid.
# Source: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
LONGEST_CHECKOUT = timedelta(days=1)


def unlinked(
    bridge: Bridge,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int | None = None,
    set_aside: bool = False,
) -> tuple[Unlinked, ...]:
    """Customers and guests at Stripe who are linked to nobody, the longest known first.

    All of them without a limit. `set_aside`: those whom a moderator leaves so.
    """
    with bridge.store.read() as connection:
        found = orphans.orphans(connection, after=after, limit=limit, set_aside=set_aside)
        ids = {id_ for one in found for both in one.bought for id_ in both}
        products, prices = catalogue.load_of(connection, ids)
        orders = claims.unclaimed(connection)
        asked = claims.asked(connection)
        people = {one.user_id for of_payer in asked.values() for one in of_payer}
        usernames = users.names_of(connection, people)
    names = {product.id: product.name for product in products}
    by_id = {price.id: price for price in prices}
    mode = "" if bridge.settings.livemode else "/test"
    since_at = bridge.clock.now() - timedelta(days=bridge.policy.claim_days) + LONGEST_CHECKOUT
    return tuple(
        replace(
            told(
                one,
                names,
                by_id,
                f"{DASHBOARD}{mode}",
                bridge.settings.bridge_url,
                orders,
                since_at,
            ),
            asked_by=tuple(
                (it.user_id, usernames.get(it.user_id)) for it in asked.get(one.customer_id, ())
            ),
        )
        for one in found
    )


@dataclass(frozen=True, slots=True)
class Payer:
    """A customer: what they bought, in words, their user, and why a moderator leaves them aside."""

    bought: tuple[str, ...]
    user_id: int | None
    username: str | None
    set_aside: str | None


def payer(bridge: Bridge, customer_id: str) -> Payer | None:
    """A customer as it was last read; None for one that the bridge has never seen."""
    with bridge.store.read() as connection:
        found = orphans.payer(connection, customer_id)
        if found is None:
            return None
        one, user_id = found
        ids = {id_ for both in one.bought for id_ in both}
        products, prices = catalogue.load_of(connection, ids)
        name = users.names_of(connection, [user_id]).get(user_id) if user_id else None
    names = {product.id: product.name for product in products}
    bought = bought_of(one, names, {price.id: price for price in prices})
    return Payer(tuple(map(bought_words, bought)), user_id, name, one.set_aside)
