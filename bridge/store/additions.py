"""Members of mapped groups whom the bridge has no record of adding, and who did add them.

After a restored backup, the bridge did add some of them; the forum's group log says so (A116). They
are adopted: from then on they are the bridge's, and follow what grants the group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, case, func, select, update

from bridge.store.changes import log, log_each
from bridge.store.schema.forum import memberships
from bridge.store.work import mark_dirty, user_key

M = memberships.c
_UNKNOWN = (M.actual, M.owned == "no")
# The longest time between a membership and its line in the forum's log: a long batch.
SAME_ADDITION = timedelta(minutes=1)

AddedBy = Literal["bridge", "others"]


@dataclass(frozen=True, slots=True)
class Addition:
    """A membership that the bridge's own user created and that is not on record."""

    user_id: int
    group_id: int
    since_at: datetime
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """How many of them a group has, how many nothing grants, and since when."""

    group_id: int
    count: int
    without_grant: int
    since_at: datetime


def unexplained_since(
    connection: Connection, group_id: int, *, seen_since: datetime
) -> datetime | None:
    """When the earliest member joined whose origin has not been looked up yet."""
    asked = select(func.min(M.actual_since)).where(
        M.group_id == group_id, *_UNKNOWN, M.added_by.is_(None), M.seen_at >= seen_since
    )
    earliest: datetime | None = connection.scalar(asked)
    return earliest


def explain(
    connection: Connection, group_id: int, added_at: Mapping[int, datetime]
) -> tuple[int, ...]:
    """Note whom the bridge's user added: user id -> when. Returns those who joined then."""
    asked = select(M.user_id, M.actual_since).where(
        M.group_id == group_id, M.user_id.in_(list(added_at)), *_UNKNOWN, M.added_by.is_(None)
    )
    found = tuple(
        row.user_id
        for row in connection.execute(asked)
        if abs(row.actual_since - added_at[row.user_id]) <= SAME_ADDITION
    )
    _say(connection, group_id, "bridge", M.user_id.in_(found))
    return found


def explain_others(
    connection: Connection, group_id: int, *, seen_since: datetime, looked_at: datetime
) -> None:
    """Note that others added the remaining members: the log was read to its end."""
    in_the_log = (M.seen_at >= seen_since, M.actual_since < looked_at - SAME_ADDITION)
    _say(connection, group_id, "others", *in_the_log)


def _say(connection: Connection, group_id: int, by: AddedBy, *which: object) -> None:
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, *_UNKNOWN, M.added_by.is_(None), *which)  # type: ignore[arg-type] # conditions
        .values(added_by=by)
    )


def unknown(connection: Connection) -> list[Unknown]:
    """The groups with members whom the bridge's user added and who are not on record."""
    rows = connection.execute(_BY_GROUP)
    return [Unknown(group_id, count, int(lost), at) for group_id, count, lost, at in rows]


_BY_GROUP = (
    select(
        *(M.group_id, func.count(), func.sum(case((M.wanted, 0), else_=1))),
        func.min(M.actual_since),
    )
    .where(*_UNKNOWN, M.added_by == "bridge")
    .group_by(M.group_id)
    .order_by(M.group_id)
)


def page(
    connection: Connection, group_id: int, *, after_user_id: int = 0, limit: int = 500
) -> list[Addition]:
    """Those of a group, by user id."""
    rows = connection.execute(
        select(M.user_id, M.group_id, M.actual_since, M.wanted)
        .where(
            M.group_id == group_id,
            *_UNKNOWN,
            M.added_by == "bridge",
            M.user_id > after_user_id,
        )
        .order_by(M.user_id)
        .limit(limit)
    )
    return [Addition(*row) for row in rows]


def adopt(
    connection: Connection,
    group_id: int,
    user_ids: Collection[int],
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> tuple[int, ...]:
    """Make these memberships owned; returns those that were still waiting.

    They count as wanted until the next complete reading says what grants the group, so they end
    like any other membership, with proof.
    """
    waiting = M.user_id.in_(list(user_ids))
    mine = (M.group_id == group_id, *_UNKNOWN, M.added_by == "bridge")
    found = tuple(connection.scalars(select(M.user_id).where(waiting, *mine).with_for_update()))
    if not found:
        return ()
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id.in_(found))
        .values(
            owned="proven",
            added_by=None,
            wanted=True,
            wanted_since=func.coalesce(M.wanted_since, M.actual_since),
            unwanted_at=None,
            confirmed_at=None,
        )
    )
    log_each(connection, "adopted", group_id, found, now, outcome=reason or "proven", cause=actor)
    for user_id in found:
        cause = f"adopted by {actor}"
        mark_dirty(connection, user_key(user_id), now=now, due_at=now, cause=cause, needs=("read",))
    return found


def give_up(
    connection: Connection,
    group_id: int,
    user_id: int,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> bool:
    """Undo `adopt`: it waits for a moderator again, and nothing of the bridge's can end it.

    False if they are no longer in the group, or it was undone before.
    """
    mine = (M.group_id == group_id, M.user_id == user_id, M.actual, M.owned == "proven")
    as_before = {"owned": "no", "added_by": "bridge", "unwanted_at": None, "confirmed_at": None}
    done = connection.execute(update(memberships).where(*mine).values(**as_before))
    if not done.rowcount:
        return False
    log(
        connection,
        "given_up",
        now=now,
        user_id=user_id,
        group_id=group_id,
        cause=actor,
        outcome=reason,
    )
    cause = f"given_up by {actor}"
    mark_dirty(connection, user_key(user_id), now=now, due_at=now, cause=cause, needs=("read",))
    return True
