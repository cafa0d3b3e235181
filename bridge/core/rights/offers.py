"""What can be bought by a link, and what the reader has of it already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price, Product, Subscription
from bridge.core.rights.switching import OVER, OWING
from bridge.core.rules.compiled import Rule, Rules


@dataclass(frozen=True, slots=True)
class Offer:
    """A price of a product and the groups that paying it leads to."""

    product: Product
    price: Price
    rule: Rule | None
    groups: tuple[Group, ...]

    @property
    def group_ids(self) -> tuple[int, ...]:
        """The groups as numbers."""
        return self.rule.group_ids if self.rule else ()


class Membership(Protocol):
    """The columns of a membership that matter here."""

    wanted: bool
    wanted_until: object
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Owned:
    """Why the reader need not buy this: a running subscription to it, or the groups for life."""

    subscription: Subscription | None

    @property
    def owes(self) -> bool:
        """A payment is open: mending it is what helps."""
        return self.subscription is not None and self.subscription.status in OWING


def find_offers(
    key: str, products: Iterable[Product], prices: Iterable[Price], rules: Rules
) -> list[tuple[Product, Price, Rule | None]]:
    """What a link's last word stands for: a price's id, its lookup key, or a product's id.

    Only what Stripe sells now; of a product all prices, the cheapest first.
    """
    by_id = {product.id: product for product in products if product.active}
    sold = [price for price in prices if price.active and price.product_id in by_id]
    chosen = (
        [price for price in sold if price.id == key]
        or [price for price in sold if price.lookup_key == key]
        or [price for price in sold if price.product_id == key]
    )
    chosen.sort(key=lambda price: (price.currency, price.amount_minor or 0, price.id))
    return [
        (by_id[price.product_id], price, rules.rule_for(price.id, price.product_id))
        for price in chosen
    ]


def already_owned(
    offer: Offer, facts: Facts, memberships: Mapping[int, Membership]
) -> Owned | None:
    """What the reader has of this offer, if buying it would be paying for nothing."""
    if offer.price.is_recurring:
        for subscription in facts.subscriptions:
            if subscription.status not in OVER and _is_for(subscription, offer):
                return Owned(subscription)
    if offer.group_ids and all(
        _is_for_life(memberships.get(group_id)) for group_id in offer.group_ids
    ):
        return Owned(None)
    return None


def rivals(offer: Offer, facts: Facts, rules: Rules) -> tuple[Subscription, ...]:
    """Running subscriptions to another step of the same ladder: this would be a second payment."""
    ladder = offer.rule.ladder if offer.rule else None
    if ladder is None or not offer.price.is_recurring:
        return ()
    return tuple(
        subscription
        for subscription in facts.subscriptions
        if subscription.status not in OVER
        and subscription.beneficiary_id is None
        and any(
            (rule := rules.rule_for(item.price_id, item.product_id)) is not None
            and rule.ladder == ladder
            for item in subscription.items
        )
    )


def _is_for(subscription: Subscription, offer: Offer) -> bool:
    return any(item.product_id == offer.product.id for item in subscription.items)


def _is_for_life(membership: Membership | None) -> bool:
    """Wanted without an end, and not by a subscription, which ends when it is cancelled."""
    return (
        membership is not None
        and membership.wanted
        and membership.wanted_until is None
        and bool(membership.sources)
        and not any(source.startswith("sub_") for source in membership.sources)
    )
