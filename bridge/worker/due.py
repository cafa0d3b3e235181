"""What is due now, as hints that wake a worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from bridge.store import Connection, groups, sending, statements, work
from bridge.wiring import Bridge

AT_ONCE = 200
# A big group is read less often, so that reading it takes at most one request a minute on average.
MEMBERS_PER_PAGE = 1000


class Hint(NamedTuple):
    """A kind of work, its key, and what distinguishes it from an earlier hint about that key."""

    kind: str
    key: str
    mark: int | str


def due(bridge: Bridge) -> list[Hint]:
    """Everything whose time has come."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        keys = work.due_keys(connection, now, AT_ONCE)
        to_apply = sending.groups_with_work(connection, now)
        # In a rush, thousands wait for their messages: wake only as many as there are requests for.
        spare = bridge.limiter.spare("low")
        to_tell = statements.due_users(connection, now, min(AT_ONCE, spare))
        to_read = _groups_to_read(bridge, connection, now) if spare else []
    return [
        *(Hint("decide", row.key, row.dirty_gen) for row in keys),
        *(Hint("apply", str(group_id), "") for group_id in to_apply),
        *(Hint("read", str(group_id), "") for group_id in to_read),
        *(Hint("tell", str(user_id), "") for user_id in to_tell),
    ]


def _groups_to_read(bridge: Bridge, connection: Connection, now: datetime) -> list[int]:
    """Groups whose members are to be read: requested, or not read for a while.

    These are the groups of mapping rules, and groups to which a moderator added somebody.
    """
    mapped = bridge.rulebook.rules(connection).mapped_group_ids
    reads = groups.last_reads(connection, mapped, now)
    due = []
    for one in reads:
        pages = max(1, -(-one.user_count // MEMBERS_PER_PAGE))
        every = timedelta(seconds=max(bridge.policy.sweep_seconds, 60 * pages))
        if one.read_due_at is not None:
            is_due = one.read_due_at <= now
        else:
            is_due = one.read_at is None or one.read_at + every <= now
        if is_due:
            due.append(one.group_id)
    return due
