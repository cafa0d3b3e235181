"""Seats: a quantity that one member bought, and the others who have a place of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bridge.core.memberships.past import last_known, seats_after, subscription_at
from bridge.core.model.stripe import Subscription
from bridge.core.rights.sharing import places
from bridge.errors import NotFound, Permanent
from bridge.operations.grants import find_user
from bridge.store import facts, history, links, shares, work
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


def assign(bridge: Bridge, subscription_id: str, user_id: int, *, actor: str) -> None:
    """Give a user a seat.

    Raises: NotFound for an unknown subscription or user, Permanent when no seat is left.
    """
    find_user(bridge, user_id)
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        if user_id in (
            links.user_of(connection, subscription.customer_id),
            subscription.beneficiary_id,
        ):
            raise Permanent(f"{subscription_id} is user {user_id}'s own: they have a seat by that")
        taken = shares.places_taken(connection, subscription_id)
        if any(place.user_id == user_id for place in taken):
            raise Permanent(f"user {user_id} has a seat of {subscription_id} already")
        if len(taken) >= places(subscription):
            raise Permanent(
                f"{subscription_id} has {places(subscription)} seats beside the buyer's own, and "
                f"{len(taken)} are taken: raise its quantity at Stripe, or take one back"
            )
        shares.assign(connection, subscription, user_id, actor=actor, now=bridge.clock.now())
    bridge.hint("decide", work.user_key(user_id))


def unassign(bridge: Bridge, subscription_id: str, user_id: int, *, actor: str) -> None:
    """Take a seat back. Raises: NotFound when the user has none."""
    with bridge.store.write() as connection:
        subscription = _subscription(connection, subscription_id)
        now = bridge.clock.now()
        done = shares.unassign(connection, subscription, user_id, actor=actor, now=now)
    if not done:
        raise NotFound(f"user {user_id} has no seat of {subscription_id}")
    bridge.hint("decide", work.user_key(user_id))


def _subscription(connection: Connection, subscription_id: str) -> Subscription:
    found = facts.subscription(connection, subscription_id)
    if found is None:
        raise NotFound(f"no subscription {subscription_id} was ever read: `bridge sync --all`?")
    return found
