"""The slots of requests to Discourse: each request takes one until a minute after its answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update

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
    return connection.scalar(_COUNT_FREE, _at(now)) or 0


def first_free(connection: Connection, now: datetime, *, lock: bool = False) -> int | None:
    """The slot that has been free longest; with `lock`, one that no other process is taking."""
    return connection.scalar(_FIRST_FREE_LOCKED if lock else _FIRST_FREE, _at(now))


def next_free_at(connection: Connection, now: datetime) -> datetime | None:
    """When the next of the taken slots becomes free; None if no slot is taken."""
    soonest: datetime | None = connection.scalar(_NEXT_FREE_AT, {"b_now": now})
    return soonest


def set_free_at(connection: Connection, number: int, free_at: datetime) -> None:
    """Take a slot until a time, or give it back then."""
    connection.execute(_SET_FREE_AT, {"b_number": number, "b_free_at": free_at})


def _at(now: datetime) -> dict[str, datetime]:
    return {"b_now": now, "b_never": now + CLOCK_WAS_WRONG}


# Each request takes several of these, so they are made once.
_IS_FREE = or_(slots.c.free_at <= bindparam("b_now"), slots.c.free_at > bindparam("b_never"))
_COUNT_FREE = select(func.count()).select_from(slots).where(_IS_FREE)
_FIRST_FREE = (
    select(slots.c.number).where(_IS_FREE).order_by(slots.c.free_at, slots.c.number).limit(1)
)
_FIRST_FREE_LOCKED = _FIRST_FREE.with_for_update(skip_locked=True)
_NEXT_FREE_AT = select(func.min(slots.c.free_at)).where(slots.c.free_at > bindparam("b_now"))
_SET_FREE_AT = (
    update(slots)
    .where(slots.c.number == bindparam("b_number"))
    .values(free_at=bindparam("b_free_at"))
)
