"""Generations: what has changed, and up to which change the work is done.

Dirty while dirty_gen > done_gen. A holder reads the generation before it reads Stripe and writes
that number when it is done, so news that came in between is never lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.model.account import OWN, SITE, Account
from bridge.store.inserts import INSERTS, insert_for
from bridge.store.own import columns, is_of, is_ours, is_own
from bridge.store.schema.columns import UtcTime
from bridge.store.schema.people import customers
from bridge.store.schema.work import work

INBOX_LANE = "inbox"
FORUM_LANE = "forum"
EVERYTHING = ("read", "purchases")


def user_key(user_id: int) -> str:
    """The key of what concerns a user and no customer."""
    return f"user:{user_id}"


def user_of_key(key: str) -> int | None:
    """The user whose key this is; None if it is a customer's, or a lane."""
    return int(key.removeprefix("user:")) if key.startswith("user:") else None


def account_of(key: str) -> Account:
    """The account that owns a key: Stripe's for a customer, the site's for users and lanes."""
    is_site = key in {INBOX_LANE, FORUM_LANE} or user_of_key(key) is not None
    return SITE if is_site else OWN


def is_key(key: str) -> ColumnElement[bool]:
    """SQL: the row of this key."""
    return and_(work.c.key == key, is_of(work, account_of(key)))


def mark_dirty(
    connection: Connection,
    key: str,
    *,
    now: datetime,
    due_at: datetime,
    cause: str,
    needs: Iterable[str] = (),
) -> None:
    """Raise the generation of a key. A key that is already dirty keeps the earlier due time.

    `needs`: what to read again, besides what waiting events ask for: read (subscriptions),
    purchases, money. Without any, the stored reading is decided again.
    """
    values: dict[str, Any] = {"b_now": now, "b_due_at": due_at, "b_cause": cause, **_bound(key)}
    user_id = user_of_key(key)
    is_user = user_id is not None
    if is_user:
        values["b_user_id"] = user_id
    statement = _marking(connection.dialect.name, is_user=is_user, needs=tuple(sorted(needs)))
    connection.execute(statement, values)


@cache
def _marking(
    dialect: str, *, is_user: bool, needs: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    """The statement, made once: making it anew took a third of accepting a webhook."""
    key: BindParameter[str] = bindparam("b_key")
    cause: BindParameter[str] = bindparam("b_cause")
    now, due_at = bindparam("b_now", type_=UtcTime()), bindparam("b_due_at", type_=UtcTime())
    mine = (customers.c.customer_id == key, is_own(customers))
    owner = select(customers.c.user_id).where(*mine).scalar_subquery()
    clean = work.c.dirty_gen == work.c.done_gen
    all_needs: ColumnElement[str] = work.c.needs
    for need in needs:
        all_needs = all_needs + case((work.c.needs.contains(need), ""), else_=f" {need}")
    statement = INSERTS[dialect](work).values(
        key=key,
        provider=bindparam("b_provider"),
        account=bindparam("b_account"),
        user_id=bindparam("b_user_id") if is_user else owner,
        dirty_gen=1,
        done_gen=0,
        dirty_at=now,
        next_at=due_at,
        attempts=0,
        needs=" ".join(needs),
        cause=cause,
    )
    return statement.on_conflict_do_update(
        index_elements=[work.c.key, work.c.provider, work.c.account],
        set_={
            # A link made while this key was first stored was not visible then.
            "user_id": func.coalesce(work.c.user_id, statement.excluded.user_id),
            "dirty_gen": work.c.dirty_gen + 1,
            "dirty_at": case((clean, now), else_=work.c.dirty_at),
            "next_at": case(
                (clean, due_at), (work.c.next_at > due_at, due_at), else_=work.c.next_at
            ),
            "needs": case((clean, " ".join(needs)), else_=all_needs),
            "attempts": case((clean, 0), else_=work.c.attempts),
            "cause": cause,
        },
    )


@dataclass(frozen=True, slots=True)
class Dirty:
    """A key with its generation, which is read before anything else."""

    key: str
    generation: int
    needs: frozenset[str]
    cause: str | None
    next_at: datetime


def dirty(connection: Connection, key: str, user_id: int | None) -> tuple[Dirty, ...]:
    """Read the generations of a key, or of all dirty keys of its user."""
    return tuple(
        Dirty(row.key, row.dirty_gen, frozenset(row.needs.split()), row.cause, row.next_at)
        for row in connection.execute(_DIRTY, {**_bound(key), "b_user": user_id})
    )


def _bound(key: str) -> dict[str, str]:
    provider, account = account_of(key)
    return {"b_key": key, "b_provider": provider, "b_account": account}


_IS_KEY = and_(
    work.c.key == bindparam("b_key"),
    work.c.provider == bindparam("b_provider"),
    work.c.account == bindparam("b_account"),
)
_DIRTY = (
    select(work)
    .where(
        or_(_IS_KEY, and_(work.c.user_id == bindparam("b_user"), is_ours(work))),
        work.c.dirty_gen > work.c.done_gen,
    )
    .order_by(work.c.key)
)
_DONE = (
    update(work)
    .where(_IS_KEY, work.c.done_gen < bindparam("b_generation"))
    .values(
        done_gen=bindparam("b_generation"),
        attempts=0,
        error=None,
        needs=case((work.c.dirty_gen == bindparam("b_generation"), ""), else_=work.c.needs),
    )
)


def mark_done(
    connection: Connection, seen: Iterable[Dirty], *, timer: tuple[str, datetime | None] | None
) -> None:
    """Record the generations that were worked on, and when the clock alone makes the key due."""
    for dirty in seen:
        connection.execute(_DONE, {**_bound(dirty.key), "b_generation": dirty.generation})
    if timer:
        key, at = timer
        changed = connection.execute(update(work).where(is_key(key)).values(timer_at=at))
        if not changed.rowcount and at is not None:
            connection.execute(
                insert_for(connection)(work)
                .values(
                    key=key,
                    **columns(account_of(key)),
                    user_id=int(key.removeprefix("user:")),
                    dirty_gen=0,
                    done_gen=0,
                    next_at=at,
                    timer_at=at,
                    attempts=0,
                    needs="",
                )
                .on_conflict_do_nothing()
            )


def put_off(
    connection: Connection, keys: Sequence[str], *, error: str, next_at: Mapping[str, datetime]
) -> None:
    """Record a failure: the keys stay dirty and are tried again later."""
    for key in keys:
        connection.execute(
            update(work)
            .where(is_key(key))
            .values(attempts=work.c.attempts + 1, error=error[:500], next_at=next_at[key])
        )


def rest(connection: Connection, key: str, until: datetime) -> None:
    """Postpone a dirty key that did not fail."""
    connection.execute(update(work).where(is_key(key)).values(next_at=until))


def attempts_of(connection: Connection, key: str) -> int:
    """How often the key has failed since its last success."""
    return connection.scalar(select(work.c.attempts).where(is_key(key))) or 0


class Due(NamedTuple):
    """A due key, its generation, and since when it has been dirty."""

    key: str
    dirty_gen: int
    dirty_at: datetime


def due_keys(connection: Connection, now: datetime, limit: int) -> list[Due]:
    """The due keys, the longest waiting first."""
    rows = connection.execute(_DUE, {"b_now": now, "b_limit": limit})
    return [Due(*row) for row in rows]


_DUE = (  # asked every second, as _RINGING
    select(work.c.key, work.c.dirty_gen, work.c.dirty_at)
    .where(is_ours(work), work.c.dirty_gen > work.c.done_gen, work.c.next_at <= bindparam("b_now"))
    .order_by(work.c.next_at)
    .limit(bindparam("b_limit"))
)


def ring_timers(connection: Connection, now: datetime, limit: int = 500) -> int:
    """Mark users dirty whom only the clock changes, because a grace period or a term ends.

    Everything is read, because the second reading before a removal must be complete.
    """
    keys = connection.scalars(_RINGING, {"b_now": now, "b_limit": limit}).all()
    for key in keys:
        mark_dirty(connection, key, now=now, due_at=now, cause="clock", needs=EVERYTHING)
        connection.execute(update(work).where(is_key(key)).values(timer_at=None))
    return len(keys)


_RINGING = (
    select(work.c.key)
    .where(is_ours(work), work.c.timer_at <= bindparam("b_now"))
    .order_by(work.c.timer_at)
    .limit(bindparam("b_limit"))
)


def is_user_dirty(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """SQL: something about the user is still to be decided."""
    return exists().where(
        is_ours(work), work.c.user_id == user_id, work.c.dirty_gen > work.c.done_gen
    )


def oldest_dirty_seconds(connection: Connection, now: datetime) -> float:
    """How long the longest waiting change has waited: the first figure to watch."""
    oldest = connection.scalar(
        select(func.min(work.c.dirty_at)).where(is_ours(work), work.c.dirty_gen > work.c.done_gen)
    )
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when something is dirty, and what its last attempt failed with."""

    since_at: datetime
    error: str | None


def waiting_of(connection: Connection, user_id: int) -> Waiting | None:
    """A user's key that waits for a decision; None if none does."""
    row = connection.execute(
        select(work.c.dirty_at, work.c.error).where(
            is_ours(work), work.c.user_id == user_id, work.c.dirty_gen > work.c.done_gen
        )
    ).first()
    return Waiting(row.dirty_at, row.error) if row else None
