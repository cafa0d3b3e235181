"""How things stood at a time: as is known of it today, and as it was known then.

Two times are told apart. What was known is what the last reading before it said. How it was is what
every reading since has said about it: a subscription that ended on Monday and was read on Wednesday
had ended on Tuesday, though on Tuesday nobody knew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.model import Facts, HandGrant, PeriodPayment, Purchase, Subscription

Reading = tuple[datetime, Subscription | Purchase | None]


@dataclass(frozen=True, slots=True)
class HandRecord:
    """A grant by hand with the times at which it was recorded and taken back."""

    grant: HandGrant
    recorded_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Everything a decision about one user ever rested on.

    `now`: the facts as last read. `readings`: object id -> its readings, the oldest first.
    `links`: when a customer became this user's, or ceased to be. `others`: objects of these
    customers that are for somebody else; `gifts`: those of other customers that are for this one.
    `entitlements`: customer id -> what Stripe said they have, the oldest first.
    """

    now: Facts = field(default_factory=Facts)
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    links: Sequence[tuple[datetime, str, bool]] = ()
    deleted: Mapping[str, datetime] = field(default_factory=dict)
    hand: Sequence[HandRecord] = ()
    others: frozenset[str] = frozenset()
    gifts: frozenset[str] = frozenset()
    entitlements: Mapping[str, Sequence[tuple[datetime, frozenset[str]]]] = field(
        default_factory=dict
    )

    def known_at(self, at: datetime) -> Facts:
        """The facts as the bridge knew them at a time."""
        mine = {customer_id: linked for when, customer_id, linked in self.links if when <= at}
        known = [
            thing
            for object_id, readings in self.readings.items()
            if object_id not in self.others
            and (thing := _last(readings, at)) is not None
            and (object_id in self.gifts or mine.get(thing.customer_id, False))
        ]
        return replace(
            self.now,
            subscriptions=tuple(one for one in known if isinstance(one, Subscription)),
            purchases=tuple(one for one in known if isinstance(one, Purchase)),
            hand_grants=self._hand(at, known=True),
            deleted_customer_ids=self._deleted(at),
            entitlements=self._entitlements(at, known=True),
        )

    def was_at(self, at: datetime) -> Facts:
        """The facts as they were at a time, by all that is known of it today."""
        subscriptions = (
            subscription_at(self.readings.get(one.id, ()), one, at)
            for one in self.now.subscriptions
        )
        purchases = (purchase_at(one, at) for one in self.now.purchases)
        return replace(
            self.now,
            subscriptions=tuple(one for one in subscriptions if one is not None),
            purchases=tuple(one for one in purchases if one is not None),
            hand_grants=self._hand(at, known=False),
            deleted_customer_ids=self._deleted(at),
            entitlements=self._entitlements(at, known=False),
        )

    def moments(self, since: datetime, until: datetime) -> list[datetime]:
        """When anything of it changed for the bridge, after `since` and not after `until`."""
        times = [
            *(when for when, _, _ in self.links),
            *(when for readings in self.readings.values() for when, _ in readings),
            *(when for said in self.entitlements.values() for when, _ in said),
            *self.deleted.values(),
            *(one.recorded_at for one in self.hand),
            *(one.revoked_at for one in self.hand if one.revoked_at),
        ]
        return sorted({when for when in times if since < when <= until})

    def _hand(self, at: datetime, *, known: bool) -> tuple[HandGrant, ...]:
        return tuple(
            one.grant
            for one in self.hand
            if not (known and one.recorded_at > at)
            if one.revoked_at is None or one.revoked_at > at
        )

    def _entitlements(self, at: datetime, *, known: bool) -> dict[str, frozenset[str]]:
        """Stripe does not date them: before it was first asked, they were what it said then."""
        found = {}
        for customer_id, said in self.entitlements.items():
            before = [features for when, features in said if when <= at]
            if before or not known:
                found[customer_id] = before[-1] if before else said[0][1]
        return found

    def _deleted(self, at: datetime) -> frozenset[str]:
        return frozenset(customer_id for customer_id, when in self.deleted.items() if when <= at)


def _last(readings: Sequence[Reading], at: datetime) -> Subscription | Purchase | None:
    known = None
    for when, thing in readings:
        if when <= at:
            known = thing
    return known


def subscription_at(
    readings: Sequence[Reading], newest: Subscription, at: datetime
) -> Subscription | None:
    """A subscription as it was at a time; None if it was not there yet.

    What Stripe dates (its end, a missed due date, a refund, a dispute) counts from that date; any
    other change counts from the reading that first showed it.
    """
    if newest.created_at > at:
        return None
    known = [(when, one) for when, one in readings if isinstance(one, Subscription)]
    before = [one for when, one in known if when <= at]
    later = [one for when, one in known if when > at] or [newest]
    found = _rewound(before[-1] if before else later[0], at)
    for reading in later:
        found = _with_what_was_learnt(found, reading, at)
    return found


def _rewound(one: Subscription, at: datetime) -> Subscription:
    """Without what happened after the time."""
    status = one.status
    if one.ended_at and one.ended_at > at:
        status = "active"
        one = replace(one, ended_at=None)
    if one.canceled_at and one.canceled_at > at:
        one = replace(one, canceled_at=None, cancel_at=None, cancel_at_period_end=False)
    if one.past_due_since_at:
        status = "past_due" if one.past_due_since_at <= at else "active"
        if status == "active":
            one = replace(one, past_due_since_at=None)
    if status == "active" and one.trial_end_at and at < one.trial_end_at:
        status = "trialing"
    return replace(one, status=status, last_payment=_payment_at(one.last_payment, at))


def _with_what_was_learnt(found: Subscription, later: Subscription, at: datetime) -> Subscription:
    """With what a later reading says of the time."""
    if later.ended_at and later.ended_at <= at:
        return replace(
            found, status=later.status, ended_at=later.ended_at, canceled_at=later.canceled_at
        )
    missed_at = later.past_due_since_at
    if missed_at and missed_at <= at and found.status in {"active", "trialing"}:
        found = replace(found, status="past_due", past_due_since_at=missed_at)
    payment = _payment_at(later.last_payment, at)
    if payment and (payment.refunded_at or payment.disputed_at):
        found = replace(found, last_payment=payment)
    return found


def _payment_at(payment: PeriodPayment | None, at: datetime) -> PeriodPayment | None:
    if payment is None or payment.paid_at > at:
        return None
    if payment.refunded_at and payment.refunded_at > at:
        payment = replace(payment, refunded_minor=0, refunded_at=None)
    if payment.disputed_at and payment.disputed_at > at:
        payment = replace(payment, disputed=None, disputed_at=None)
    return payment


def purchase_at(purchase: Purchase, at: datetime) -> Purchase | None:
    """A purchase as it was at a time; None if it was not made yet."""
    if purchase.paid_at > at:
        return None
    if purchase.refunded_at and purchase.refunded_at > at:
        purchase = replace(purchase, refunded_minor=0, refunded_at=None)
    if purchase.disputed_at and purchase.disputed_at > at:
        purchase = replace(purchase, disputed=None, disputed_at=None)
    return purchase
