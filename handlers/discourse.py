"""Discourse's webhook: what happened on the forum, by hand or by the bridge's own writes."""

from __future__ import annotations

from bridge.core.events.forum import ForumEvent
from bridge.core.events.tasks import EndSessions, Ignore, ReadGroups, SyncUser, Task


def joined(event: ForumEvent) -> list[Task]:
    """Somebody joined a group, or the bridge or staff added them."""
    return _membership(event, is_member=True)


def left(event: ForumEvent) -> list[Task]:
    """Somebody left a group or was removed, perhaps although something grants it to them."""
    return _membership(event, is_member=False)


def user_changed(event: ForumEvent) -> list[Task]:
    """An account was suspended, restored, or deleted (which sends no removals from groups)."""
    if event.user_id is None:
        return [Ignore(f"the event {event.name} names no user")]
    return [SyncUser(event.user_id)]


def logged_out(event: ForumEvent) -> list[Task]:
    """Somebody logged out of the forum, or was: the bridge believed the forum that they are in."""
    if event.user_id is None:
        return [Ignore(f"the event {event.name} names no user")]
    return [EndSessions(event.user_id)]


def group_changed(event: ForumEvent) -> list[Task]:
    """A group was made, renamed or deleted: rules that name it may work now, or must halt."""
    if event.group_id is None:
        return [Ignore(f"the event {event.name} names no group")]
    return [ReadGroups()]


def _membership(event: ForumEvent, *, is_member: bool) -> list[Task]:
    if event.user_id is None or event.group_id is None:
        return [Ignore(f"the event {event.name} names no user and group")]
    return [SyncUser(event.user_id, event.group_id, is_member)]
