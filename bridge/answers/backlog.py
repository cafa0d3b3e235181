"""Work that is not done yet, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store import inbox, links, work
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Backlog:
    """How long the oldest change has waited, customers without a user, events given up."""

    oldest_dirty_seconds: float
    orphans: int
    dead_events: int


def backlog(bridge: Bridge) -> Backlog:
    """What is not done yet; from the store alone."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        return Backlog(
            oldest_dirty_seconds=work.oldest_dirty_seconds(connection, now),
            orphans=links.count_orphans(connection),
            dead_events=inbox.count_dead(connection),
        )
