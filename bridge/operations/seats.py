"""Seats: a quantity that one member bought, and the others who have a place of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.memberships.past import last_known, seats_after, subscription_at
from bridge.core.model.actor import Actor
from bridge.core.model.rights import Seat
from bridge.core.model.stripe import Subscription
from bridge.core.rights.sharing import places
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.operations.preview import Effect, What, effects
from bridge.store import Connection, history, links, shares, subscriptions, work
from bridge.store.shares import Place
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Seats:
    """How many places there are beside the buyer's own, and who has them, the first come first."""

    places: int
    taken: tuple[Place, ...]


def seats_of(bridge: Bridge, subscription_id: str) -> Seats:
    """The seats of a subscription. Raises: NotFound for one that was never read."""
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
        raise NotFound(f"there was no {subscription_id} at {at:%Y-%m-%d %H:%M}, as far as is known")
    before = [line for line in lines if line.at <= at]
    given_by = {line.user_id: line.by for line in before if line.action == "seat_assigned"}
    taken = (
        Place(user_id, assigned_at, given_by[user_id], over_since)
        for (_, user_id), (assigned_at, over_since) in seats_after(before).items()
    )
    return Seats(places(then), tuple(taken))


def preview_assign(bridge: Bridge, subscription_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `assign` would bring to the user's groups. Raises the same."""
    find_user(bridge, user_id)
    with bridge.store.read() as connection:
        subscription = _subscription(connection, subscription_id)
        if _has_seat(connection, subscription, user_id):
            return effects(bridge, user_id, What())
    seat = Seat(subscription, bridge.clock.now())
    return effects(bridge, user_id, What(lambda it: replace(it, seats=(*it.seats, seat))))


def assign(bridge: Bridge, actor: Actor, subscription_id: str, user_id: int) -> Seats:
    """Give a user a seat. A second time changes nothing; `unassign` is the reverse.

    Raises: NotFound for an unknown subscription or user, Permanent when no seat is left.
    """
    find_user(bridge, user_id)
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        if not _has_seat(connection, subscription, user_id):
            now = bridge.clock.now()
            shares.assign(connection, subscription, user_id, actor=str(actor), now=now)
    bridge.hint("decide", work.user_key(user_id))
    return seats_of(bridge, subscription_id)


def preview_unassign(bridge: Bridge, subscription_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `unassign` would bring to the user's groups. Raises the same."""
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


def unassign(bridge: Bridge, actor: Actor, subscription_id: str, user_id: int) -> Seats:
    """Take a seat back. Raises: NotFound when the user has none."""
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        now = bridge.clock.now()
        done = shares.unassign(connection, subscription, user_id, actor=str(actor), now=now)
    if not done:
        raise _no_seat(subscription_id, user_id)
    bridge.hint("decide", work.user_key(user_id))
    return seats_of(bridge, subscription_id)


def _has_seat(connection: Connection, subscription: Subscription, user_id: int) -> bool:
    """Whether the user has a seat already. Raises: Permanent where they can be given none."""
    if user_id in (
        links.user_of(connection, subscription.customer_id),
        subscription.beneficiary_id,
    ):
        raise Permanent(f"user {user_id} has {subscription.id} themselves and needs no seat of it")
    taken = shares.places_taken(connection, subscription.id)
    if any(place.user_id == user_id for place in taken):
        return True
    if len(taken) >= places(subscription):
        raise Permanent(
            f"{subscription.id} has {places(subscription)} seats beside the buyer's own, and "
            f"{len(taken)} are taken: raise its quantity at Stripe, or take one back"
        )
    return False


def _no_seat(subscription_id: str, user_id: int) -> NotFound:
    return NotFound(f"user {user_id} has no seat of {subscription_id}")


def _subscription(connection: Connection, subscription_id: str) -> Subscription:
    found = subscriptions.last_read(connection, subscription_id)
    if found is None:
        raise NotFound(f"no subscription {subscription_id} was ever read: `bridge sync --all`?")
    return found
