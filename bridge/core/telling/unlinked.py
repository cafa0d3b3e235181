"""Payers without a user and what they bought, so that people can recognise them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price, Purchase, Subscription, is_guest
from bridge.core.rules.paying import UNKNOWN_COUNTRY, country_name
from bridge.core.telling.words import group_names
from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class Orphan:
    """A customer without a user, with everything that was ever read for them."""

    customer_id: str
    first_seen_at: datetime
    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    set_aside: str | None = None

    @property
    def bought(self) -> Iterator[tuple[str, str]]:
        """The price and the product of each item and each order."""
        for subscription in self.subscriptions:
            for item in subscription.items:
                yield item.price_id, item.product_id
        for purchase in self.purchases:
            yield purchase.price_id, purchase.product_id


@dataclass(frozen=True, slots=True)
class Bought:
    """Something that a customer bought: the product, what it costs, and when it was last due."""

    product: str
    amount: str
    paid_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A customer or guest's order without a linked user.

    `page`: at Stripe, with name and e-mail. `claim`: the link for the payer, to claim it with;
    `is_claim_over`: there was one, and it has expired.
    `set_aside`: why a moderator set it aside. `asked_by`: who claim it, by id and name.
    """

    customer_id: str
    first_seen_at: datetime
    page: str
    bought: tuple[Bought, ...]
    claim: str | None
    set_aside: str | None = None
    asked_by: tuple[tuple[int, str | None], ...] = ()
    is_claim_over: bool = False


def not_sold_because(groups: Iterable[Group], country: str | None) -> str:
    """Why a member who asks for an order did not get it at once."""
    if country == UNKNOWN_COUNTRY:
        return gettext("It is not sold where they say they live.")
    if country:
        return gettext("It is not sold to %(country)s.") % {"country": country_name(country)}
    if not (buyers := list(groups)):
        return gettext("Who may buy it cannot be said now, because its rule has a problem.")
    return gettext("It is only for members of %(groups)s.") % {"groups": group_names(buyers)}


def told(
    payer: Orphan,
    names: Mapping[str, str],
    prices: Mapping[str, Price],
    dashboard: str,
    bridge_url: str,
    orders: Mapping[str, tuple[str, datetime]],
    since_at: datetime,
) -> Unlinked:
    """A payer with pages and words.

    `names`: of products. `orders`: customer -> unclaimed order, and since when it is known; those
    from before `since_at` can no longer be claimed.
    """
    order = _order(payer, orders)
    is_over = order is not None and order[1] <= since_at
    return Unlinked(
        payer.customer_id,
        payer.first_seen_at,
        f"{dashboard}/{_page(payer)}",
        bought_of(payer, names, prices),
        f"{bridge_url}/claim/{order[0]}" if order and not is_over else None,
        payer.set_aside,
        is_claim_over=is_over,
    )


def _page(payer: Orphan) -> str:
    """Their page in Stripe's dashboard; a guest's order has only its payment."""
    if not is_guest(payer.customer_id):
        return f"customers/{payer.customer_id}"
    paid = next((one.payment_id for one in payer.purchases if one.payment_id), "")
    return f"payments/{paid}"


def _order(
    payer: Orphan, orders: Mapping[str, tuple[str, datetime]]
) -> tuple[str, datetime] | None:
    """The order that the payer can make theirs, and the first that is known of it.

    None where it is not known.
    """
    made = [(one.id.partition(":")[0], one.paid_at) for one in payer.purchases]
    if is_guest(payer.customer_id):
        at = min((paid_at for _, paid_at in made), default=payer.first_seen_at)
        return payer.customer_id, min(at, payer.first_seen_at)
    if known := orders.get(payer.customer_id):
        id_, seen_at = known
        return id_, min((paid_at for one, paid_at in made if one == id_), default=seen_at)
    return next(((id_, paid_at) for id_, paid_at in made if is_guest(id_)), None)


def bought_of(
    customer: Orphan, names: Mapping[str, str], prices: Mapping[str, Price]
) -> tuple[Bought, ...]:
    """What a customer bought: products, amounts and states. `names`: of products."""
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
    """A subscription's cost in each period, before discounts and taxes."""
    if price is None or price.amount_minor is None:
        return ""
    amount = format_minor(price.amount_minor * quantity, price.currency)
    if price.interval is None:
        return amount
    count = price.interval_count
    every = f"a {price.interval}" if count == 1 else f"every {count} {price.interval}s"
    return f"{amount} {every}"
