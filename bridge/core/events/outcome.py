"""How an event ends: done, ignored or dead with a reason; or it waits for another try.

No event leaves these four, whatever is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bridge.core.events.stripe import OLDEST_VERSION, Event

# Stripe's clock and ours agree to the second; a rehearsal's may run months ahead.
FURTHEST_AHEAD = timedelta(days=366)
Status = Literal["done", "ignored", "dead", "received"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an event ended, and why. An event that waits is still *received*."""

    status: Status
    reason: str | None = None


DONE = Outcome("done")


def ignored(reason: str) -> Outcome:
    """The event has no effect."""
    return Outcome("ignored", reason[:300])


def dead(reason: str) -> Outcome:
    """The event can never be processed: moderators are told, and it is not tried again."""
    return Outcome("dead", reason[:300])


def on_arrival(event: Event, *, livemode: bool, now: datetime) -> Outcome | None:
    """An event's immediate outcome, before anything is read; None if it has none."""
    if event.created_at - now > FURTHEST_AHEAD:
        return dead(f"it says that it was made on {event.created_at:%Y-%m-%d}, far in the future")
    if event.livemode != livemode:
        return dead("of the other mode (live or test) than STRIPE_API_KEY")
    if event.account:
        return ignored(f"of the connected account {event.account}: nothing follows from it here")
    if event.api_version and event.api_version[: len(OLDEST_VERSION)] < OLDEST_VERSION:
        return dead(
            f"API version {event.api_version} is older than {OLDEST_VERSION}, the oldest that is"
            " read here: give the webhook endpoint a newer one"
        )
    return None
