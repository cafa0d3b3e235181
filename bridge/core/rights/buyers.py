"""Who may buy something: members of a group, people of some countries. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import paying_of


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The countries that speak for where somebody is, each None where it is not known.

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
    def country(self) -> str | None:
        """The country that most of the evidence names; where none does, the strongest."""
        return Counter(self.known).most_common(1)[0][0] if self.known else None


def closed_to(offers: Iterable[Offer], group_ids: Collection[int]) -> Offer | None:
    """The first offer that somebody in these groups may not buy."""
    for offer in offers:
        wanted = paying_of(offer).buyer_ids
        if wanted and not wanted & set(group_ids):
            return offer
    return None


def allowed_countries(offers: Sequence[Offer]) -> frozenset[str] | None:
    """The countries to which all of these are sold; None: to all."""
    limits = [frozenset(paying_of(one).countries) for one in offers if paying_of(one).countries]
    return frozenset.intersection(*limits) if limits else None


def sold_elsewhere(offers: Iterable[Offer], country: str) -> Offer | None:
    """The first offer that is not sold to a country."""
    for offer in offers:
        limits = paying_of(offer).countries
        if limits and country not in limits:
            return offer
    return None
