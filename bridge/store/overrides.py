"""Releases memberships that wait for a moderator, or that people ended by hand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from bridge.store.changes import log
from bridge.store.schema import memberships
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
    """Let a membership follow the grants again; what kept it as it was, or None if nothing did.

    A source in doubt is forgotten with its hold: the moderator has decided about it.
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
        detail={"reason": reason} if reason else None,
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
