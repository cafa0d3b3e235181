"""What moderators recorded in the registers of shares and of members. Append-only."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, exists, func, insert, or_, select

from bridge.core.ledger.share_register import ShareAct
from bridge.core.model.alerts import Finding, Kind
from bridge.core.model.steps import MemberStep
from bridge.core.telling.words import named
from bridge.store import state
from bridge.store.changes import log
from bridge.store.schema.ledger import member_steps, share_acts
from bridge.store.schema.people import users

# More than these are one alert: a list that nobody reads helps nobody.
MOST_TOLD = 10
AT_ONCE = 1000
_ACT = tuple(share_acts.c[one.name] for one in fields(ShareAct))
_STEP = tuple(member_steps.c[one.name] for one in fields(MemberStep))


def take_turn(connection: Connection) -> None:
    """Wait until nobody else writes: two simultaneous acts may each be possible, but not both.

    What was read before has to be read again.
    """
    state.bump(connection, "registers.turn")


def record_act(connection: Connection, act: ShareAct) -> None:
    """Append an act on shares."""
    connection.execute(insert(share_acts).values(asdict(act)))


def acts(connection: Connection) -> list[ShareAct]:
    """All acts on shares, in the order in which they were recorded.

    What an account held belongs to the one that follows it.
    """
    follows = users.c.user_id == share_acts.c.user_id
    holder = func.coalesce(users.c.successor_id, share_acts.c.user_id).label("user_id")
    columns = [holder if column is share_acts.c.user_id else column for column in _ACT]
    asked = select(*columns).outerjoin_from(share_acts, users, follows)
    rows = connection.execute(asked.order_by(share_acts.c.number))
    return [ShareAct(**row) for row in rows.mappings()]


def new_step_id() -> str:
    """An id for a step that is about to be recorded."""
    return f"step:{uuid.uuid4().hex[:12]}"


def record_step(connection: Connection, step: MemberStep, **detail: str | None) -> None:
    """Append a step of somebody's membership, and a line of the log about it."""
    connection.execute(insert(member_steps).values(asdict(step)))
    corrects = {"corrects": step.corrects} if step.corrects else {}
    log(
        connection,
        f"member_{step.kind or 'correct'}",
        now=step.known_at,
        user_id=step.user_id,
        cause=step.actor,
        outcome=step.reason,
        detail={"step": step.id, **corrects, **detail},
    )


@dataclass(frozen=True, slots=True)
class Applicant:
    """A person whose application waits or was declined, and since when."""

    user_id: int
    username: str | None
    at: datetime


def applicants(
    connection: Connection,
    kind: Literal["application", "decline"],
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Applicant]:
    """People whose application waits, or whose last one was declined; the longest first."""
    asked = standing_last(kind)
    if after:
        at, user_id = after
        later = and_(member_steps.c.at == at, member_steps.c.user_id > user_id)
        asked = asked.where(or_(member_steps.c.at > at, later))
    ordered = asked.order_by(member_steps.c.at, member_steps.c.user_id).limit(limit)
    return [Applicant(*row) for row in connection.execute(ordered)]


def waiting(connection: Connection) -> tuple[int, datetime | None]:
    """How many applications wait for a moderator, and since when the first does."""
    all_ = standing_last("application").subquery()
    row = connection.execute(select(func.count(), func.min(all_.c.at))).one()
    return row[0], row[1]


# The step that ends each one's wait.
_OVER_WITH = {
    "application": ("approval", "decline", "cessation"),
    "decline": ("application", "approval"),
}


@cache
def standing_last(kind: Literal["application", "decline"]) -> Select[Any]:
    """SQL: everybody whose application waits, or whose last one was declined."""
    one, later, undone = member_steps.c, member_steps.alias(), member_steps.alias()
    is_later = or_(later.c.at > one.at, and_(later.c.at == one.at, later.c.number > one.number))
    stands = ~exists().where(undone.c.corrects == later.c.id)
    over = exists().where(
        later.c.user_id == one.user_id, later.c.kind.in_(_OVER_WITH[kind]), is_later, stands
    )
    back = member_steps.alias()
    return (
        select(one.user_id, users.c.username, one.at)
        .outerjoin_from(member_steps, users, users.c.user_id == one.user_id)
        .where(one.kind == kind, ~exists().where(back.c.corrects == one.id), ~over)
    )


def findings(connection: Connection) -> Iterator[Finding]:
    """People who wait for approval: one alert each while they are few."""
    found = applicants(connection, "application", None, MOST_TOLD + 1)
    if len(found) > MOST_TOLD:
        count, since_at = waiting(connection)
        told = {"count": count, "user": "USER"}
        yield Finding(Kind.APPLIED, "all", since_at, told)
        return
    for one in found:
        who = named(one.user_id, one.username)
        told = {"who": who, "user": f"id:{one.user_id}", "user_id": str(one.user_id)}
        yield Finding(Kind.APPLIED, str(one.user_id), one.at, told)


def steps_of(connection: Connection, user_ids: Collection[int]) -> dict[int, list[MemberStep]]:
    """The steps of these people's memberships, in the order in which they were recorded."""
    asked = select(*_STEP).where(member_steps.c.user_id.in_(user_ids))
    found: dict[int, list[MemberStep]] = {user_id: [] for user_id in user_ids}
    for row in connection.execute(asked.order_by(member_steps.c.number)):
        found[row.user_id].append(MemberStep(*row))
    return found


def whose(connection: Connection, step_id: str) -> int | None:
    """The user of a step; None for a step that was never recorded."""
    return connection.scalar(select(member_steps.c.user_id).where(member_steps.c.id == step_id))


def steps(connection: Connection) -> Iterator[MemberStep]:
    """All steps, streamed: person by person, in the order in which they were recorded."""
    ordered = select(*_STEP).order_by(member_steps.c.user_id, member_steps.c.number)
    for row in connection.execute(ordered.execution_options(yield_per=AT_ONCE)):
        yield MemberStep(*row)
