"""Who may buy something: members of a group, people in some countries. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import paying_of
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.rules.paying import Paying
from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Evidence of somebody's country; None if it is unknown.

    `billing`: the address at their payment, `card`: where their card is from, `ip`: where they
    connect from, `said`: what they told us.
    """

    billing: str | None = None
    card: str | None = None
    ip: str | None = None
    said: str | None = None

    @property
    def known(self) -> tuple[str, ...]:
        """Every piece of evidence, the strongest first."""
        return tuple(filter(None, (self.billing, self.card, self.ip, self.said)))

    @property
    def told(self) -> str:
        """The evidence in words."""
        sources = {
            gettext("billing address: %(country)s"): self.billing,
            gettext("card: %(country)s"): self.card,
            gettext("connection: %(country)s"): self.ip,
            gettext("their word: %(country)s"): self.said,
        }
        return ", ".join(one % {"country": where} for one, where in sources.items() if where)

    @property
    def country(self) -> str | None:
        """The country that most of the evidence names; otherwise the strongest evidence."""
        return Counter(self.known).most_common(1)[0][0] if self.known else None


def closed_to(offers: Iterable[Offer], group_ids: Collection[int]) -> Offer | None:
    """The first offer that somebody in these groups may not buy."""
    for offer in offers:
        wanted = paying_of(offer).buyer_ids
        if wanted and not wanted & set(group_ids):
            return offer
    return None


def allowed_countries(each: Iterable[Paying]) -> frozenset[str] | None:
    """The countries to which all of these are sold; None: to all."""
    limits = [frozenset(one.countries) for one in each if one.countries]
    return frozenset.intersection(*limits) if limits else None


def always_allowed(rules: Rules) -> frozenset[str] | None:
    """The countries to which all limited things are sold; None if nothing is limited."""
    return allowed_countries(rule.paying for rule in rules.all if isinstance(rule, Rule))


@dataclass(frozen=True, slots=True)
class Barred:
    """Why something that was paid for is not sold to somebody.

    `group_ids`: it is for members of these groups. `country`: it is not sold to there. Neither: who
    may buy it cannot be said now, because its rule is halted.
    """

    product_id: str
    group_ids: frozenset[int] = frozenset()
    country: str | None = None


def barred(
    bought: Iterable[tuple[str, str]], group_ids: Collection[int], country: str | None, rules: Rules
) -> Barred | None:
    """Why a purchase (price, product) is not sold to somebody with these groups and country.

    Pages refuse before payment; this is for payments that did not go through them.
    """
    for price_id, product_id in bought:
        halted = rules.halted_rule_for(price_id, product_id)
        if halted is not None and halted.is_limited:
            return Barred(product_id)
        rule = rules.rule_for(price_id, product_id)
        if rule is None:
            continue
        if rule.paying.buyer_ids and not rule.paying.buyer_ids & set(group_ids):
            return Barred(product_id, group_ids=rule.paying.buyer_ids)
        if country and rule.paying.countries and country not in rule.paying.countries:
            return Barred(product_id, country=country)
    return None


def not_sold_to(bought: Iterable[tuple[str, str]], country: str, rules: Rules) -> tuple[str, ...]:
    """The bought products (price, product) that are not sold to a country."""
    found = (
        product_id
        for price_id, product_id in bought
        if (rule := rules.rule_for(price_id, product_id)) is not None
        and rule.paying.countries
        and country not in rule.paying.countries
    )
    return tuple(dict.fromkeys(found))


def countries_to_ask(
    bought: Iterable[tuple[str, str]], country: str | None, rules: Rules
) -> frozenset[str]:
    """The countries to choose from, if sales are restricted and the buyer's is unknown."""
    if country:
        return frozenset()
    found = (rules.rule_for(price_id, product_id) for price_id, product_id in bought)
    return allowed_countries(rule.paying for rule in found if rule is not None) or frozenset()


def buyers_of(bought: Iterable[tuple[str, str]], rules: Rules) -> frozenset[int]:
    """The groups whose members alone may buy something of the purchase."""
    found = (rules.rule_for(price_id, product_id) for price_id, product_id in bought)
    return frozenset(id_ for rule in found if rule is not None for id_ in rule.paying.buyer_ids)


def sold_elsewhere(offers: Iterable[Offer], country: str) -> Offer | None:
    """The first offer that is not sold to a country."""
    for offer in offers:
        limits = paying_of(offer).countries
        if limits and country not in limits:
            return offer
    return None
