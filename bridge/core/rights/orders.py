"""Several things in one order: combinations, the total, the trial. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Literal

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price
from bridge.core.rights.offers import Offer
from bridge.core.rules.compiled import Rules
from bridge.core.rules.paying import Paying

# Stripe's limits for one page: recurring lines, other lines beside them, one-off lines alone.
MOST_BESIDE = 20
MOST_ONCE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One thing in an order. `chosen_minor`: the amount that the buyer set, where they may."""

    offer: Offer
    quantity: int = 1
    chosen_minor: int | None = None

    @property
    def total_minor(self) -> int | None:
        """The amount each time; None if only Stripe's page knows it."""
        unit = self.chosen_minor if self.chosen_minor is not None else self.offer.price.amount_minor
        return None if unit is None else unit * self.quantity

    @property
    def purpose(self) -> str:
        """The purpose of the money, as in statements and books."""
        return self.offer.rule.kind if self.offer.rule else "other"


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `trial_days`: how long no renewing line is charged.

    `continues_at`: until when the buyer has already paid for the same; renewing lines start then.
    """

    lines: tuple[Line, ...]
    trial_days: int = 0
    continues_at: datetime | None = None

    @property
    def renewing(self) -> tuple[Line, ...]:
        """The lines of the subscription."""
        return tuple(line for line in self.lines if line.offer.price.is_recurring)

    @property
    def price(self) -> Price:
        """The price that stands for all of them: the first that renews, else the first."""
        return (*self.renewing, *self.lines)[0].offer.price

    @property
    def currency(self) -> str:
        """All lines have the same."""
        return self.lines[0].offer.price.currency

    @property
    def today_minor(self) -> int | None:
        """The amount charged now, before taxes and discounts; None if the buyer decides later."""
        waits = self.trial_days or self.continues_at
        due = [line for line in self.lines if not (waits and line in self.renewing)]
        return _sum(line.total_minor for line in due)

    @property
    def each_time_minor(self) -> int | None:
        """The amount of every renewal."""
        return _sum(line.total_minor for line in self.renewing)

    @property
    def paying(self) -> Paying:
        """How it is paid for as a whole."""
        return together([paying_of(line.offer) for line in self.lines])


def _sum(amounts: Iterable[int | None]) -> int | None:
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def paying_of(offer: Offer) -> Paying:
    """The settings for paying for an offer."""
    return offer.rule.paying if offer.rule else Paying()


def together(each: Sequence[Paying]) -> Paying:
    """What Stripe's page asks for and allows when these are paid together.

    Asked for if one of them asks; allowed if all of them allow it.
    """
    first = each[0]
    return replace(
        first,
        promotion_codes=all(one.promotion_codes for one in each),
        saved_cards=all(one.saved_cards for one in each),
        automatic_tax=any(one.automatic_tax for one in each),
        tax_ids=any(one.tax_ids for one in each),
        billing_address="required"
        if any(one.billing_address == "required" or one.countries for one in each)
        else "auto",
        terms=any(one.terms for one in each),
        phone=any(one.phone for one in each),
        text=next((one.text for one in each if one.text), ""),
        locale=next((one.locale for one in each if one.locale != "auto"), "auto"),
    )


# --- what goes together --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why these cannot be one order; `offers`: those that conflict."""

    why: Literal["twice", "ladder", "currency", "interval", "too_many"]
    offers: tuple[Offer, ...] = ()


def misfit(offers: Sequence[Offer]) -> Misfit | None:
    """The first thing that keeps offers from being one order; None if nothing does."""
    renewing = [one for one in offers if one.price.is_recurring]
    others = len(offers) - len(renewing)
    if (renewing and max(len(renewing), others) > MOST_BESIDE) or len(offers) > MOST_ONCE:
        return Misfit("too_many")
    for pair in combinations(offers, 2):
        if why := _clash(*pair):
            return Misfit(why, pair)
    return None


def combinable(offers: Sequence[Offer]) -> frozenset[str]:
    """The prices that can be paid together with at least one other of these."""
    pairs = (pair for pair in combinations(offers, 2) if _clash(*pair) is None)
    return frozenset(one.price.id for pair in pairs for one in pair)


def _clash(one: Offer, other: Offer) -> Literal["twice", "ladder", "currency", "interval"] | None:
    both_renew = one.price.is_recurring and other.price.is_recurring
    is_same_product = both_renew and one.product.id == other.product.id
    if one.price.id == other.price.id or is_same_product:
        return "twice"
    ladder = one.rule.ladder if one.rule else None
    if ladder and other.rule and other.rule.ladder == ladder:
        return "ladder"
    if one.price.currency != other.price.currency:
        return "currency"
    # Stripe's page bills one subscription and bills all its lines on the same day.
    rhythm = (one.price.interval, one.price.interval_count)
    if both_renew and rhythm != (other.price.interval, other.price.interval_count):
        return "interval"
    return None


# --- trials --------------------------------------------------------------------------------------


def trial_of(lines: Sequence[Line], facts: Facts, rules: Rules) -> int:
    """The trial days that all renewing lines have in common; 0 if there is none.

    Stripe's page gives one trial to a whole subscription. Each person has one for each ladder, and
    for each product without a ladder, however many customers they have (`facts` include all).
    """
    renewing = [line.offer for line in lines if line.offer.price.is_recurring]
    days = {paying_of(offer).trial_days for offer in renewing}
    if len(days) != 1 or any(had_trial(offer, facts, rules) for offer in renewing):
        return 0
    return days.pop()


def had_trial(offer: Offer, facts: Facts, rules: Rules) -> bool:
    """Whether this person ever started a trial of it, or of another step of its ladder."""
    ladder = offer.rule.ladder if offer.rule else None
    for subscription in facts.subscriptions:
        is_trial = subscription.trial_end_at is not None and not subscription.continues_at
        if not is_trial or subscription.beneficiary_id is not None:
            continue
        for item in subscription.items:
            rule = rules.rule_for(item.price_id, item.product_id)
            is_step = ladder is not None and rule is not None and rule.ladder == ladder
            if is_step or item.product_id == offer.product.id:
                return True
    return False
