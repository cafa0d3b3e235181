"""What customers bought whom nobody is linked to, so that a person can tell whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.stripe import Price
from bridge.store import catalogue
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
    """A customer whom nobody is linked to. `page`: the customer at Stripe, with name and e-mail."""

    customer_id: str
    first_seen_at: datetime
    page: str
    bought: tuple[Bought, ...]


def unlinked(bridge: Bridge) -> tuple[Unlinked, ...]:
    """Everybody at Stripe whom nobody is linked to, the longest known first."""
    with bridge.store.read() as connection:
        found = orphans(connection)
        ids = {id_ for one in found for both in one.bought for id_ in both}
        products, prices = catalogue.load_of(connection, ids)
    names = {product.id: product.name for product in products}
    by_id = {price.id: price for price in prices}
    mode = "" if bridge.settings.livemode else "/test"
    return tuple(
        Unlinked(
            one.customer_id,
            one.first_seen_at,
            f"{DASHBOARD}{mode}/customers/{one.customer_id}",
            _bought(one, names, by_id),
        )
        for one in found
    )


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
