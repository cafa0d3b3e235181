"""Leases: who may work on something until when, and who may no longer write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from bridge.clock import Clock
from bridge.store.engine import Store
from bridge.store.inserts import INSERTS
from bridge.store.schema.columns import UtcTime
from bridge.store.schema.work import leases

LEASE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on something until a time; void once another token is issued."""

    name: str
    owner: str
    token: int
    seconds: int = LEASE_SECONDS


class LeaseLost(Exception):
    """Somebody else holds it now: write nothing."""


def claim(
    connection: Connection, name: str, owner: str, now: datetime, seconds: int = LEASE_SECONDS
) -> Lease | None:
    """Take a lease that is free or has run out; None while another holds it."""
    token = connection.scalar(
        _claiming(connection.dialect.name),
        {"b_name": name, "b_owner": owner, "b_now": now, "b_until": _until(now, seconds)},
    )
    return None if token is None else Lease(name, owner, token, seconds)


def owner_of(connection: Connection, name: str) -> str | None:
    """Who holds a lease, perhaps one that has run out; None if nobody does."""
    return connection.scalar(select(leases.c.owner).where(leases.c.name == name)) or None


def check(connection: Connection, lease: Lease, now: datetime) -> None:
    """Raise LeaseLost unless the lease is still ours; prolong it. In the writing transaction."""
    mine = {"b_name": lease.name, "b_token": lease.token, "b_owner": lease.owner}
    kept = connection.execute(_KEEPING, {**mine, "b_until": _until(now, lease.seconds)})
    if not kept.rowcount:
        raise LeaseLost(lease.name)


def release(connection: Connection, lease: Lease, now: datetime) -> None:
    """Release it, unless somebody else already has it."""
    mine = {"b_name": lease.name, "b_token": lease.token}
    connection.execute(_RELEASING, {**mine, "b_until": now})


def _until(now: datetime, seconds: int) -> datetime:
    return now + timedelta(seconds=seconds)


# Made once: every step of all work takes a lease and gives it back.


@cache
def _claiming(dialect: str) -> ReturningInsert[int]:
    now, until = bindparam("b_now", type_=UtcTime()), bindparam("b_until", type_=UtcTime())
    new = INSERTS[dialect](leases).values(
        name=bindparam("b_name"), owner=bindparam("b_owner"), token=1, until_at=until
    )
    return new.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"owner": new.excluded.owner, "token": leases.c.token + 1, "until_at": until},
        where=or_(leases.c.until_at <= now, leases.c.owner == ""),
    ).returning(leases.c.token)


_MINE = (leases.c.name == bindparam("b_name"), leases.c.token == bindparam("b_token"))
_KEEPING = (
    update(leases)
    .where(*_MINE, leases.c.owner == bindparam("b_owner"))
    .values(until_at=bindparam("b_until"))
)
_RELEASING = update(leases).where(*_MINE).values(owner="", until_at=bindparam("b_until"))


@contextmanager
def holding(
    store: Store, clock: Clock, name: str, owner: str, seconds: int = LEASE_SECONDS
) -> Iterator[Lease | None]:
    """Hold a lease for a block; None when another has it. Errors release it too."""
    with store.write() as connection:
        lease = claim(connection, name, owner, clock.now(), seconds)
    try:
        yield lease
    finally:
        if lease is not None:
            with store.write() as connection:
                release(connection, lease, clock.now())
