"""Paid orders that were made without the bridge, and the member who claimed each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select, update

from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.schema.buying import claim_requests, claims


@dataclass(frozen=True, slots=True)
class Asked:
    """A member asks for an order that is not sold to them. `country`: it is not sold there."""

    session_id: str
    user_id: int
    at: datetime
    country: str | None


def _is(session_id: str) -> ColumnElement[bool]:
    return and_(claims.c.session_id == session_id, is_own(claims))


def see(connection: Connection, session_id: str, customer_id: str, now: datetime) -> None:
    """Remember which order the customer paid, so that a link to claim it can be sent."""
    connection.execute(
        insert_for(connection)(claims)
        .values(session_id=session_id, customer_id=customer_id, seen_at=now)
        .on_conflict_do_nothing()
    )


def use(
    connection: Connection, session_id: str, customer_id: str, user_id: int, now: datetime
) -> bool:
    """Use the claim; False if it was used before. A single statement decides who was first."""
    see(connection, session_id, customer_id, now)
    done = connection.execute(
        update(claims)
        .where(_is(session_id), claims.c.claimed_at.is_(None))
        .values(user_id=user_id, claimed_at=now)
    )
    return done.rowcount == 1


def ask(connection: Connection, customer_id: str, asked: Asked) -> bool:
    """Record that a member asks for an order, beside others who do; False if it was claimed."""
    see(connection, asked.session_id, customer_id, asked.at)
    if is_used(connection, asked.session_id):
        return False
    connection.execute(
        insert_for(connection)(claim_requests)
        .values(
            session_id=asked.session_id,
            user_id=asked.user_id,
            at=asked.at,
            country=asked.country,
        )
        .on_conflict_do_nothing()
    )
    return True


def is_used(connection: Connection, session_id: str) -> bool:
    """Whether somebody has claimed it."""
    asked = select(claims.c.claimed_at).where(_is(session_id))
    return connection.scalar(asked) is not None


def unclaimed(connection: Connection) -> dict[str, tuple[str, datetime]]:
    """Customer -> the newest order of theirs that nobody has claimed, and when it was seen."""
    rows = connection.execute(
        select(claims.c.customer_id, claims.c.session_id, claims.c.seen_at)
        .where(is_own(claims), claims.c.claimed_at.is_(None))
        .order_by(claims.c.seen_at)
    )
    return {row.customer_id: (row.session_id, row.seen_at) for row in rows}


def request_of(connection: Connection, session_id: str, user_id: int | None) -> Asked | None:
    """What this member asked moderators for; strangers ask for nothing."""
    of = claim_requests.c
    row = connection.execute(
        select(claim_requests).where(
            of.session_id == session_id, of.user_id == user_id, is_own(claim_requests)
        )
    ).one_or_none()
    return Asked(row.session_id, row.user_id, row.at, row.country) if row else None


def asked(connection: Connection) -> dict[str, tuple[Asked, ...]]:
    """Customer -> who asks for an order of theirs that nobody has claimed, the first one first."""
    of = claim_requests.c
    rows = connection.execute(
        select(claims.c.customer_id, of.session_id, of.user_id, of.at, of.country)
        .join(claims, and_(claims.c.session_id == of.session_id, is_own(claims)))
        .where(is_own(claim_requests), claims.c.claimed_at.is_(None))
        .order_by(of.at, of.user_id)
    )
    found: dict[str, tuple[Asked, ...]] = {}
    for customer_id, *one in rows:
        found[customer_id] = (*found.get(customer_id, ()), Asked(*one))
    return found
