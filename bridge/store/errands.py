"""What somebody asked to have done at Stripe: kept first, done once, and logged when it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from bridge.store.own import is_own
from bridge.store.schema.work import errands
from bridge.store.work import insert_for

E = errands.c
AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One thing to have done at Stripe. `subject`: the subscription or payment that it is about.

    `number`: how many about this subject were done before. `params`: what it takes.
    """

    subject: str
    number: int
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    user_id: int
    customer_id: str
    actor: str
    reason: str
    asked_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    outcome: str | None = None

    @property
    def key(self) -> str:
        """Stripe does what comes twice with this key only once."""
        return f"{self.kind}-{self.subject}-{self.number}"

    def is_same(self, other: Errand) -> bool:
        """Whether both ask for the same, whoever asks."""
        return (self.kind, dict(self.params)) == (other.kind, dict(other.params))


_COLUMNS = tuple(E[one.name] for one in fields(Errand))


def _is(subject: str, number: int) -> ColumnElement[bool]:
    return and_(is_own(errands), E.subject == subject, E.number == number)


def turn(connection: Connection, subject: str) -> int:
    """How many errands about this are over: the number of the next one."""
    over = select(func.count()).where(is_own(errands), E.subject == subject, E.done_at.is_not(None))
    return connection.scalar(over) or 0


def last_done_at(connection: Connection, subject: str) -> datetime | None:
    """When something about this was last over."""
    latest = select(func.max(E.done_at)).where(is_own(errands), E.subject == subject)
    at: datetime | None = connection.scalar(latest)
    return at


def begin(connection: Connection, errand: Errand, until: timedelta) -> Errand:
    """Keep an errand and return it; where one of its turn is there already, return that one.

    So long, `until`, nobody but the caller carries it out.
    """
    row = {one.name: getattr(errand, one.name) for one in fields(Errand)}
    row["params"] = dict(errand.params)
    connection.execute(
        insert_for(connection)(errands)
        .values(**row, next_at=errand.asked_at + until)
        .on_conflict_do_nothing()
    )
    kept = select(*_COLUMNS).where(_is(errand.subject, errand.number))
    return Errand(**connection.execute(kept).mappings().one())


def finish(connection: Connection, errand: Errand, outcome: str, now: datetime) -> bool:
    """Keep what came of it; False where somebody else has done so already."""
    done = connection.execute(
        update(errands)
        .where(_is(errand.subject, errand.number), E.done_at.is_(None))
        .values(done_at=now, next_at=None, outcome=outcome)
    )
    return bool(done.rowcount)


def put_off(connection: Connection, errand: Errand, until: datetime) -> None:
    """Try it again later."""
    connection.execute(
        update(errands)
        .where(_is(errand.subject, errand.number), E.done_at.is_(None))
        .values(next_at=until, attempts=E.attempts + 1)
    )


def due(connection: Connection, now: datetime) -> list[Errand]:
    """Those that were begun and are not done, the oldest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(is_own(errands), E.next_at <= now)
        .order_by(E.asked_at)
        .limit(AT_ONCE)
    )
    return [Errand(**row) for row in rows.mappings()]


def open_about(connection: Connection, user_id: int) -> list[Errand]:
    """What was asked about a member and Stripe has not answered yet, the oldest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(is_own(errands), E.user_id == user_id, E.done_at.is_(None))
        .order_by(E.asked_at)
    )
    return [Errand(**row) for row in rows.mappings()]
