"""Records who the forum says is in a group, and whether the bridge added them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from bridge.core.model.discourse import Member
from bridge.store.changes import Seen, log_each, log_seen
from bridge.store.inserts import insert_for
from bridge.store.memberships import SENT, Sent
from bridge.store.schema.forum import memberships

M = memberships.c
# Discourse's clock and ours may differ by a little when it says since when somebody is in a group.
CLOCK_MARGIN = timedelta(seconds=2)


def observe(
    connection: Connection, group_id: int, members: Iterable[Member], now: datetime
) -> list[int]:
    """Store a page of a group's real members; returns those who were not known to be in it.

    The time at which somebody joined shows who owns the membership: if it is earlier than the
    bridge's request, it is not the bridge's.
    """
    page = {member.user_id: member for member in members}
    known = {
        row.user_id: row
        for row in connection.execute(
            select(memberships).where(M.group_id == group_id, M.user_id.in_(list(page)))
        )
    }
    same, surprises = [], []
    seen: list[Seen] = []
    for user_id, member in page.items():
        row = known.get(user_id)
        owned = _whose(row, member.added_at)
        if row is not None and _says_the_same(row, owned, member.added_at):
            same.append(user_id)
            continue
        if row is None or not row.actual:
            surprises.append(user_id)
        if row is not None and row.intent == "add":
            log_each(connection, "observed_done", group_id, [user_id], now, outcome=owned)
        elif row is None or (row.actual, row.owned) != (True, owned):
            seen.append(Seen(user_id, member.added_at, owned))
        _save_seen(connection, group_id, member, owned, row, now)
    log_seen(connection, group_id, seen, now)
    connection.execute(
        update(memberships).where(M.group_id == group_id, M.user_id.in_(same)).values(seen_at=now)
    )
    return surprises


def _says_the_same(row: Row[Any], owned: str, added_at: datetime) -> bool:
    if (row.actual, row.owned, row.intent) != (True, owned, None):
        return False
    # If they were in before the bridge added them, only the forum knows since when.
    return owned != "no" or bool(row.actual_since == added_at)


def _save_seen(
    connection: Connection,
    group_id: int,
    member: Member,
    owned: str,
    row: Row[Any] | None,
    now: datetime,
) -> None:
    same_stay = row is not None and row.actual and row.actual_since == member.added_at
    values = {
        "actual": True,
        "actual_since": member.added_at,
        "seen_at": now,
        "owned": owned,
        "added_by": row.added_by if row is not None and same_stay else None,
        "intent": row.intent if row is not None and row.intent == "remove" else None,
    }
    connection.execute(
        insert_for(connection)(memberships)
        .values(user_id=member.user_id, group_id=group_id, wanted=False, sources=[], **values)
        .on_conflict_do_update(index_elements=[M.user_id, M.group_id], set_=values)
    )


def unseen(connection: Connection, group_id: int, since: datetime, limit: int = 1000) -> list[Sent]:
    """Members on record whom a reading of the whole group, started at `since`, did not show."""
    asked = select(*SENT).where(M.group_id == group_id, M.actual, M.seen_at < since)
    return [Sent(*row) for row in connection.execute(asked.limit(limit))]


def _whose(row: Row[Any] | None, added_at: datetime) -> str:
    if row is None:
        return "no"
    if row.intent == "add":
        return "proven" if added_at >= row.intent_at - CLOCK_MARGIN else "no"
    if not row.actual or row.owned == "no":
        return "no"
    if row.owned == "claimed":
        return "proven" if added_at >= row.actual_since - CLOCK_MARGIN else "no"
    # Since then somebody else removed and added them: the membership is no longer ours.
    return "proven" if added_at <= row.actual_since + CLOCK_MARGIN else "no"


def is_known(connection: Connection, user_id: int, group_id: int, *, is_member: bool) -> bool:
    """Whether the record says this already, or it was just sent."""
    row = connection.execute(
        select(M.actual, M.intent).where(M.user_id == user_id, M.group_id == group_id)
    ).one_or_none()
    if row is None:
        return not is_member
    return bool(row.actual) == is_member or row.intent == ("add" if is_member else "remove")


def is_ours(connection: Connection, user_id: int, group_id: int) -> bool:
    """Whether the bridge ever managed this membership."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(memberships)
            .where(M.user_id == user_id, M.group_id == group_id, or_(M.wanted, M.owned != "no"))
        )
        == 1
    )
