"""The offers of a link, and the reader's subscriptions that they would double. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Price, Product, Purchase, Subscription
from bridge.core.rights.switching import OVER, running
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

    def bought(self, now: datetime) -> Purchase:
        """A purchase of it now, for trying out the effects."""
        return Purchase(
            "wanted",
            "",
            self.price.id,
            self.product.id,
            quantity=1,
            paid_at=now,
            amount_minor=0,
            currency=self.price.currency,
        )

    def in_currency(self, currency: str | None) -> Offer:
        """The same offer, its price as it is in a currency; nothing else of it differs (A73)."""
        return replace(self, price=self.price.in_currency(currency))


def find_offers(
    key: str, products: Iterable[Product], prices: Iterable[Price], rules: Rules
) -> list[tuple[Product, Price, Rule | None]]:
    """The offers of a link's key: a price's id, its lookup key, or a product's id.

    Only what Stripe sells now and what is meant for sale here: a price with some text in metadata
    or bridge.toml. The account may have others. For a product, all its prices, the cheapest first.
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
        if _is_on_offer(price, rules)
    ]


def _is_on_offer(price: Price, rules: Rules) -> bool:
    """Said so, or broken: then the page says that, and not that there is no such offer."""
    rule = rules.rule_for(price.id, price.product_id)
    halted = rules.halted_rule_for(price.id, price.product_id)
    return halted is not None or (rule is not None and rule.sale.offer == "yes")


def was_on_offer(
    key: str, products: Iterable[Product], prices: Iterable[Price], rules: Rules
) -> bool:
    """Whether the link sold something once that is archived at Stripe, or no longer offered."""
    ended = {product.id for product in products if not product.active}
    return any(
        key in (price.id, price.lookup_key, price.product_id)
        and (rule := rules.rule_for(price.id, price.product_id)) is not None
        and (not price.active or price.product_id in ended or rule.sale.offer == "no")
        for price in prices
    )


def listed_offers(
    products: Iterable[Product], prices: Iterable[Price], rules: Rules
) -> list[tuple[Product, Price, Rule]]:
    """All that is sold and shown in the list of offers; not what a halted rule leads to."""
    by_id = {product.id: product for product in products if product.active}
    return [
        (by_id[price.product_id], price, rule)
        for price in prices
        if price.active and price.product_id in by_id
        if (rule := rules.rule_for(price.id, price.product_id)) is not None
        if rule.sale.offer == rule.sale.listed == "yes"
    ]


def currencies_of(offers: Iterable[Offer]) -> tuple[str, ...]:
    """Every currency in which any of these is sold."""
    return tuple(sorted(frozenset[str]().union(*map(_currencies, offers))))


def currencies_of_all(offers: Iterable[Offer]) -> tuple[str, ...]:
    """The currencies in which all of these are sold, so that they can be one order."""
    first, *others = map(_currencies, offers)
    return tuple(sorted(first.intersection(*others)))


def _currencies(offer: Offer) -> frozenset[str]:
    return frozenset((offer.price.currency, *(offer.price.currency_options or ())))


def billed_in(facts: Facts, prices: Mapping[str, Price]) -> str | None:
    """The currency in which a buyer already pays, because Stripe bills a customer in one (A73).

    None if they pay for nothing, or in several currencies through several customers.
    """
    found = {
        one.currency or prices[item.price_id].currency
        for one in running(facts)
        for item in one.items
        if one.currency or item.price_id in prices
    }
    return found.pop() if len(found) == 1 else None


def rivals(offer: Offer, facts: Facts, rules: Rules) -> tuple[Subscription, ...]:
    """Running subscriptions to another step of the same ladder, which this would pay for twice."""
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


def awaited(offer: Offer, winning: Iterable[Grant]) -> tuple[int, ...]:
    """The groups that a buyer waits for; if they have a higher step, that one."""
    rule = offer.rule
    higher = {
        grant.group_id: None
        for grant in winning
        if rule and rule.ladder and grant.ladder == rule.ladder and grant.rank > rule.rank
    }
    if rule is None or not higher:
        return offer.group_ids
    base = [group_id for group_id in offer.group_ids if group_id not in rule.ladder_group_ids]
    return (*base, *higher)
