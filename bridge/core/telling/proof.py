"""The proof of one group: the verdict of every source, its rule, and where each value is set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.rights import NO_GROUP, Grant
from bridge.core.model.stripe import Price, Product
from bridge.core.rules.compiled import Rule
from bridge.core.rules.ladders import outranked_by, winners
from bridge.core.rules.law import Law
from bridge.core.rules.origins import Value, bearing, values_of
from bridge.core.telling.listing import SOURCES
from bridge.core.telling.places import best_by_group
from bridge.core.telling.reasons import sentence, takes_its_place, thing_of
from bridge.core.telling.statement import name_prices
from bridge.texts import gettext


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One source's verdict on a group, its rule, and where the deciding values are set.

    `words`: as the member reads them. `outranked_by`: the higher step that counts instead.
    `stays_on`: the step the member keeps because the ladder does not follow payments.
    """

    source: str
    id: str
    rule: str
    product: str | None
    product_name: str | None
    price: str | None
    feature: str | None
    share: str
    holds: bool
    counts: bool
    outranked_by: str | None
    stays_on: str | None
    reason: str
    words: str
    from_: datetime
    until: datetime | None
    renews_at: datetime | None
    because_at: datetime | None
    changes_at: datetime | None
    values: tuple[Value, ...]
    rests_on: tuple[Value, ...]

    @property
    def what(self) -> str:
        """The product's name, or the kind of source."""
        kinds = (words for kind, words in SOURCES.items() if kind == self.source)
        return self.product_name or next(kinds, gettext("Entitlement"))


@dataclass(frozen=True, slots=True)
class Giver:
    """A rule that leads to a group: what somebody would have to buy or have."""

    rule: str
    product: str | None
    feature: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """All verdicts on one user at a moment, and the law behind them.

    `in_force`: the same, where on a ladder that follows nothing somebody stays on their step (A35).
    """

    verdicts: tuple[Grant, ...]
    in_force: tuple[Grant, ...]
    law: Law
    names: Mapping[int, str]

    def about(self, group_id: int) -> tuple[Verdict, ...]:
        """Each source's verdict on a group, those that give it first."""
        won = winners(self.in_force)
        counted = {_key(one) for one in self.in_force}
        said = (*self.in_force, *(one for one in self.verdicts if _key(one) not in counted))
        mine = [one for one in said if one.group_id == group_id]
        mine.sort(key=lambda one: (one not in won, not one.holds, one.source_id))
        return tuple(self._verdict(one, won) for one in mine)

    def winning(self, group_id: int) -> Grant | None:
        """The source of a group, the longest of several; None if there is none."""
        return best_by_group(winners(self.in_force)).get(group_id)

    def without_group(self) -> tuple[Verdict, ...]:
        """Sources that lead to no group."""
        return tuple(self._verdict(one, ()) for one in self.verdicts if one.group_id == NO_GROUP)

    def given_by(self, group_id: int) -> tuple[Giver, ...]:
        """The prices, products and features whose rules lead to a group."""
        names = {one.id: one.name for one in self.law.catalogue.products.values()}
        return tuple(
            Giver(rule.id, rule.product_id, rule.feature, names.get(rule.product_id or ""))
            for rule in self.law.rules.all
            if isinstance(rule, Rule) and group_id in rule.group_ids
        )

    def _verdict(self, grant: Grant, won: Collection[Grant]) -> Verdict:
        product, price = self._bought(grant)
        values = self._values(grant, product, price)
        stays_on = self._stays_on(grant)
        higher = None if stays_on else self._outranked_by(grant, won)
        return Verdict(
            source=grant.source,
            id=grant.source_id,
            rule=grant.rule_id,
            product=grant.product_id,
            product_name=product.name if product else None,
            price=grant.price_id,
            feature=grant.feature,
            share=grant.share,
            holds=grant.holds,
            counts=grant in won,
            outranked_by=higher,
            stays_on=stays_on,
            reason=str(grant.reason),
            words=takes_its_place(higher) if higher else self._words(grant),
            from_=grant.from_at,
            until=grant.until_at,
            renews_at=grant.renews_at,
            because_at=grant.because_at,
            changes_at=grant.next_change_at,
            values=values,
            rests_on=bearing(values, grant.reason),
        )

    def _bought(self, grant: Grant) -> tuple[Product | None, Price | None]:
        catalogue = self.law.catalogue
        product = catalogue.products.get(grant.product_id or "")
        return product, catalogue.prices.get(grant.price_id or "")

    def _values(
        self, grant: Grant, product: Product | None, price: Price | None
    ) -> tuple[Value, ...]:
        if grant.source == "hand":
            return ()
        if grant.feature is None:
            return values_of(product, price, policy=self.law.policy)
        features = sorted(self.law.catalogue.features, key=lambda one: one.active)
        of_key = [one for one in features if one.lookup_key == grant.feature]
        return values_of(*of_key[-1:], policy=self.law.policy)

    def _words(self, grant: Grant) -> str:
        catalogue = self.law.catalogue
        whats = name_prices([grant], self.law.rules, catalogue.prices, catalogue.products)
        return sentence(grant, thing_of(grant, whats))

    def _stays_on(self, grant: Grant) -> str | None:
        """The step on which they stay although they pay for this, or for which this counts."""
        paid = {_key(one) for one in self.verdicts}
        kept = [one for one in self.in_force if _key(one)[1:] == _key(grant)[1:]]
        moved = [one.group_id for one in kept if _key(one) not in paid]
        is_told = grant.ladder and (grant.group_id in moved or grant not in self.in_force)
        return self.names.get(moved[0]) if moved and is_told else None

    def _outranked_by(self, grant: Grant, won: Collection[Grant]) -> str | None:
        """The group of the same ladder that a higher grant gives instead."""
        above = outranked_by(grant, won)
        return self.names.get(above) if above is not None else None


def _key(grant: Grant) -> tuple[object, ...]:
    """Which group something leads to; the rest is what it is, and the same on any step."""
    return grant.group_id, grant.source_id, grant.price_id, grant.ladder
