"""Changes of plan within a ladder: the targets, the way, and what ends. Pure.

If Stripe can change a subscription, it is changed in place. Otherwise the member buys the new step,
and the replaced one ends once the new one is in force: never before, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price, Product, Subscription, SubscriptionItem
from bridge.core.rules.compiled import Rule, Rules

# Not running: ended, or never started.
OVER = frozenset({"canceled", "incomplete_expired", "incomplete"})
# They continue with an open payment: the member should pay it, not buy a second subscription.
OWING = frozenset({"past_due", "unpaid"})
IN_FORCE = frozenset({"active", "trialing"})
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

Way = Literal["in_place", "here", "anew", "mend"]


@dataclass(frozen=True, slots=True)
class Move:
    """A change as requested from Stripe: this item of a subscription, to this price."""

    subscription_id: str
    item_id: str
    price_id: str


@dataclass(frozen=True, slots=True)
class Switch:
    """From an item of a running subscription to another price of its ladder.

    `way`: `in_place` on Stripe's page, or `here` by the bridge if that page cannot; bought
    `anew`; or an open payment must come first. `is_up`: to a higher step.
    """

    subscription: Subscription
    item: SubscriptionItem
    current: Price
    target: Price
    rule: Rule
    way: Way
    is_up: bool

    @property
    def move(self) -> Move:
        """The change to request from Stripe."""
        return Move(self.subscription.id, self.item.id, self.target.id)

    @property
    def after(self) -> Subscription:
        """The subscription once it is changed and paid."""
        new = replace(self.item, price_id=self.target.id, product_id=self.target.product_id)
        items = (new if one.id == new.id else one for one in self.subscription.items)
        return replace(self.subscription, items=tuple(items), next_charge=None)

    @property
    def is_same_currency(self) -> bool:
        """Whether the rest of the old one can be credited to the new one."""
        return self.current.currency == self.target.currency

    @property
    def can_amend(self) -> bool:
        """Whether Stripe can change it, perhaps not on its page for members."""
        is_kept = not is_ending(self.subscription)
        return self.way != "mend" and self.is_same_currency and is_kept


def is_ending(subscription: Subscription) -> bool:
    """Whether it is already cancelled for a later moment."""
    return subscription.cancel_at_period_end or subscription.cancel_at is not None


def switches(
    facts: Facts,
    rules: Rules,
    products: Iterable[Product],
    prices: Iterable[Price],
    unfollowed: Collection[str] = (),
) -> tuple[Switch, ...]:
    """Every change of plan that a user may make for themselves, the cheapest target first.

    The targets are the prices sold on the ladder; if bridge.toml names its steps, only those. On a
    ladder that is paid for twice there are none, because it is unclear which of the two to change.
    """
    known = {price.id: price for price in prices}
    sold = {product.id for product in products if product.active}
    found = []
    for ladder, (subscription, item, rank) in _held(facts, rules).items():
        own = known.get(item.price_id)
        if own is None or ladder in unfollowed:
            continue
        # Stripe bills a subscription in one currency, whatever the currency of its prices.
        current = own.in_currency(subscription.currency)
        for price in known.values():
            target = price.in_currency(current.currency)
            rule = _step(target, ladder, rules) if target.product_id in sold else None
            way = _way(subscription, item, current, target)
            if rule is not None and way is not None and target.id != current.id:
                is_up = rule.rank > rank
                found.append(Switch(subscription, item, current, target, rule, way, is_up))
    found.sort(key=lambda one: (one.rule.rank, one.target.amount_minor or 0, one.target.id))
    return tuple(found)


def _held(facts: Facts, rules: Rules) -> dict[str, tuple[Subscription, SubscriptionItem, int]]:
    """For each ladder, the one item that the user pays for, and its step."""
    held: dict[str, list[tuple[Subscription, SubscriptionItem, int]]] = {}
    for subscription in running(facts):
        for item in subscription.items:
            rule = rules.rule_for(item.price_id, item.product_id)
            if rule is not None and rule.ladder:
                held.setdefault(rule.ladder, []).append((subscription, item, rule.rank))
    return {ladder: items[0] for ladder, items in held.items() if len(items) == 1}


def running(facts: Facts) -> list[Subscription]:
    """The continuing subscriptions that the user pays for, for themselves."""
    return [
        one
        for one in facts.subscriptions
        if one.beneficiary_id is None
        and one.status not in OVER
        and one.customer_id not in facts.deleted_customer_ids
    ]


def _step(price: Price, ladder: str, rules: Rules) -> Rule | None:
    """The rule of a price that is sold as a step of this ladder."""
    rule = rules.rule_for(price.id, price.product_id)
    if rule is None or rule.ladder != ladder or not price.active or not price.is_recurring:
        return None
    named = rules.ladders.get(ladder)
    return rule if named is None or rule.ladder_group_ids & set(named) else None


def _way(
    subscription: Subscription, item: SubscriptionItem, current: Price, target: Price
) -> Way | None:
    """How to change from one to the other; None if only people can handle it.

    None if it is paused or already planned to change; for instalments, which have a fixed end;
    and if buying anew would take away more than the step: seats, or other items in another
    currency, whose rest cannot be credited.
    """
    if subscription.status in OWING:
        return "mend"
    if subscription.status not in IN_FORCE or subscription.pause_collection:
        return None
    if subscription.is_scheduled or _is_instalments(subscription):
        return None
    is_same, is_alone = current.currency == target.currency, len(subscription.items) == 1
    # Stripe's page cannot change a subscription with several items. All items renew together, so
    # one of them cannot change to another interval.
    is_same_length = _length(current) == _length(target)
    if is_same and not is_ending(subscription) and (is_alone or is_same_length):
        return "in_place" if is_alone else "here"
    if item.quantity > 1 or not (is_same or is_alone):
        return None
    return "anew"


def _is_instalments(subscription: Subscription) -> bool:
    paid_until = max(item.period_end_at for item in subscription.items)
    return subscription.cancel_at is not None and subscription.cancel_at > paid_until


def can_call_off(subscription: Subscription, prices: Mapping[str, Price]) -> bool:
    """Whether its payer may undo the change that is planned for it.

    Only a step down, or to a shorter period, which members choose on Stripe's page. Other plans
    of the site, such as a new price, are not theirs to undo.
    """
    planned = subscription.next_change
    if subscription.status not in IN_FORCE or planned is None or is_ending(subscription):
        return False
    if len(planned.price_ids) != 1 or len(subscription.items) != 1:
        return False
    old, new = prices.get(subscription.items[0].price_id), prices.get(planned.price_ids[0])
    if old is None or new is None or old.amount_minor is None or new.amount_minor is None:
        return False
    is_less = new.amount_minor * _length(old) < old.amount_minor * _length(new)
    return old.currency == new.currency and (is_less or _length(new) < _length(old))


# --- how Stripe's own page bills it ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortalTerms:
    """The portal's settings: what a member may change on Stripe's page, and how it is billed.

    `prices`: None if every price may be chosen. `deferred`: Stripe's names of the changes that
    wait for the end of the period. `restarts`: a change begins a new period.
    """

    prices: frozenset[str] | None = None
    proration: str = "create_prorations"
    deferred: frozenset[str] = frozenset()
    ends_trial: bool = True
    restarts: bool = False

    def offers(self, price_id: str) -> bool:
        """Whether Stripe's page lets a member change to this price."""
        return self.prices is None or price_id in self.prices


def billed(switch: Switch, terms: PortalTerms) -> Literal["now", "next", "later"]:
    """When a change in place is paid: now, with the next payment, or when it begins later."""
    old, new = switch.current, switch.target
    is_shorter = _length(new) < _length(old)
    is_less = (new.amount_minor or 0) < (old.amount_minor or 0)
    if (is_shorter and "shortening_interval" in terms.deferred) or (
        is_less and "decreasing_item_amount" in terms.deferred
    ):
        return "later"
    if switch.subscription.status == "trialing":
        return "now" if terms.ends_trial else "next"
    # A period of another length begins and is billed at once.
    is_new_period = terms.restarts or _length(new) != _length(old)
    return "now" if is_new_period or terms.proration == "always_invoice" else "next"


def _length(price: Price) -> int:
    return _DAYS[price.interval or "day"] * price.interval_count


# --- what was bought anew -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ending:
    """Something to end at Stripe because its payer bought another step of its ladder.

    `how`: all of it now; only these items; or all of it when the paid period is over.
    `is_credited`: the rest of the period is credited to later payments.
    """

    subscription_id: str
    replaced_by: str
    how: Literal["now", "items", "at_period_end"]
    item_ids: tuple[str, ...]
    is_credited: bool


def endings(
    own: Iterable[Subscription],
    replaces: Mapping[str, str],
    prices: Mapping[str, Price],
    rules: Rules,
) -> Iterator[Ending]:
    """Subscriptions that still run although their payer has a replacement in force.

    `own`: what one user pays for. `replaces`: id of the new one -> of the old one, on the bridge's
    signed reference for this user. Subscriptions outside the new one's ladders stay.
    """
    by_id = {one.id: one for one in own}
    for new in by_id.values():
        old = by_id.get(replaces.get(new.id, ""))
        if old is None or old is new or old.status in OVER or not _is_in_force(new):
            continue
        ladders = {_ladder(item, rules) for item in new.items} - {None}
        leaving = [item for item in old.items if _ladder(item, rules) in ladders]
        currencies = {
            prices[item.price_id].currency if item.price_id in prices else item.price_id
            for item in (*new.items, *leaving)
        }
        if not leaving:
            continue
        ending = _ending(old, new, leaving, is_same_currency=len(currencies) == 1)
        if ending.how != "at_period_end" or not is_ending(old):
            yield ending


def _is_in_force(new: Subscription) -> bool:
    """Whether it grants, with no pending debit or invoice that may still fail."""
    return new.status in IN_FORCE and not new.pending


def _ending(
    old: Subscription, new: Subscription, leaving: list[SubscriptionItem], *, is_same_currency: bool
) -> Ending:
    is_whole = len(leaving) == len(old.items)
    # Credit in one currency pays nothing in another, so the paid period is used up instead.
    if is_whole and not is_same_currency and old.status in IN_FORCE:
        return Ending(old.id, new.id, "at_period_end", (), is_credited=False)
    is_paid = old.status == "active" and not old.pause_collection
    return Ending(
        old.id,
        new.id,
        "now" if is_whole else "items",
        () if is_whole else tuple(item.id for item in leaving),
        is_credited=is_paid and is_same_currency,
    )


def _ladder(item: SubscriptionItem, rules: Rules) -> str | None:
    rule = rules.rule_for(item.price_id, item.product_id)
    return rule.ladder if rule else None
