"""Each subscription that a member pays for, with their actions. Pure.

Each comes from what was last read, without a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.core.memberships.member import Member, switches_of
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Means, PendingPayment, Price, Subscription
from bridge.core.rights.judge import announced_end, is_instalment_plan
from bridge.core.rights.offers import find_offers
from bridge.core.rights.switching import IN_FORCE, OVER, OWING, Switch, can_call_off
from bridge.core.rules.law import Law
from bridge.core.telling.places import GroupName, Known
from bridge.core.telling.refusals import Refusal, refusal_of

# How long members are offered to come back after an end.
LAPSED_FOR = timedelta(days=365)


class Standing(StrEnum):
    """The state of a subscription for its payer."""

    ACTIVE = "active"
    TRIAL = "trial"
    INSTALMENTS = "instalments"
    """It ends with its last instalment."""
    ENDING = "ending"
    """Cancelled, and still running."""
    FAILED = "failed"
    """A payment was refused."""
    UNFINISHED = "unfinished"
    """The first payment is not complete."""
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is paid for; `price` is None if it was never read."""

    name: str
    price: Price | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Target:
    """A possible target of a change of plan."""

    name: str
    price: Price
    is_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCard:
    """One subscription. `at`: when it is charged next, ends, ended, or continues.

    `groups` are those that it keeps the member in now, `kept_until` when the first of them would
    end if nothing is paid. `owed`: the open payment, `refused`: why it failed.
    `can_call_off`: the change that is planned for it can be undone. `back`: the link to buy again
    what has ended.
    """

    subscription: Subscription
    items: tuple[Item, ...]
    standing: Standing
    at: datetime | None = None
    amount_minor: int | None = None
    currency: str | None = None
    becomes: tuple[str, ...] = ()
    groups: tuple[GroupName, ...] = ()
    kept_until: datetime | None = None
    means: Means | None = None
    owed: PendingPayment | None = None
    refused: Refusal | None = None
    targets: tuple[Target, ...] = ()
    can_keep: bool = False
    can_cancel: bool = False
    can_pause: bool = False
    can_resume: bool = False
    can_call_off: bool = False
    back: str | None = None

    @property
    def id(self) -> str:
        """The subscription's."""
        return self.subscription.id

    @property
    def name(self) -> str:
        """All that is paid for, in words."""
        return ", ".join(dict.fromkeys(item.name for item in self.items))

    @property
    def price_minor(self) -> int | None:
        """The cost of one period at list prices; None if one of them is unknown."""
        prices = [item.price.amount_minor if item.price else None for item in self.items]
        known = [amount for amount in prices if amount is not None]
        if len(known) < len(self.items):
            return None
        return sum(a * i.quantity for a, i in zip(known, self.items, strict=True))

    @property
    def is_over(self) -> bool:
        """Whether nothing is charged for it any more."""
        return self.standing == Standing.ENDED

    @property
    def is_present(self) -> bool:
        """Whether somebody else has the membership."""
        return self.subscription.beneficiary_id is not None


def subscription_cards(
    member: Member, law: Law, known: Known, now: datetime
) -> tuple[SubscriptionCard, ...]:
    """All cards: first those that need the member, then running, ending, and ended in a year."""
    paid = member.facts.paid_by_user
    switches = switches_of(member.facts, law)
    running = [one for one in paid if _runs(one)]
    cards = [_card(one, member, law, known, switches) for one in running]
    cards += _lapsed(paid, running, law, now)
    order = list(_ORDER)
    cards.sort(key=lambda one: (order.index(one.standing), one.subscription.created_at, one.id))
    return tuple(cards)


_ORDER = (
    Standing.FAILED,
    Standing.UNFINISHED,
    Standing.ACTIVE,
    Standing.TRIAL,
    Standing.INSTALMENTS,
    Standing.PAUSED,
    Standing.ENDING,
    Standing.ENDED,
)


def _runs(subscription: Subscription) -> bool:
    """Whether its first payment was given up, so that it never counted."""
    is_begun = subscription.status not in OVER
    return is_begun or (subscription.status == "incomplete" and bool(subscription.pending))


def _card(
    one: Subscription, member: Member, law: Law, known: Known, switches: Iterable[Switch]
) -> SubscriptionCard:
    standing, at = _standing(one)
    charge = one.next_charge if standing in (Standing.ACTIVE, Standing.TRIAL) else None
    mine = [grant for grant in known.grants if grant.source_id == one.id and grant.holds]
    owed = one.pending[-1] if one.pending else None
    is_refused = standing == Standing.FAILED
    is_free = one.status in IN_FORCE and not one.is_scheduled and not one.pause_collection
    return SubscriptionCard(
        subscription=one,
        items=_items(one, law),
        standing=standing,
        at=charge.at if charge else at,
        amount_minor=charge.amount_minor if charge else None,
        currency=charge.currency if charge else None,
        becomes=_becomes(one, law),
        groups=_groups(mine, known),
        kept_until=min((g.until_at for g in mine if g.until_at), default=None),
        means=member.billing.means.get(one.id),
        owed=owed,
        refused=refusal_of(member.billing.refused.get(owed.id)) if is_refused and owed else None,
        targets=_targets(one, switches, law),
        can_keep=standing == Standing.ENDING and not one.is_scheduled,
        can_cancel=standing in _CAN_END and not one.is_scheduled,
        can_pause=is_free and standing == Standing.ACTIVE and law.policy.pausing == "yes",
        can_resume=standing == Standing.PAUSED,
        can_call_off=can_call_off(one, law.catalogue.prices),
    )


_CAN_END = frozenset({Standing.ACTIVE, Standing.TRIAL, Standing.FAILED, Standing.PAUSED})


def _standing(one: Subscription) -> tuple[Standing, datetime | None]:
    """Its state, and the date to show."""
    if one.status in (*OWING, "incomplete"):
        return (Standing.UNFINISHED if one.status == "incomplete" else Standing.FAILED), None
    if one.status == "paused" or one.pause_collection:
        return Standing.PAUSED, one.pause_resumes_at
    item = max(one.items, key=lambda each: each.period_end_at)
    ends_at = announced_end(one, item)
    if ends_at and is_instalment_plan(one, item):
        return Standing.INSTALMENTS, ends_at
    if ends_at:
        return Standing.ENDING, ends_at
    if one.status == "trialing" and not one.continues_at:
        return Standing.TRIAL, one.trial_end_at
    return Standing.ACTIVE, item.period_end_at


def _items(one: Subscription, law: Law) -> tuple[Item, ...]:
    names, prices = law.catalogue.name_of, law.catalogue.prices
    return tuple(
        Item(names(each.product_id), prices.get(each.price_id), each.quantity) for each in one.items
    )


def _groups(mine: Iterable[Grant], known: Known) -> tuple[GroupName, ...]:
    found = {known.groups[grant.group_id] for grant in mine if grant.group_id in known.groups}
    return tuple(sorted(found, key=lambda group: group.name))


def _becomes(one: Subscription, law: Law) -> tuple[str, ...]:
    """The planned change by a schedule at Stripe."""
    ids = one.next_change.price_ids if one.next_change else ()
    prices = [law.catalogue.prices[id_] for id_ in ids if id_ in law.catalogue.prices]
    return tuple(dict.fromkeys(law.catalogue.name_of(price.product_id) for price in prices))


def _targets(one: Subscription, switches: Iterable[Switch], law: Law) -> tuple[Target, ...]:
    return tuple(
        Target(law.catalogue.name_of(switch.target.product_id), switch.target, switch.is_up)
        for switch in switches
        if switch.subscription.id == one.id and switch.way != "mend" and switch.is_same_currency
    )


# --- what has ended -------------------------------------------------------------------------------


def _lapsed(
    paid: Iterable[Subscription], running: Iterable[Subscription], law: Law, now: datetime
) -> Iterator[SubscriptionCard]:
    """Subscriptions that ended within a year: each product once, without replaced steps."""
    told = {place for one in running for place in _places(one, law)}
    over = [one for one in paid if one.status == "canceled" and one.ended_at and one.items]
    over.sort(key=lambda one: (one.ended_at or now, one.id), reverse=True)
    for one in over:
        places = set(_places(one, law))
        is_long_ago = now - (one.ended_at or now) > LAPSED_FOR
        if is_long_ago or places & told or one.beneficiary_id is not None:
            continue
        told |= places
        yield SubscriptionCard(
            subscription=one,
            items=_items(one, law),
            standing=Standing.ENDED,
            at=one.ended_at,
            back=_way_back(one, law),
        )


def _places(one: Subscription, law: Law) -> Iterator[str]:
    """A key for things that a member has only once: a product, or a ladder."""
    for item in one.items:
        rule = law.rules.rule_for(item.price_id, item.product_id)
        yield f"ladder:{rule.ladder}" if rule and rule.ladder else item.product_id


def _way_back(one: Subscription, law: Law) -> str | None:
    """The link to the same price, or to a price of the product that is sold now."""
    item = one.items[0]
    sold = law.catalogue.products.values(), law.catalogue.prices.values()
    found = (key for key in (item.price_id, item.product_id) if find_offers(key, *sold, law.rules))
    return next(found, None)
