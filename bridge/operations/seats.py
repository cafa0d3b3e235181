"""Seats: places of a quantity that one member bought and gives to others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.core.memberships.effects import Effect, What
from bridge.core.memberships.past import last_known, seats_after, subscription_at
from bridge.core.model.actor import Actor, member
from bridge.core.model.discourse import User
from bridge.core.model.rights import Facts, Seat
from bridge.core.model.stripe import Subscription
from bridge.core.model.words import said
from bridge.core.rights.seats import SeatRefused, has_seat
from bridge.core.rights.sharing import places
from bridge.core.telling.outcomes import STATES
from bridge.errors import NotFound
from bridge.operations.finding import find_person, find_user
from bridge.operations.preview import effects
from bridge.store import Connection, history, links, shares, subscriptions, work
from bridge.store.changes import By
from bridge.store.shares import Place
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Seats:
    """The number of places besides the buyer's own, and who has them, in order."""

    places: int
    taken: tuple[Place, ...]


def seats_of(bridge: Bridge, subscription_id: str) -> Seats:
    """The seats of a subscription. Raises: NotFound if it was never read."""
    with bridge.store.read() as connection:
        subscription = _subscription(connection, subscription_id)
        taken = shares.places_taken(connection, subscription_id)
    return Seats(places(subscription), tuple(taken))


def seats_at(bridge: Bridge, subscription_id: str, at: datetime, *, known: bool) -> Seats:
    """The seats as they were at a time; `known`: with the quantity that was known then.

    Raises: NotFound for a subscription that was never read, or not by then.
    """
    with bridge.store.read() as connection:
        newest = _subscription(connection, subscription_id)
        past = history.readings_of(connection, subscription_id)
        lines = shares.lines_of_seats(connection, subscription_id=subscription_id)
    then = last_known(past, at) if known else subscription_at(past, newest, at)
    if not isinstance(then, Subscription):
        raise NotFound(
            gettext("the bridge has no record that %(subscription_id)s existed at %(at)s")
            % {"subscription_id": subscription_id, "at": f"{at:%Y-%m-%d %H:%M}"}
        )
    before = [line for line in lines if line.at <= at]
    given_by = {line.user_id: line.by for line in before if line.action == "seat_assigned"}
    taken = (
        Place(user_id, assigned_at, given_by[user_id], over_since)
        for (_, user_id), (assigned_at, over_since) in seats_after(before).items()
    )
    return Seats(places(then), tuple(taken))


def preview_assign(bridge: Bridge, subscription_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `assign` would change in the user's groups. Raises the same errors."""
    find_user(bridge, user_id)
    with bridge.store.read() as connection:
        subscription = _subscription(connection, subscription_id)
        if _has_seat(connection, subscription, user_id):
            return effects(bridge, user_id, What())
    seat = Seat(subscription, bridge.clock.now())
    return effects(bridge, user_id, What(lambda it: replace(it, seats=(*it.seats, seat))))


def has(bridge: Bridge, subscription_id: str, user_id: int) -> bool:
    """Whether the user has a seat of the subscription. Raises: NotFound, Permanent."""
    with bridge.store.read() as connection:
        return _has_seat(connection, _subscription(connection, subscription_id), user_id)


def assign(
    bridge: Bridge,
    actor: Actor,
    subscription_id: str,
    user_id: int,
    *,
    reason: str | None = None,
) -> Seats:
    """Give a user a seat. A second time changes nothing; `unassign` is the reverse.

    Raises: NotFound for an unknown subscription or user, Permanent when no seat is left.
    """
    find_user(bridge, user_id)
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        now = bridge.clock.now()
        notice = timedelta(days=bridge.policy.seat_notice_days)
        shares.clear_taken_back(connection, subscription, now - notice, now)
        said_by = _by(bridge, actor, reason)
        if _has_seat(connection, subscription, user_id):
            shares.leave(connection, subscription, user_id, **said_by)
        else:
            shares.assign(connection, subscription, user_id, **said_by)
            giver_id = links.user_of(connection, subscription.customer_id)
            shares.tell(connection, subscription_id, giver_id, user_id, now)
    bridge.hint("decide", work.user_key(user_id))
    return seats_of(bridge, subscription_id)


def _by(bridge: Bridge, actor: Actor, reason: str | None) -> By:
    """Who does it, when and why, as the log keeps it."""
    return {"actor": str(actor), "now": bridge.clock.now(), "reason": said(reason)}


def give(bridge: Bridge, buyer_id: int, subscription_id: str, said: str) -> User:
    """The buyer gives a seat to the user with this forum name.

    Raises: SeatRefused, NotFound or NotAName for a name that is nobody's.
    """
    _refuse_strangers(bridge, buyer_id, subscription_id)
    user = find_person(bridge, said)
    if user.state != "active":
        raise SeatRefused(
            "inactive",
            gettext("the account of %(user)s is not active (%(state)s)")
            % {"user": user.username, "state": STATES[user.state]},
        )
    with bridge.store.read() as connection:
        if shares.has_declined(connection, subscription_id, user.id):
            raise SeatRefused(
                "declined",
                gettext("%(user)s has declined a seat of this") % {"user": user.username},
            )
    assign(bridge, member(buyer_id), subscription_id, user.id)
    return user


def take_back(
    bridge: Bridge,
    actor: Actor,
    subscription_id: str,
    user_id: int,
    *,
    reason: str | None = None,
) -> Seats:
    """End a seat after notice; `leave` is the reverse. Raises: NotFound if there is none."""
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        done = shares.take_back(connection, subscription, user_id, **_by(bridge, actor, reason))
        taken = shares.places_taken(connection, subscription_id)
    if not done and all(place.user_id != user_id for place in taken):
        raise _no_seat(subscription_id, user_id)
    bridge.hint("decide", work.user_key(user_id))
    return seats_of(bridge, subscription_id)


def preview_take_back(bridge: Bridge, subscription_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `take_back` would change in the user's groups now: nothing, because notice begins.

    Raises the same.
    """
    with bridge.store.read() as connection:
        _subscription(connection, subscription_id)
        taken = shares.places_taken(connection, subscription_id)
    if all(place.user_id != user_id for place in taken):
        raise _no_seat(subscription_id, user_id)
    return effects(bridge, user_id, What())


def preview_leave(bridge: Bridge, subscription_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `leave` would change in the user's groups. Raises the same errors."""
    with bridge.store.read() as connection:
        _subscription(connection, subscription_id)
        taken = shares.places_taken(connection, subscription_id)
    if all(one.user_id != user_id or one.taken_back_by is None for one in taken):
        raise _not_ending(subscription_id, user_id)

    def as_before(known: Facts) -> Facts:
        seats = (
            replace(one, over_since_at=None) if one.subscription.id == subscription_id else one
            for one in known.seats
        )
        return replace(known, seats=tuple(seats))

    return effects(bridge, user_id, What(as_before))


def leave(
    bridge: Bridge,
    actor: Actor,
    subscription_id: str,
    user_id: int,
    *,
    reason: str | None = None,
) -> None:
    """Undo `take_back`: the seat stays. Raises: NotFound if nobody took it back, or it is gone."""
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        done = shares.leave(connection, subscription, user_id, **_by(bridge, actor, reason))
    if not done:
        raise _not_ending(subscription_id, user_id)
    bridge.hint("decide", work.user_key(user_id))


def buyer_takes_back(bridge: Bridge, buyer_id: int, subscription_id: str, user_id: int) -> None:
    """The buyer takes a seat back after notice. Raises: SeatRefused, NotFound."""
    _refuse_strangers(bridge, buyer_id, subscription_id)
    take_back(bridge, member(buyer_id), subscription_id, user_id)


def buyer_leaves(bridge: Bridge, buyer_id: int, subscription_id: str, user_id: int) -> None:
    """The buyer keeps a seat that was taken back. Raises: SeatRefused."""
    subscription = _refuse_strangers(bridge, buyer_id, subscription_id)
    with bridge.store.write() as connection:
        now, actor = bridge.clock.now(), str(member(buyer_id))
        shares.leave(connection, subscription, user_id, actor=actor, now=now)
    bridge.hint("decide", work.user_key(user_id))


def decline(bridge: Bridge, user_id: int, subscription_id: str) -> None:
    """Somebody declines the seat that they were given. Raises: NotFound."""
    unassign(bridge, member(user_id), subscription_id, user_id)


def _refuse_strangers(bridge: Bridge, buyer_id: int, subscription_id: str) -> Subscription:
    with bridge.store.read() as connection:
        subscription = subscriptions.last_read(connection, subscription_id)
        is_theirs = subscription is not None and (
            links.user_of(connection, subscription.customer_id) == buyer_id
        )
    if subscription is None or not is_theirs:
        raise SeatRefused(
            "not_yours",
            gettext("id:%(buyer_id)s does not pay for %(subscription_id)s")
            % {"buyer_id": buyer_id, "subscription_id": subscription_id},
        )
    return subscription


def preview_unassign(bridge: Bridge, subscription_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `unassign` would change in the user's groups. Raises the same errors."""
    with bridge.store.read() as connection:
        _subscription(connection, subscription_id)
        taken = shares.places_taken(connection, subscription_id)
    if all(place.user_id != user_id for place in taken):
        raise _no_seat(subscription_id, user_id)
    return effects(
        bridge,
        user_id,
        What(
            lambda it: replace(
                it, seats=tuple(one for one in it.seats if one.subscription.id != subscription_id)
            )
        ),
    )


def unassign(
    bridge: Bridge,
    actor: Actor,
    subscription_id: str,
    user_id: int,
    *,
    reason: str | None = None,
) -> Seats:
    """Take a seat back. Raises: NotFound when the user has none."""
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        done = shares.unassign(connection, subscription, user_id, **_by(bridge, actor, reason))
    if not done:
        raise _no_seat(subscription_id, user_id)
    bridge.hint("decide", work.user_key(user_id))
    return seats_of(bridge, subscription_id)


def _has_seat(connection: Connection, subscription: Subscription, user_id: int) -> bool:
    """Whether the user already has a seat. Raises: Permanent if they cannot get one."""
    payer_ids = links.user_of(connection, subscription.customer_id), subscription.beneficiary_id
    taken = {place.user_id for place in shares.places_taken(connection, subscription.id)}
    return has_seat(subscription, user_id, payer_ids, taken)


def _not_ending(subscription_id: str, user_id: int) -> NotFound:
    words = gettext("nobody took back the seat of id:%(user)d in %(subscription)s")
    return NotFound(words % {"user": user_id, "subscription": subscription_id})


def _no_seat(subscription_id: str, user_id: int) -> NotFound:
    return NotFound(
        gettext("id:%(user_id)s has no seat of %(subscription_id)s")
        % {"user_id": user_id, "subscription_id": subscription_id}
    )


def _subscription(connection: Connection, subscription_id: str) -> Subscription:
    found = subscriptions.last_read(connection, subscription_id)
    if found is None:
        raise NotFound(
            gettext("the bridge has never read %(subscription_id)s")
            % {"subscription_id": subscription_id},
            "sync",
        )
    return found
