"""Reads Stripe again at somebody's request: for a person, everybody, or one stored event."""

from __future__ import annotations

from collections.abc import Callable

from bridge.core.model.actor import Actor
from bridge.errors import NotFound
from bridge.store import changes, inbox, work
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker import group_members, own_additions, reconcile


def sync_user(bridge: Bridge, actor: Actor, user_id: int) -> None:
    """Mark everything about a user for a new reading."""
    now = bridge.clock.now()
    key = work.user_key(user_id)
    with bridge.store.write() as connection:
        work.mark_dirty(
            connection,
            key,
            now=now,
            due_at=now,
            cause=f"sync by {actor}",
            needs=("read", "purchases", "money"),
        )
    bridge.hint("decide", key)


def sync_everybody(bridge: Bridge, progress: Callable[[str, int], None]) -> None:
    """Read the forum's groups now, and everything at Stripe that is on sale or can give a group."""
    group_members.read_groups(bridge)
    own_additions.look_elsewhere(bridge)
    reconcile.read_catalogue(bridge)
    reconcile.backfill(bridge)
    reconcile.read_everybody(bridge, whole=True, progress=progress)


def replay(bridge: Bridge, actor: Actor, event_id: str) -> None:
    """Process a stored event again. Raises NotFound for an unknown one."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if not inbox.reopen(connection, event_id, now):
            raise NotFound(
                gettext("there is no stored event %(event_id)s") % {"event_id": event_id}
            )
        changes.log(connection, "replayed", now=now, cause=str(actor), outcome=event_id)
