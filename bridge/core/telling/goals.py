"""The progress of a goal, from stored data. Pure.

Money is counted in the goal's own currency only: two currencies are never added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from bridge.core.ledger.amounts import format_whole, to_minor
from bridge.core.model.stripe import Price, Purchase, Subscription
from bridge.core.rules.compiled import Rule
from bridge.core.rules.goals import Goal, Per
from bridge.core.telling.contributions import left_of

# How many months a price pays for. A year has 365.25 days.
_MONTHS: Mapping[str, Fraction] = {
    "day": Fraction(12 * 4, 1461),
    "week": Fraction(7 * 12 * 4, 1461),
    "month": Fraction(1),
    "year": Fraction(12),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """A goal and its progress: members, or minor units of the goal's currency."""

    goal: Goal
    reached: int
    wanted: int

    @property
    def percent(self) -> int:
        """In per cent, rounded down, so that 100 means reached; at most 100."""
        return min(100, max(0, self.reached * 100 // self.wanted))

    def words(self, locale: str) -> tuple[str, str]:
        """Progress and goal in words: `€3,200`, `€5,000`."""
        currency = self.goal.currency
        if currency is None:
            return str(self.reached), str(self.wanted)
        return (
            format_whole(max(0, self.reached), currency, locale),
            format_whole(self.wanted, currency, locale),
        )


def progress(goal: Goal, reached: int) -> Progress:
    """The progress of a goal."""
    wanted = to_minor(str(goal.amount), goal.currency) if goal.currency else int(goal.amount)
    return Progress(goal, reached, wanted)


def groups_of(rule: Rule) -> frozenset[int]:
    """The groups whose members count: on a ladder the step's own group, not shared groups."""
    return rule.ladder_group_ids or frozenset(rule.group_ids)


def renewing(
    subscriptions: Iterable[Subscription],
    product_id: str,
    prices: Mapping[str, Price],
    currency: str,
    per: Per,
) -> int:
    """The income from current payers of a product each month or year, at list prices.

    Trials and paused or unpaid subscriptions do not count.
    """
    months = Fraction(0)
    for one in subscriptions:
        if one.status != "active" or one.pause_collection:
            continue
        for item in one.items:
            price = prices.get(item.price_id)
            if item.product_id == product_id and price is not None:
                months += _monthly(price, currency) * item.quantity
    return int(months * _MONTHS[per])


def _monthly(price: Price, currency: str) -> Fraction:
    if price.interval is None or price.amount_minor is None or price.currency != currency:
        return Fraction(0)
    return price.amount_minor / (_MONTHS[price.interval] * price.interval_count)


def bought(purchases: Iterable[Purchase], product_id: str, currency: str) -> int:
    """The total of one-off purchases of a product, less refunds and lost disputes."""
    return sum(
        left_of(one)
        for one in purchases
        if one.product_id == product_id and one.currency == currency
    )
