"""Customers who are linked to nobody and what they bought, so that people can tell who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.stripe import Price, is_guest
from bridge.store import catalogue, claims
from bridge.store.orphans import Orphan, orphans
from bridge.wiring import Bridge

DASHBOARD = "https://dashboard.stripe.com"


@dataclass(frozen=True, slots=True)
class Bought:
    """Something that a customer bought: the product, what it costs, and when it was last due."""

    product: str
    amount: str
    paid_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A customer, or a guest's order, that nobody is linked to.

    `page`: at Stripe, with name and e-mail. `claim`: the link for the payer, to claim it with.
    `set_aside`: why a moderator leaves it so.
    """

    customer_id: str
    first_seen_at: datetime
    page: str
    bought: tuple[Bought, ...]
    claim: str | None
    set_aside: str | None = None


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
        found = orphans(connection, after=after, limit=limit, set_aside=set_aside)
        ids = {id_ for one in found for both in one.bought for id_ in both}
        products, prices = catalogue.load_of(connection, ids)
        orders = claims.unclaimed(connection)
    names = {product.id: product.name for product in products}
    by_id = {price.id: price for price in prices}
    mode = "" if bridge.settings.livemode else "/test"
    return tuple(
        Unlinked(
            one.customer_id,
            one.first_seen_at,
            f"{DASHBOARD}{mode}/{_page(one)}",
            _bought(one, names, by_id),
            _claim(bridge, one, orders),
            one.set_aside,
        )
        for one in found
    )


def _page(payer: Orphan) -> str:
    """Where Stripe's dashboard shows them; a guest's order has only its payment."""
    if not is_guest(payer.customer_id):
        return f"customers/{payer.customer_id}"
    paid = next((one.payment_id for one in payer.purchases if one.payment_id), "")
    return f"payments/{paid}"


def _claim(bridge: Bridge, payer: Orphan, orders: Mapping[str, str]) -> str | None:
    """The link with which the payer makes it theirs; None where the order is not known."""
    if is_guest(payer.customer_id):
        return _address(bridge, payer.customer_id)
    by_purchase = (one.id.partition(":")[0] for one in payer.purchases)
    order = orders.get(payer.customer_id) or next(filter(is_guest, by_purchase), None)
    return _address(bridge, order) if order else None


def _address(bridge: Bridge, session_id: str) -> str:
    return f"{bridge.settings.bridge_url}/claim/{session_id}"


def _bought(
    customer: Orphan, names: Mapping[str, str], prices: Mapping[str, Price]
) -> tuple[Bought, ...]:
    running = [
        Bought(
            names.get(item.product_id, item.product_id),
            _amount(prices.get(item.price_id), item.quantity),
            item.period_start_at,
            subscription.status,
        )
        for subscription in customer.subscriptions
        for item in subscription.items
    ]
    orders = [
        Bought(
            names.get(one.product_id, one.product_id),
            format_minor(one.amount_minor, one.currency),
            one.paid_at,
            "paid",
        )
        for one in customer.purchases
    ]
    return (*running, *orders)


def _amount(price: Price | None, quantity: int) -> str:
    """What a subscription's price comes to in each period, before discounts and taxes."""
    if price is None or price.amount_minor is None:
        return ""
    amount = format_minor(price.amount_minor * quantity, price.currency)
    if price.interval is None:
        return amount
    count = price.interval_count
    every = f"a {price.interval}" if count == 1 else f"every {count} {price.interval}s"
    return f"{amount} {every}"
