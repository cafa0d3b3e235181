"""The table of both controllers: what is wanted (decider) and what is actual (applier, sweep)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.memberships.decision import Decision, WantedMembership
from bridge.core.memberships.why import ended_by, why
from bridge.core.model.rights import Grant
from bridge.store.changes import log, log_each
from bridge.store.inserts import INSERTS
from bridge.store.schema.columns import moment
from bridge.store.schema.forum import memberships

M = memberships.c
DECIDED = tuple(WantedMembership.__dataclass_fields__)


def wanted_of(connection: Connection, user_id: int) -> dict[int, WantedMembership]:
    """The previous decisions about a user, by group."""
    rows = connection.execute(select(memberships).where(M.user_id == user_id)).all()
    return {row.group_id: _membership(row) for row in rows}


@dataclass(frozen=True, slots=True)
class Sent:
    """A user on record for a group: what was last seen, and what was sent to the forum."""

    user_id: int
    wanted: bool
    seen_at: datetime | None
    intent: str | None
    intent_at: datetime | None


SENT = tuple(M[field.name] for field in fields(Sent))


def save_decision(
    connection: Connection,
    user_id: int,
    decision: Decision,
    verdicts: Iterable[Grant] = (),
    *,
    have: Collection[str] = (),
    now: datetime,
    cause: str | None,
) -> None:
    """Write what is wanted, with its reasons, and log the changes.

    `verdicts`: the verdict on each source, so that the log can say why something ended; `have`:
    everything that the user has.
    """
    said = tuple(verdicts)
    rows = [_decided(one, user_id, now) for one in decision.memberships]
    if rows:
        connection.execute(_deciding(connection.dialect.name), rows)
    for shift in decision.shifts:
        membership = shift.membership
        log(
            connection,
            shift.action,
            now=now,
            user_id=user_id,
            group_id=membership.group_id,
            cause=cause,
            rule_id=membership.rule_id,
            outcome=membership.hold or why(membership, said, have),
            detail=_detail(membership, said, have),
        )


def _decided(membership: WantedMembership, user_id: int, now: datetime) -> dict[str, Any]:
    row = {name: getattr(membership, name) for name in DECIDED}
    row |= {"sources": list(membership.sources), "decided_at": now}
    row |= {"hold_at": now if membership.hold else None}
    return {**row, "user_id": user_id, "actual": False, "owned": "no"}


@cache
def _deciding(dialect: str) -> sqlite.Insert | postgresql.Insert:
    new = INSERTS[dialect](memberships)
    decided = {*DECIDED, "decided_at", "hold_at"} - {"group_id"}
    return new.on_conflict_do_update(
        index_elements=[M.user_id, M.group_id],
        set_={name: new.excluded[name] for name in decided},
    )


def _detail(
    membership: WantedMembership, verdicts: Iterable[Grant], have: Collection[str]
) -> dict[str, Any]:
    """The whole decision, so that the log alone shows the state at any time."""
    known = {
        "since": membership.wanted_since,
        "until": membership.wanted_until,
        "reason": membership.reason,
        "ladder": membership.ladder,
        "swap_to": membership.swap_to,
        "hold": membership.hold,
        "ended_by": [] if membership.wanted else ended_by(membership, verdicts, have),
    }
    told = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in known.items() if v}
    return {"wanted": membership.wanted, "sources": list(membership.sources), **told}


def _membership(row: Row[Any]) -> WantedMembership:
    values = {name: getattr(row, name) for name in DECIDED}
    values["sources"] = tuple(values["sources"])
    return WantedMembership(**values)


# --- what was sent, and what came of it -----------------------------------------------------------


def intend(
    connection: Connection, group_id: int, user_ids: Sequence[int], intent: str, now: datetime
) -> None:
    """Record what is about to be sent."""
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id.in_(user_ids))
        .values(intent=intent, intent_at=now)
    )
    log_each(connection, f"intent_{intent}", group_id, user_ids, now)


def record_in(
    connection: Connection,
    group_id: int,
    user_ids: Collection[int],
    *,
    owned: str,
    now: datetime,
    action: str = "added",
) -> None:
    """Record that they are in the group: `owned` is no, claimed or proven.

    A claim keeps the time at which the addition was sent: only members who joined later are ours.
    """
    since = func.coalesce(M.intent_at, moment(now)) if owned == "claimed" else now
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id.in_(user_ids))
        .values(
            actual=True,
            actual_since=since,
            seen_at=now,
            owned=owned,
            added_by=None,
            intent=None,
            intent_at=None,
        )
    )
    log_each(connection, action, group_id, user_ids, now, outcome=owned)


def record_out(
    connection: Connection,
    group_id: int,
    user_ids: Collection[int],
    *,
    now: datetime,
    action: str = "removed",
    outcome: str | None = None,
    cause: str | None = None,
) -> None:
    """Record that they are out of the group, which also ends the ownership.

    `cause`: who did it, if not the bridge.
    """
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id.in_(user_ids))
        .values(
            actual=False,
            actual_since=None,
            seen_at=now,
            owned="no",
            added_by=None,
            intent=None,
            intent_at=None,
        )
    )
    log_each(connection, action, group_id, user_ids, now, outcome=outcome, cause=cause)


def record_not_done(
    connection: Connection,
    group_id: int,
    user_ids: Collection[int],
    *,
    now: datetime,
    outcome: str,
) -> None:
    """Record that a change did not happen; it is selected again if it is still wanted."""
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id.in_(user_ids))
        .values(intent=None, intent_at=None)
    )
    log_each(connection, "not_done", group_id, user_ids, now, outcome=outcome)


def hold(
    connection: Connection, group_id: int, user_ids: Collection[int], reason: str, now: datetime
) -> None:
    """Hold memberships until a moderator decides."""
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id.in_(user_ids))
        .values(hold=reason, hold_at=now, intent=None, intent_at=None)
    )
    log_each(connection, "held", group_id, user_ids, now, outcome=reason)


def override(
    connection: Connection, group_id: int, user_id: int, by: str, actor: str, now: datetime
) -> None:
    """Keep somebody out whom staff removed, or who left, until a moderator lifts it."""
    connection.execute(
        update(memberships)
        .where(M.group_id == group_id, M.user_id == user_id)
        .values(override=by, override_at=now)
    )
    log(
        connection,
        "override",
        now=now,
        user_id=user_id,
        group_id=group_id,
        cause=actor,
        outcome=by,
    )


def record_seen_out(connection: Connection, group_id: int, user_id: int, *, now: datetime) -> None:
    """Record that a look-up showed somebody outside the group, whatever was sent."""
    if _intent_of(connection, group_id, user_id) == "remove":
        # Logged like any other removal, so that the removal limit counts it.
        record_out(connection, group_id, [user_id], now=now, outcome="observed_done")
    else:
        record_not_done(connection, group_id, [user_id], now=now, outcome="not in the group")


def record_seen_in(connection: Connection, group_id: int, user_id: int, *, now: datetime) -> None:
    """Record that a look-up showed somebody in the group: a removal did not happen."""
    if _intent_of(connection, group_id, user_id) == "remove":
        record_not_done(connection, group_id, [user_id], now=now, outcome="still in the group")
    else:
        record_in(connection, group_id, [user_id], owned="claimed", now=now, action="observed_done")


def _intent_of(connection: Connection, group_id: int, user_id: int) -> str | None:
    return connection.scalar(select(M.intent).where(M.group_id == group_id, M.user_id == user_id))


def waiting_for(connection: Connection, group_id: int, user_ids: Collection[int]) -> list[int]:
    """Groups whose memberships wait for these users to be in this one."""
    return list(
        connection.scalars(
            select(M.group_id)
            .where(M.user_id.in_(user_ids), M.swap_to == group_id, ~M.wanted, M.actual)
            .distinct()
        )
    )


def users_decided(connection: Connection, *, only_held: bool = False) -> set[int]:
    """Users about whom anything was decided; `only_held`: only those with a held membership."""
    asked = select(M.user_id).distinct()
    return set(connection.scalars(asked.where(M.hold.is_not(None)) if only_held else asked))


def owned_group_ids(connection: Connection) -> frozenset[int]:
    """Groups in which the bridge itself added somebody."""
    return frozenset(connection.scalars(select(M.group_id).where(M.owned != "no").distinct()))


def ending(
    connection: Connection, group_ids: Collection[int], after: datetime, before: datetime
) -> dict[int, datetime]:
    """Users whose right to one of these groups ends between two moments; the first end."""
    rows = connection.execute(
        select(M.user_id, func.min(M.wanted_until).label("until_at"))
        .where(
            M.group_id.in_(group_ids),
            M.wanted,
            M.wanted_until > after,
            M.wanted_until < before,
        )
        .group_by(M.user_id)
    )
    return {row.user_id: row.until_at for row in rows}


def ends_of(
    connection: Connection, user_ids: Collection[int], group_ids: Collection[int]
) -> dict[int, datetime]:
    """The users among these whose right to one of these groups ends, and its first end."""
    rows = connection.execute(
        select(M.user_id, func.min(M.wanted_until).label("until_at"))
        .where(M.user_id.in_(user_ids), M.group_id.in_(group_ids), M.wanted)
        .where(M.wanted_until.is_not(None))
        .group_by(M.user_id)
    )
    return {row.user_id: row.until_at for row in rows}
