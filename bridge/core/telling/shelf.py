"""The offers as cards: each product, its prices, and the reader's standing. Pure.

The list of offers and the page of one product show the same cards, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price, Product
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, combinable, paying_of, trial_of
from bridge.core.rights.switching import Switch
from bridge.core.telling.stands import Buyer, Stand

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_KINDS = ("membership", "supporter_share", "share", "credit", "event", "donation", "other")


@dataclass(frozen=True, slots=True)
class Saving:
    """The saving of a longer interval compared with paying monthly."""

    amount_minor: int
    currency: str
    percent: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One price on a card.

    `switch`: the change to it, for somebody who pays for another. `trial_days`: of the trial that
    the reader may have. `goes_with_others`: it can be ordered together with something else here.
    """

    offer: Offer
    saving: Saving | None = None
    switch: Switch | None = None
    trial_days: int = 0
    goes_with_others: bool = False

    @property
    def price(self) -> Price:
        """The amount, and how often."""
        return self.offer.price


@dataclass(frozen=True, slots=True)
class Card:
    """One product on offer; its prices from the shortest interval to the longest, then once."""

    product: Product
    tags: tuple[Tag, ...]
    ladder: str | None
    rank: int
    is_recommended: bool
    stand: Stand | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that any of its prices leads to."""
        return tuple(dict.fromkeys(group for tag in self.tags for group in tag.offer.groups))

    @property
    def trial_days(self) -> int:
        """The days of the trial that every price begins with; 0 where they differ."""
        days = {tag.trial_days for tag in self.tags}
        return days.pop() if len(days) == 1 else 0

    @property
    def kind(self) -> str:
        """The kind: a membership, a share, a donation."""
        rule = self.tags[0].offer.rule
        return rule.kind if rule else "other"

    @property
    def key(self) -> str:
        """The key in its link: a lookup key tells people more than an id."""
        (tag, *more) = self.tags
        return self.product.id if more else (tag.price.lookup_key or tag.price.id)


@dataclass(frozen=True, slots=True)
class Section:
    """Cards that belong together: the steps of a ladder from low to high, or all the others."""

    ladder: str | None
    cards: tuple[Card, ...]


def shelf(offers: Iterable[Offer], buyer: Buyer | None = None) -> tuple[Section, ...]:
    """All cards: ladder by ladder, each from low to high, then the rest.

    `buyer`: None for a stranger, whose cards say nothing of anybody.
    """
    by_product: dict[str, list[Offer]] = {}
    for offer in offers:
        by_product.setdefault(offer.product.id, []).append(offer)
    cards = sorted((card(of_one, buyer) for of_one in by_product.values()), key=_place_on_shelf)
    cards = _with_choice(cards)
    return tuple(
        Section(ladder, tuple(found)) for ladder, found in groupby(cards, lambda one: one.ladder)
    )


def _with_choice(cards: Sequence[Card]) -> list[Card]:
    """The same cards, saying which prices can be ordered together with another."""
    sold = [tag.offer for card in cards for tag in card.tags if _is_for_sale(card, tag)]
    together = combinable(sold)
    return [
        replace(
            card,
            tags=tuple(
                replace(tag, goes_with_others=_is_for_sale(card, tag) and tag.price.id in together)
                for tag in card.tags
            ),
        )
        for card in cards
    ]


def _is_for_sale(card: Card, tag: Tag) -> bool:
    """Whether buying it is neither a change of plan nor paying for nothing."""
    return tag.switch is None and (card.stand is None or card.stand.can_buy)


def card(offers: Sequence[Offer], buyer: Buyer | None = None) -> Card:
    """The card of one product, with these of its prices."""
    offers = sorted(offers, key=_length)
    rules = [one.rule for one in offers if one.rule]
    return Card(
        product=offers[0].product,
        tags=tuple(_tag(one, offers, buyer) for one in offers),
        ladder=next((rule.ladder for rule in rules if rule.ladder), None),
        rank=max((rule.rank for rule in rules), default=0),
        is_recommended=any(rule.sale.highlight == "yes" for rule in rules),
        stand=buyer.stand(offers) if buyer else None,
    )


def _tag(offer: Offer, offers: Sequence[Offer], buyer: Buyer | None) -> Tag:
    switches = buyer.switches if buyer else ()
    switch = next((one for one in switches if one.target.id == offer.price.id), None)
    saving = _saving(offer.price, [one.price for one in offers])
    return Tag(offer, saving, switch, 0 if switch else _trial_days(offer, buyer))


def _trial_days(offer: Offer, buyer: Buyer | None) -> int:
    """The trial that a stranger is offered, and a member if they may have it."""
    if not offer.price.is_recurring:
        return 0
    if buyer is None:
        return paying_of(offer).trial_days
    return trial_of([Line(offer)], buyer.facts, buyer.law.rules)


def _saving(price: Price, others: Iterable[Price]) -> Saving | None:
    """Against the monthly price of the same product in the same currency."""
    months = _MONTHS.get(price.interval or "", 0) * price.interval_count
    monthly = next(
        (
            one.amount_minor
            for one in others
            if (one.interval, one.interval_count) == ("month", 1) and one.currency == price.currency
        ),
        None,
    )
    if not monthly or price.amount_minor is None or months <= 1:
        return None
    saved = monthly * months - price.amount_minor
    if saved <= 0:
        return None
    return Saving(saved, price.currency, saved * 100 // (monthly * months))


def _length(offer: Offer) -> tuple[bool, int, str, int, str]:
    price = offer.price
    days = _DAYS[price.interval] * price.interval_count if price.interval else 0
    return price.interval is None, days, price.currency, price.amount_minor or 0, price.id


def _place_on_shelf(one: Card) -> tuple[bool, str, int, int, int, str]:
    amount = min((tag.price.amount_minor or 0 for tag in one.tags), default=0)
    kind = _KINDS.index(one.kind)
    return one.ladder is None, one.ladder or "", one.rank, kind, amount, one.product.name
