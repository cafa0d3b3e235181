"""The state at a past time: as known today, and as it was known then.

What was known at a time is what the last reading before it said. What was true is what all readings
since have said about it: a subscription that ended on Monday and was read on Wednesday had ended on
Tuesday, although nobody knew that on Tuesday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.model.rights import Facts, HandGrant, Seat
from bridge.core.model.steps import MemberStep
from bridge.core.model.stripe import ItemPayment, PeriodPayment, Purchase, Subscription

Reading = tuple[datetime, Subscription | Purchase | None]


@dataclass(frozen=True, slots=True)
class HandRecord:
    """A grant by hand with the times at which it was recorded and taken back."""

    grant: HandGrant
    recorded_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeatLine:
    """A line of the log about a seat: given, taken back, too many, or there again.

    `assigned_at`, `over_since_at`: of the account from which the seat went to this one.
    """

    at: datetime
    action: str  # seat_assigned, seat_unassigned, seat_too_many, seat_again
    subscription_id: str
    user_id: int = 0
    assigned_at: datetime | None = None
    over_since_at: datetime | None = None
    by: str = ""


SeatsHeld = dict[tuple[str, int], tuple[datetime, datetime | None]]
"""(subscription, user) -> since when it is theirs, and since when it is one too many."""


def seats_after(lines: Iterable[SeatLine]) -> SeatsHeld:
    """Who has which seats after these lines, in the order of giving."""
    held: SeatsHeld = {}
    for line in lines:
        key = line.subscription_id, line.user_id
        if line.action == "seat_assigned":
            held[key] = line.assigned_at or line.at, line.over_since_at
        elif line.action == "seat_unassigned":
            held.pop(key, None)
        elif key in held:
            over_since_at = line.at if line.action == "seat_too_many" else None
            held[key] = held[key][0], over_since_at
    return dict(sorted(held.items(), key=lambda one: (one[1][0], one[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All facts that decisions about one user were ever based on.

    `now`: the facts as last read. `readings`: object id -> its readings, the oldest first: those of
    the user's customers, of gifts to the user, and of what they ever had a seat of. `links`: when a
    customer became this user's, or ceased to be. `entitlements`: customer id -> what Stripe said
    they have, the oldest first.
    """

    user_id: int = 0
    now: Facts = field(default_factory=Facts)
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    links: Sequence[tuple[datetime, str, bool]] = ()
    deleted: Mapping[str, datetime] = field(default_factory=dict)
    hand: Sequence[HandRecord] = ()
    seats: Sequence[SeatLine] = ()
    entitlements: Mapping[str, Sequence[tuple[datetime, frozenset[str]]]] = field(
        default_factory=dict
    )

    def known_at(self, at: datetime) -> Facts:
        """The facts as the bridge knew them at a time."""
        mine = {customer_id: linked for when, customer_id, linked in self.links if when <= at}
        read = [last_known(readings, at) for readings in self.readings.values()]
        known = [thing for thing in read if thing is not None]
        bought = [one for one in known if mine.get(one.customer_id)]
        # A gift to oneself is not a gift.
        kept = [
            replace(one, beneficiary_id=None)
            for one in bought
            if one.beneficiary_id in (None, self.user_id)
        ]
        given = [one for one in bought if one.beneficiary_id not in (None, self.user_id)]
        gifts = [
            one
            for one in known
            if one.beneficiary_id == self.user_id and not mine.get(one.customer_id)
        ]
        theirs = (*kept, *gifts)
        found = replace(
            self.now,
            subscriptions=tuple(one for one in theirs if isinstance(one, Subscription)),
            purchases=tuple(one for one in theirs if isinstance(one, Purchase)),
            given=tuple(one for one in given if isinstance(one, Subscription)),
            given_purchases=tuple(one for one in given if isinstance(one, Purchase)),
            seats=self._seats({one.id: one for one in known if isinstance(one, Subscription)}, at),
        )
        return self._whole(found, {one for one, linked in mine.items() if linked}, at, known=True)

    def was_at(self, at: datetime) -> Facts:
        """The facts as they were at a time, by all that is known of it today."""

        def were(now: Iterable[Subscription]) -> tuple[Subscription, ...]:
            """Whose they are is as it is today."""
            return tuple(
                replace(then, beneficiary_id=one.beneficiary_id)
                for one in now
                if (then := subscription_at(self.readings.get(one.id, ()), one, at))
            )

        def bought(now: Iterable[Purchase]) -> tuple[Purchase, ...]:
            then = (purchase_at(one, at) for one in now)
            return tuple(one for one in then if one is not None)

        ids = {line.subscription_id for line in self.seats}
        newest = (self.readings[id_][-1][1] for id_ in ids if self.readings.get(id_))
        seated = were(one for one in newest if isinstance(one, Subscription))
        found = replace(
            self.now,
            subscriptions=were(self.now.subscriptions),
            purchases=bought(self.now.purchases),
            given=were(self.now.given),
            given_purchases=bought(self.now.given_purchases),
            seats=self._seats({one.id: one for one in seated}, at),
        )
        linked = {customer_id: linked for _, customer_id, linked in self.links}
        return self._whole(found, {one for one, is_ in linked.items() if is_}, at, known=False)

    def _whole(self, found: Facts, mine: set[str], at: datetime, *, known: bool) -> Facts:
        """Add grants by hand, and what is known of the customers, theirs and payers'."""
        seated = (seat.subscription for seat in found.seats)
        payers = {one.customer_id for one in (*found.subscriptions, *seated)}
        payers |= {one.customer_id for one in found.purchases} | mine
        said = self._entitlements(at, known=known)
        return replace(
            found,
            hand_grants=self._hand(at, known=known),
            steps=self._steps(at, known=known),
            deleted_customer_ids=self._deleted(at) & payers,
            entitlements={one: said[one] for one in payers & said.keys()},
        )

    def moments(self, since: datetime, until: datetime) -> list[datetime]:
        """When any of it changed for the bridge, after `since` and not after `until`."""
        times = [
            *(when for when, _, _ in self.links),
            *(when for readings in self.readings.values() for when, _ in readings),
            *(line.at for line in self.seats),
            *(when for said in self.entitlements.values() for when, _ in said),
            *self.deleted.values(),
            *(one.recorded_at for one in self.hand),
            *(one.revoked_at for one in self.hand if one.revoked_at),
            *(one.known_at for one in self.now.steps),
        ]
        return sorted({when for when in times if since < when <= until})

    def _hand(self, at: datetime, *, known: bool) -> tuple[HandGrant, ...]:
        """A grant that was not recorded yet counts from its beginning, and never waits."""
        return tuple(
            replace(one.grant, revoked_at=one.revoked_at if _is_by(one.revoked_at, at) else None)
            for one in self.hand
            if one.recorded_at <= at or (not known and one.grant.from_at <= at)
        )

    def _steps(self, at: datetime, *, known: bool) -> tuple[MemberStep, ...]:
        """A correction has no day of its own, because what it takes back never happened."""
        return tuple(
            one
            for one in self.now.steps
            if (one.known_at if known else one.at) <= at or (one.corrects and not known)
        )

    def _seats(self, of: Mapping[str, Subscription], at: datetime) -> tuple[Seat, ...]:
        """Nothing about a seat is known late, because the bridge itself assigns it."""
        held = seats_after(line for line in self.seats if line.at <= at)
        return tuple(
            Seat(of[subscription_id], *since)
            for (subscription_id, _), since in sorted(held.items())
            if subscription_id in of
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


def _is_by(when: datetime | None, at: datetime) -> bool:
    return when is not None and when <= at


def last_known(readings: Sequence[Reading], at: datetime) -> Subscription | Purchase | None:
    """The last reading up to a time."""
    known = None
    for when, thing in readings:
        if when <= at:
            known = thing
    return known


def subscription_at(
    readings: Sequence[Reading], newest: Subscription, at: datetime
) -> Subscription | None:
    """A subscription as it was at a time; None if it did not exist yet.

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
    if payment.items:
        items = (_item_at(one, at) for one in payment.items)
        payment = replace(payment, items=tuple(items))
    if payment.disputed_at and payment.disputed_at > at:
        payment = replace(payment, disputed=None, disputed_at=None)
    return payment


def _item_at(item: ItemPayment, at: datetime) -> ItemPayment:
    if item.refunded_at and item.refunded_at > at:
        return replace(item, refunded_minor=0, refunded_at=None, refund_doubt=None)
    return item


def purchase_at(purchase: Purchase, at: datetime) -> Purchase | None:
    """A purchase as it was at a time; None if it was not made yet."""
    if purchase.paid_at > at:
        return None
    if purchase.refunded_at and purchase.refunded_at > at:
        purchase = replace(purchase, refunded_minor=0, refunded_at=None, refund_doubt=None)
    if purchase.disputed_at and purchase.disputed_at > at:
        purchase = replace(purchase, disputed=None, disputed_at=None)
    return purchase
