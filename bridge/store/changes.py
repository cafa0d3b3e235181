"""The append-only change log: what was decided, sent and seen; by whom and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, Unpack

from sqlalchemy import Connection, Row, and_, false, func, insert, not_, or_, select, tuple_

from bridge.core.model.actor import PEOPLE
from bridge.core.model.change import Change
from bridge.core.model.key import Until
from bridge.core.telling.digest import Counted
from bridge.store.older import older
from bridge.store.schema.forum import BY_PEOPLE, changes

FOLLOWED = "% by %:% via %"
"""SQL: what followed from an act has causes like `granted by moderator:12 via console`."""
SWAPPED = "swapped"
"""The outcome of a removal whose user moved to another step of the same ladder."""
_CHANGE = tuple(changes.c[field.name] for field in fields(Change))
TURNS = ("wanted", "unwanted")
"""Lines that change whether a membership is wanted; other lines add details or results."""
LAST_NUMBER = 2**63 - 1
"""The largest number that a database can count to."""


class By(TypedDict):
    """Who does something and when, and why, where they said so."""

    actor: str
    now: datetime
    reason: NotRequired[str | None]


def why_of(by: By) -> dict[str, str]:
    """The reason, as a line of the log keeps it in its detail."""
    reason = by.get("reason")
    return {"reason": reason} if reason else {}


def log(  # noqa: PLR0913 - the columns of a row
    connection: Connection,
    action: str,
    *,
    now: datetime,
    user_id: int | None = None,
    group_id: int | None = None,
    customer_id: str | None = None,
    cause: str | None = None,
    rule_id: str | None = None,
    outcome: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append a line."""
    line = {
        "at": now,
        "action": action,
        "user_id": user_id,
        "group_id": group_id,
        "customer_id": customer_id,
        "cause": cause,
        "rule_id": rule_id,
        "outcome": outcome,
        "detail": dict(detail) if detail else None,
    }
    connection.execute(_LINE, line)


_LINE = insert(changes)


def log_each(
    connection: Connection,
    action: str,
    group_id: int,
    user_ids: Collection[int],
    now: datetime,
    *,
    outcome: str | None = None,
    cause: str | None = None,
) -> None:
    """Append a line for each of them, with `cause` or else the cause of the last decision.

    So the line of a removal names the event, the rule and the decision that led to it.
    """
    decisions = {} if cause else _decisions(connection, group_id, user_ids)
    lines = []
    for user_id in user_ids:
        made = decisions.get(user_id)
        lines.append(
            {
                "at": now,
                "action": action,
                "user_id": user_id,
                "group_id": group_id,
                "cause": made.cause if made else cause,
                "rule_id": made.rule_id if made else None,
                "outcome": outcome,
                "detail": {"decision": made.id, "why": made.outcome} if made else None,
            }
        )
    if lines:
        connection.execute(insert(changes), lines)


def _decisions(
    connection: Connection, group_id: int, user_ids: Collection[int]
) -> dict[int, Row[Any]]:
    """For each of them, the last line that changed whether the membership is wanted."""
    last = (
        select(func.max(changes.c.id))
        .where(
            changes.c.group_id == group_id,
            changes.c.user_id.in_(user_ids),
            changes.c.action.in_(TURNS),
        )
        .group_by(changes.c.user_id)
    )
    rows = connection.execute(select(changes).where(changes.c.id.in_(last)))
    return {row.user_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody who was found in a group unannounced: since when, and who added them."""

    user_id: int
    since: datetime
    owned: str


def log_seen(connection: Connection, group_id: int, found: Iterable[Seen], now: datetime) -> None:
    """Append what a reading of the group's members showed for the first time."""
    lines = [
        {
            "at": now,
            "action": "seen",
            "user_id": one.user_id,
            "group_id": group_id,
            "outcome": one.owned,
            "detail": {"since": one.since.isoformat()},
        }
        for one in found
    ]
    if lines:
        connection.execute(insert(changes), lines)


def of_user(
    connection: Connection,
    user_id: int,
    until: Until | None,
    limit: int,
    *,
    group_id: int | None = None,
    by_people: bool | None = None,
) -> list[Change]:
    """The lines about a user, the newest first.

    `by_people`: only people's lines, or only others.
    """
    of = changes.c
    asked = [of.user_id == user_id, *older(of.at, of.id, until)]
    if group_id is not None:
        asked.append(of.group_id == group_id)
    if by_people is not None:
        theirs = func.coalesce(or_(*(of.cause.like(f"{role}:% via %") for role in PEOPLE)), false())
        asked.append(theirs if by_people else not_(theirs))
    query = select(*_CHANGE).where(*asked).order_by(of.at.desc(), of.id.desc()).limit(limit)
    return [Change(*row) for row in connection.execute(query)]


def find(connection: Connection, change_id: int) -> Change | None:
    """A line of the log by its number."""
    if not 0 < change_id <= LAST_NUMBER:
        return None
    row = connection.execute(select(*_CHANGE).where(changes.c.id == change_id)).one_or_none()
    return None if row is None else Change(*row)


_EQUAL: tuple[Literal["user_id", "group_id", "action"], ...] = ("user_id", "group_id", "action")


class About(TypedDict, total=False):
    """A filter of lines, all of whose conditions must hold. None: no condition.

    `causes`: by any of these; `by_people`: only what people did; `until`: before that moment.
    """

    user_id: int | None
    group_id: int | None
    action: str | None
    causes: Collection[str] | None
    by_people: bool
    since: datetime | None
    until: datetime | None


def page(
    connection: Connection,
    *,
    before: int | None = None,
    upto: int | None = None,
    limit: int = 50,
    **about: Unpack[About],
) -> list[Change]:
    """Lines of the log, the newest first; `before`: only those older than this one.

    `upto`: this one and those older than it.
    """
    of = changes.c
    asked = [of[name] == about[name] for name in _EQUAL if about.get(name) is not None]
    if (causes := about.get("causes")) is not None:
        asked.append(of.cause.in_(causes))
    if about.get("by_people"):
        asked += [BY_PEOPLE, of.cause.not_like(FOLLOWED)]
    if (since := about.get("since")) is not None:
        asked.append(of.at >= since)
    if (until := about.get("until")) is not None:
        asked.append(of.at < until)
    if (first := upto or before) is not None:
        last = changes.alias()
        that = select(last.c.at).where(last.c.id == first).scalar_subquery()
        here, there = tuple_(of.at, of.id), tuple_(that, first)
        asked.append(here <= there if upto else here < there)
    query = select(*_CHANGE).where(*asked).order_by(of.at.desc(), of.id.desc()).limit(limit)
    return [Change(*row) for row in connection.execute(query)]


def later(
    connection: Connection,
    after: Change,
    actions: Collection[str],
    user_ids: Collection[int] | None,
) -> list[Change]:
    """The lines of these actions since a line, in order; `user_ids`: only about these people."""
    of = changes.c
    since = (of.id > after.id,) if user_ids is not None else (of.at >= after.at, of.id > after.id)
    asked = select(*_CHANGE).where(of.action.in_(actions), *since)
    if user_ids is not None:
        asked = asked.where(of.user_id.in_(user_ids))
    # Put in order here: asked to do it, SQLite may read the whole log by its number.
    found = (Change(*row) for row in connection.execute(asked))
    return sorted(found, key=lambda one: one.id)


def last_id(connection: Connection) -> int:
    """The number of the newest line; 0 in an empty log."""
    return connection.scalar(select(func.max(changes.c.id))) or 0


def counted(connection: Connection, *, after: int, until: int) -> list[Counted]:
    """How often each action occurs in a part of the log, by group and by whether people did it."""
    by_person = changes.c.cause.like("% via %")
    asked = (
        select(changes.c.action, changes.c.group_id, by_person.label("by_person"), func.count())
        .where(changes.c.id > after, changes.c.id <= until)
        .group_by(changes.c.action, changes.c.group_id, by_person)
    )
    return [
        Counted(action, group_id, bool(by), count)
        for action, group_id, by, count in connection.execute(asked)
    ]


def losses_since(connection: Connection, group_id: int, since: datetime) -> list[datetime]:
    """When members lost a group since a time, without those who moved to another step."""
    lost = or_(changes.c.outcome.is_(None), changes.c.outcome != SWAPPED)
    removed = and_(changes.c.group_id == group_id, changes.c.action == "removed")
    return list(connection.scalars(select(changes.c.at).where(removed, lost, changes.c.at > since)))
