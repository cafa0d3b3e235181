"""What the forum's webhook reports: mostly echoes of the bridge's own writes, sometimes people."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

import handlers
from bridge.core.events.forum import DiscourseEvent
from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, SyncGroup, SyncUser
from bridge.errors import NotFound
from bridge.store import groups, inbox, links, observed, statements, work
from bridge.wiring import Bridge

log = structlog.get_logger()
AT_ONCE = 10


def work_on_lane(bridge: Bridge, lease: work.Lease, dirty: tuple[work.Dirty, ...]) -> None:
    """Go through the forum's waiting events; an echo costs no request to anybody."""
    with bridge.store.read() as connection:
        events = inbox.waiting(connection, [work.FORUM_LANE])
    users: set[int] = set()
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        outcomes = {event.id: _take(connection, event, users, now) for event in events}
    for user_id in users:
        look_at(bridge, user_id)
    with bridge.store.write() as connection:
        work.check(connection, lease, bridge.clock.now())
        inbox.finish(connection, outcomes, now)
        if len(events) < inbox.AT_ONCE:
            work.mark_done(connection, dirty, timer=None)


def _take(
    connection: Connection, event: Event, users: set[int], now: datetime
) -> tuple[str, str | None]:
    """One event: its outcome; `users` collects whom to ask the forum about."""
    for task in handlers.route_discourse(_forum_event(event)):
        match task:
            case SyncUser(user_id, int(group_id), bool(is_member)):
                return _membership(connection, user_id, group_id, is_member, now)
            case SyncUser(user_id):
                if event.type == "discourse.user_anonymized" and _concerns(connection, user_id):
                    statements.mark_user(connection, user_id, "anonymized", now)
                users.add(user_id)
            case SyncGroup():
                groups.ask_for_list(connection)
            case Ignore(reason):
                return "ignored", reason
            case _:
                return "ignored", f"no task of the forum: {type(task).__name__}"
    return "done", None


def _membership(
    connection: Connection,
    user_id: int,
    group_id: int,
    is_member: bool,  # noqa: FBT001 - the news itself
    now: datetime,
) -> tuple[str, str | None]:
    """Somebody came into a group or left it: our own doing, or a reason to read the group."""
    if observed.is_known(connection, user_id, group_id, is_member=is_member):
        return "ignored", "the echo of what the bridge did or knew"
    if groups.row_of(connection, group_id) is None or not observed.is_ours(
        connection, user_id, group_id
    ):
        return "ignored", "no membership of the bridge's"
    groups.ask_for_reading(connection, group_id, now)
    return "done", "the group is read again"


def look_at(bridge: Bridge, user_id: int) -> None:
    """An account was suspended, restored or deleted: while it is not active nothing is written."""
    with bridge.store.read() as connection:
        if not _concerns(connection, user_id):
            return
    try:
        user = bridge.discourse.user(user_id, priority="low")
    except NotFound:
        log.warning("account.gone", user_id=user_id)
        with bridge.store.write() as connection:
            statements.mark_user(connection, user_id, "gone", bridge.clock.now())
        return
    with bridge.store.write() as connection:
        statements.see_user(connection, user, bridge.clock.now())


def _concerns(connection: Connection, user_id: int) -> bool:
    """Whether the bridge ever had to do with a user."""
    known = statements.user_row(connection, user_id) is not None
    return known or bool(links.customers_of(connection, user_id))


def look_after_the_absent(bridge: Bridge) -> None:
    """Look again at some who are not there: a suspension ends by itself, and nobody says so."""
    with bridge.store.read() as connection:
        absent = statements.absent(connection, AT_ONCE)
    for user_id in absent:
        look_at(bridge, user_id)


def _forum_event(event: Event) -> DiscourseEvent:
    def number(name: str) -> int | None:
        return int(event.related[name]) if name in event.related else None

    return DiscourseEvent(event.type.removeprefix("discourse."), number("user"), number("group"))
