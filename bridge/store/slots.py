"""The slots of requests to Discourse: each request takes one until a minute after its answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from bridge.store.schema.work import slots

# A slot taken for longer than this was taken by a clock that has been set back since.
CLOCK_WAS_WRONG = timedelta(minutes=10)


def resize(connection: Connection, count: int, now: datetime) -> None:
    """Have exactly as many slots as requests are allowed; new slots are free."""
    have = set(connection.scalars(select(slots.c.number)))
    missing = sorted(set(range(count)) - have)
    if missing:
        connection.execute(insert(slots), [{"number": n, "free_at": now} for n in missing])
    connection.execute(delete(slots).where(slots.c.number >= count))


def count_free(connection: Connection, now: datetime) -> int:
    """How many slots are free."""
    return connection.scalar(select(func.count()).select_from(slots).where(_is_free(now))) or 0


def first_free(connection: Connection, now: datetime, *, lock: bool = False) -> int | None:
    """The slot that has been free longest; with `lock`, one that no other process is taking."""
    first = (
        select(slots.c.number)
        .where(_is_free(now))
        .order_by(slots.c.free_at, slots.c.number)
        .limit(1)
    )
    return connection.scalar(first.with_for_update(skip_locked=True) if lock else first)


def next_free_at(connection: Connection, now: datetime) -> datetime | None:
    """When the next of the taken slots becomes free; None if no slot is taken."""
    soonest: datetime | None = connection.scalar(
        select(func.min(slots.c.free_at)).where(slots.c.free_at > now)
    )
    return soonest


def set_free_at(connection: Connection, number: int, free_at: datetime) -> None:
    """Take a slot until a time, or give it back then."""
    connection.execute(update(slots).where(slots.c.number == number).values(free_at=free_at))


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(slots.c.free_at <= now, slots.c.free_at > now + CLOCK_WAS_WRONG)
