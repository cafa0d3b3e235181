"""Events from the forum's webhook: mostly echoes of the bridge's writes, some people's acts."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from functools import partial

import structlog

import handlers
from bridge.core.events.forum import ForumEvent
from bridge.core.events.outcome import DONE, Outcome, ignored
from bridge.core.events.tasks import EndSessions, Ignore, ReadGroups, SyncUser
from bridge.errors import NotFound
from bridge.store import Connection, groups, inbox, links, observed, users, work
from bridge.store.leases import Lease
from bridge.wiring import Bridge
from bridge.worker.lanes import LaneRound

log = structlog.get_logger()
AT_ONCE = 10


def work_on_lane(bridge: Bridge, lease: Lease, dirty: tuple[work.Dirty, ...]) -> None:
    """Process the forum's waiting events; an echo costs no request."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        events = inbox.waiting_of_forum(connection, now)
    about: dict[int, list[str]] = defaultdict(list)
    this_round = LaneRound(bridge)
    with bridge.store.write() as connection:
        for event in events:
            taken = _take(connection, event, now)
            if isinstance(taken, Outcome):
                this_round.outcomes[event.id] = taken
            else:
                about[taken].append(event.id)
    for user_id, event_ids in about.items():
        if not this_round.attempt(event_ids, partial(look_at, bridge, user_id)):
            break
    this_round.close(lease, dirty)


def _take(connection: Connection, event: ForumEvent, now: datetime) -> Outcome | int:
    """An event's outcome, or the user about whom to ask the forum."""
    (task,) = handlers.route_forum(event)
    match task:
        case SyncUser(user_id, int(group_id), bool(is_member)):
            return _membership(connection, user_id, group_id, is_member, now)
        case SyncUser(user_id):
            if event.name == "user_anonymized" and _concerns(connection, user_id):
                users.mark(connection, user_id, "anonymized", now)
            return user_id
        case EndSessions(user_id):
            users.sign_out(connection, user_id, now)
            return DONE
        case ReadGroups():
            groups.ask_for_list(connection)
            return DONE
        case Ignore(reason):
            return ignored(reason)
        case _:
            return ignored(f"not a task of the forum: {type(task).__name__}")


def _membership(
    connection: Connection,
    user_id: int,
    group_id: int,
    is_member: bool,  # noqa: FBT001 - the news itself
    now: datetime,
) -> Outcome:
    """Somebody joined or left a group: the bridge's own change, or a reason to read the group."""
    if observed.is_known(connection, user_id, group_id, is_member=is_member):
        return ignored("the echo of what the bridge did or knew")
    if groups.state_of(connection, group_id) is None or not observed.is_ours(
        connection, user_id, group_id
    ):
        return ignored("not a membership that the bridge manages")
    groups.ask_for_reading(connection, group_id, now)
    return Outcome("done", "the group is read again")


def look_at(bridge: Bridge, user_id: int) -> Outcome:
    """An account was suspended, restored or deleted; nothing is written for inactive accounts."""
    with bridge.store.read() as connection:
        if not _concerns(connection, user_id):
            return ignored("nobody whom the bridge knows")
    try:
        user = bridge.discourse.user(user_id, priority="low")
    except NotFound:
        log.warning("account.gone", user_id=user_id)
        with bridge.store.write() as connection:
            users.mark(connection, user_id, "gone", bridge.clock.now())
        return DONE
    with bridge.store.write() as connection:
        users.see(connection, user, bridge.clock.now())
    return DONE


def _concerns(connection: Connection, user_id: int) -> bool:
    """Whether the bridge knows a user."""
    known = users.is_known(connection, user_id)
    return known or bool(links.customers_of(connection, user_id))


def look_after_the_absent(bridge: Bridge) -> None:
    """Check some inactive users again: a suspension can end without an event."""
    with bridge.store.read() as connection:
        absent = users.absent(connection, AT_ONCE)
    for user_id in absent:
        look_at(bridge, user_id)
