"""Seats: a quantity that one member bought, and the others who have a place of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.core.model import Subscription
from bridge.core.sharing import places
from bridge.errors import NotFound, Permanent
from bridge.grants_by_hand import find_user
from bridge.store import facts, links, shares, work
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
