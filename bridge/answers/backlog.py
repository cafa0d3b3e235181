"""What is not done yet, and since when."""

from __future__ import annotations

from typing import Any

from bridge.store import inbox, links, work
from bridge.wiring import Bridge


def waiting(bridge: Bridge) -> dict[str, Any]:
    """How long the longest change has waited, customers without a user, events without an end."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        return {
            "oldest_dirty_seconds": work.oldest_dirty_seconds(connection, now),
            "orphans": links.count_orphans(connection),
            "dead_events": inbox.count_dead(connection),
        }
