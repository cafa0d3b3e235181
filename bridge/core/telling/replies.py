"""A moderator's answer to a member who asks: their state, and what they can do. Pure.

The sentences on groups are those that the member reads as "why"; this adds the situation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bridge.core.memberships.state import State
from bridge.core.telling.places import Place
from bridge.core.telling.subscription_cards import SubscriptionCard


class Situation(StrEnum):
    """The situation; the first that fits."""

    FAILED = "failed"
    """A payment failed; paying solves it."""
    WAITING = "waiting"
    """Something is pending: a moderator, a bank, or the forum's next minute."""
    ENDED = "ended"
    """They are no longer in any group."""
    PARTLY = "partly"
    """They are in some groups, and something else of theirs gives nothing."""
    WELL = "well"
    NOTHING = "nothing"
    """Nothing is known about them: they may have paid with another account."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply. `back`: the offer to buy again after an end."""

    situation: Situation
    places: tuple[Place, ...]
    back: str | None = None


_ON_ITS_WAY = frozenset({State.ARRIVING, State.HELD_IN, State.HELD_OUT})


def reply(places: Iterable[Place], cards: Iterable[SubscriptionCard]) -> Reply:
    """The answer for somebody with these places and subscriptions."""
    found = tuple(places)
    lapsed = next((one.back for one in cards if one.is_over and one.back), None)
    return Reply(_situation(found), found, lapsed)


def _situation(places: tuple[Place, ...]) -> Situation:
    if not places:
        return Situation.NOTHING
    if any(one.cause and one.cause.has_failed for one in places):
        return Situation.FAILED
    if any(map(_waits, places)):
        return Situation.WAITING
    if not any(one.state.is_in for one in places):
        return Situation.ENDED
    return Situation.PARTLY if any(map(_gives_nothing, places)) else Situation.WELL


def _gives_nothing(place: Place) -> bool:
    return place.state == State.OUT and not place.is_given_away


def _waits(place: Place) -> bool:
    if not place.groups or place.state in _ON_ITS_WAY or place.is_applied_for:
        return True
    return place.cause is not None and place.cause.can_pay and not place.cause.has_failed
