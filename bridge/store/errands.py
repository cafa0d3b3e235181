"""What somebody asked the bridge to do at Stripe: stored first, done once, then logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, update

from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.schema.work import errands

E = errands.c
AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One request to Stripe.

    `subject`: the subscription, payment, price or product that it is about. `number`: how many
    about this subject came before. `params`: its parameters.
    """

    subject: str
    number: int
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    user_id: int | None = None
    customer_id: str | None = None
    actor: str
    reason: str
    asked_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    outcome: str | None = None

    @property
    def key(self) -> str:
        """The key with which Stripe does a repeated request only once."""
        return f"{self.kind}-{self.subject}-{self.number}"

    def is_same(self, other: Errand) -> bool:
        """Whether both ask for the same thing, by any person."""
        return (self.kind, dict(self.params)) == (other.kind, dict(other.params))


_COLUMNS = tuple(E[one.name] for one in fields(Errand))


def _is(subject: str, number: int) -> ColumnElement[bool]:
    return and_(is_own(errands), E.subject == subject, E.number == number)


def turn(connection: Connection, subject: str) -> int:
    """How many errands about this have ended, which is the number of the next one."""
    over = select(func.count()).where(is_own(errands), E.subject == subject, E.done_at.is_not(None))
    return connection.scalar(over) or 0


def last_done_at(connection: Connection, subject: str) -> datetime | None:
    """When the last errand about this ended."""
    latest = select(func.max(E.done_at)).where(is_own(errands), E.subject == subject)
    at: datetime | None = connection.scalar(latest)
    return at


def begin(connection: Connection, errand: Errand, until: timedelta) -> Errand:
    """Store an errand and return it; if there is already one with its number, return that one.

    Until `until`, only the caller carries it out.
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
    """Store its result; False if somebody else has already done so."""
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
    """Errands that were started and are not done, the oldest first."""
    rows = connection.execute(_DUE, {"b_now": now})
    return [Errand(**row) for row in rows.mappings()]


_DUE = (
    select(*_COLUMNS)
    .where(is_own(errands), E.next_at <= bindparam("b_now"))
    .order_by(E.asked_at)
    .limit(AT_ONCE)
)


def open_about(connection: Connection, user_id: int) -> list[Errand]:
    """Errands about a member that Stripe has not answered yet, the oldest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(is_own(errands), E.user_id == user_id, E.done_at.is_(None))
        .order_by(E.asked_at)
    )
    return [Errand(**row) for row in rows.mappings()]
