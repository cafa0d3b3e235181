"""Grants by hand: made, ended, and kept on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    Row,
    bindparam,
    null,
    select,
    union_all,
    update,
)

from bridge.core.model.rights import HandGrant
from bridge.core.model.steps import MemberStep
from bridge.store.changes import log
from bridge.store.inserts import insert_for
from bridge.store.schema.ledger import member_steps
from bridge.store.schema.rights import hand_grants
from bridge.store.work import mark_dirty, user_key

H = hand_grants.c
S = member_steps.c
FIELDS = tuple(HandGrant.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A grant by hand with when it was recorded, and when and by whom it was taken back."""

    grant: HandGrant
    recorded_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None


def give(connection: Connection, grant: HandGrant, now: datetime) -> bool:
    """Record a grant and mark its user dirty; False if the id already exists."""
    done = connection.execute(
        insert_for(connection)(hand_grants)
        .values(**asdict(grant), recorded_at=now)
        .on_conflict_do_nothing()
    )
    if not done.rowcount:
        return False
    until = grant.until_at.isoformat() if grant.until_at else None
    _note(connection, grant, "granted", grant.actor, now, {"until": until, "source": grant.source})
    return True


def revoke(
    connection: Connection, grant_id: str, *, actor: str, now: datetime, reason: str | None = None
) -> HandGrant | None:
    """End a grant; None if no grant in force has that id."""
    row = connection.execute(
        select(hand_grants).where(H.id == grant_id, H.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        update(hand_grants).where(H.id == grant_id).values(revoked_at=now, revoked_by=actor)
    )
    grant = _recorded(row).grant
    _note(connection, grant, "revoked", actor, now, {"reason": reason} if reason else {})
    return grant


def recorded(connection: Connection, user_id: int | None = None) -> list[Recorded]:
    """All grants by hand ever recorded, of everybody or of one user, the newest first."""
    asked = (
        select(hand_grants) if user_id is None else select(hand_grants).where(H.user_id == user_id)
    )
    return [
        _recorded(row) for row in connection.execute(asked.order_by(H.recorded_at.desc(), H.id))
    ]


def find(connection: Connection, grant_id: str) -> Recorded | None:
    """The grant of this id, in force or not."""
    row = connection.execute(select(hand_grants).where(H.id == grant_id)).one_or_none()
    return None if row is None else _recorded(row)


def of_ids(connection: Connection, ids: Collection[str]) -> dict[str, HandGrant]:
    """The grants of these ids, in force or not."""
    rows = connection.execute(select(hand_grants).where(H.id.in_(ids)))
    return {row.id: _recorded(row).grant for row in rows}


def exists(connection: Connection, grant_id: str) -> bool:
    """Whether a grant with this id was ever recorded."""
    return connection.scalar(select(H.id).where(H.id == grant_id)) is not None


def in_force(connection: Connection, user_id: int) -> tuple[HandGrant, ...]:
    """A user's grants that nobody took back, also expired ones."""
    rows = connection.execute(
        select(hand_grants).where(H.user_id == user_id, H.revoked_at.is_(None)).order_by(H.id)
    )
    return tuple(_recorded(row).grant for row in rows)


def with_steps(
    connection: Connection, user_id: int
) -> tuple[tuple[HandGrant, ...], tuple[MemberStep, ...]]:
    """All of a user's grants, also those that ended, and the steps of their membership.

    One statement: both are read for every decision, and few people have any.
    """
    grants: list[HandGrant] = []
    steps: dict[int, MemberStep] = {}
    for row in connection.execute(_with_steps(), {"b_user": user_id}):
        if row.number is None:
            grants.append(HandGrant(*row[: len(FIELDS)]))
        else:
            steps[row.number] = MemberStep(
                id=row.id,
                user_id=row.user_id,
                kind=row.source,
                at=row.from_at,
                known_at=row.until_at,
                reason=row.reason,
                actor=row.actor,
                corrects=row.corrects,
            )
    grants.sort(key=lambda one: one.id)
    return tuple(grants), tuple(steps[number] for number in sorted(steps))


@cache
def _with_steps() -> CompoundSelect[Any]:
    given = select(*(H[name] for name in FIELDS), null().label("corrects"), null().label("number"))
    recorded = select(
        *(S.id, S.user_id, null(), S.at, S.known_at, S.reason, S.actor, S.kind, null()),
        *(S.corrects, S.number),
    )
    user_id: BindParameter[int] = bindparam("b_user")
    return union_all(given.where(H.user_id == user_id), recorded.where(S.user_id == user_id))


def paid_stays(
    connection: Connection, user_id: int, group_id: int
) -> list[tuple[datetime, datetime]]:
    """The times that payments and imports gave a user for a group; the next term follows them."""
    rows = connection.execute(
        select(H.from_at, H.until_at).where(
            H.user_id == user_id,
            H.group_id == group_id,
            H.source.in_(["payment", "import"]),
            H.until_at.is_not(None),
            H.revoked_at.is_(None),
        )
    )
    return [(row.from_at, row.until_at) for row in rows]


def _note(
    connection: Connection,
    grant: HandGrant,
    action: str,
    actor: str,
    now: datetime,
    detail: Mapping[str, str | None],
) -> None:
    log(
        connection,
        action,
        now=now,
        user_id=grant.user_id,
        group_id=grant.group_id,
        cause=actor,
        outcome=detail.get("reason") or grant.reason,
        detail={"grant": grant.id, **detail},
    )
    mark_dirty(
        connection,
        user_key(grant.user_id),
        now=now,
        due_at=now,
        cause=f"{action} by {actor}",
    )


def _recorded(row: Row[tuple[object, ...]]) -> Recorded:
    grant = HandGrant(**{name: getattr(row, name) for name in FIELDS})
    return Recorded(grant, row.recorded_at, row.revoked_at, row.revoked_by)


def users_given(connection: Connection, group_ids: Collection[int]) -> set[int]:
    """Users who were ever given one of these groups by hand."""
    return set(connection.scalars(select(H.user_id).where(H.group_id.in_(group_ids))))
