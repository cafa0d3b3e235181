"""Releases memberships that wait for a moderator or were ended by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from bridge.store.changes import log
from bridge.store.schema.forum import memberships
from bridge.store.work import mark_dirty, user_key

M = memberships.c


def lift(
    connection: Connection,
    group_id: int,
    user_id: int,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> str | None:
    """Let a membership follow its grants again; returns what had held it, or None.

    A doubtful source is dropped with its hold: the moderator has decided about it.
    """
    row = connection.execute(
        select(M.override, M.hold, M.sources).where(M.user_id == user_id, M.group_id == group_id)
    ).one_or_none()
    if row is None or not (row.override or row.hold):
        return None
    sources = [] if row.hold else row.sources
    connection.execute(
        update(memberships)
        .where(M.user_id == user_id, M.group_id == group_id)
        .values(override=None, override_at=None, hold=None, hold_at=None, sources=sources)
    )
    what: str = row.override or row.hold
    log(
        connection,
        "lifted",
        now=now,
        user_id=user_id,
        group_id=group_id,
        cause=actor,
        outcome=what,
        detail={"sources": row.sources, **({"reason": reason} if reason else {})},
    )
    mark_dirty(
        connection,
        user_key(user_id),
        now=now,
        due_at=now,
        cause=f"lift by {actor}",
        needs=("read",),
    )
    return what


@dataclass(frozen=True, slots=True)
class Undone:
    """A lift to undo: the membership, what had held it, by whom and why."""

    group_id: int
    user_id: int
    kept_by: str
    sources: tuple[str, ...]
    actor: str
    reason: str | None


def keep_out_again(connection: Connection, one: Undone, now: datetime) -> bool:
    """Keep somebody out again. False if they are in the group again, or already kept out."""
    out = (*_of(one), M.override.is_(None), ~M.actual)
    done = connection.execute(
        update(memberships).where(*out).values(override=one.kept_by, override_at=now)
    )
    return _noted(connection, "kept_out", one, now) if done.rowcount else False


def hold_again(connection: Connection, one: Undone, now: datetime) -> bool:
    """Hold a membership again, if its source is still in doubt. False if they are out."""
    still = (*_of(one), M.hold.is_(None), M.actual)
    as_before = {"wanted": True, "unwanted_at": None, "confirmed_at": None, "swap_to": None}
    held = {"hold": one.kept_by, "hold_at": now, "sources": list(one.sources)}
    done = connection.execute(update(memberships).where(*still).values(**as_before, **held))
    return _noted(connection, "held_again", one, now) if done.rowcount else False


def _of(one: Undone) -> tuple[ColumnElement[bool], ...]:
    return M.user_id == one.user_id, M.group_id == one.group_id


def _noted(connection: Connection, action: str, one: Undone, now: datetime) -> bool:
    log(
        connection,
        action,
        now=now,
        user_id=one.user_id,
        group_id=one.group_id,
        cause=one.actor,
        outcome=one.kept_by,
        detail={"reason": one.reason} if one.reason else None,
    )
    cause = f"{action} by {one.actor}"
    mark_dirty(connection, user_key(one.user_id), now=now, due_at=now, cause=cause, needs=("read",))
    return True
