"""Invitations to the forum for payers of unclaimed orders, and what became of them.

The payer's address is passed on to the forum and is not kept here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Select, and_, select, update

from bridge.store.inserts import insert_for
from bridge.store.orphans import WAITS
from bridge.store.own import is_own
from bridge.store.schema.buying import claims, invitations
from bridge.store.schema.people import customers

Outcome = Literal["sent", "refused", "claimed", "void"]


@dataclass(frozen=True, slots=True)
class Uninvited:
    """An unclaimed order whose payer was not invited yet."""

    session_id: str
    customer_id: str


def uninvited(
    connection: Connection, since: datetime, until: datetime, limit: int
) -> list[Uninvited]:
    """Orders of payers without a forum account, first seen between two moments."""
    of_customers = (
        select(claims.c.session_id, claims.c.customer_id, claims.c.seen_at)
        .join(
            customers,
            and_(customers.c.customer_id == claims.c.customer_id, is_own(customers)),
        )
        .where(*WAITS, is_own(claims), claims.c.claimed_at.is_(None))
        .where(claims.c.seen_at.between(since, until))
    )
    # A guest's order takes the place of a customer.
    of_guests = select(
        customers.c.customer_id.label("session_id"),
        customers.c.customer_id,
        customers.c.first_seen_at.label("seen_at"),
    ).where(*WAITS, customers.c.customer_id.startswith("cs_", autoescape=True))
    of_guests = of_guests.where(customers.c.first_seen_at.between(since, until))
    found = [*_new(connection, of_customers, limit), *_new(connection, of_guests, limit)]
    return found[:limit]


def _new(
    connection: Connection, orders: Select[tuple[str, str, datetime]], limit: int
) -> list[Uninvited]:
    order = orders.subquery()
    known = and_(invitations.c.session_id == order.c.session_id, is_own(invitations))
    rows = connection.execute(
        select(order.c.session_id, order.c.customer_id)
        .outerjoin(invitations, known)
        .where(invitations.c.session_id.is_(None))
        .order_by(order.c.seen_at, order.c.session_id)
        .limit(limit)
    )
    return [Uninvited(row.session_id, row.customer_id) for row in rows]


def note(
    connection: Connection,
    order: Uninvited,
    outcome: Outcome,
    now: datetime,
    invite_id: int | None = None,
) -> None:
    """Record that a payer was invited, or why not; once for each order."""
    connection.execute(
        insert_for(connection)(invitations)
        .values(
            session_id=order.session_id,
            customer_id=order.customer_id,
            at=now,
            invite_id=invite_id,
            outcome=outcome,
            ended_at=None if outcome == "sent" else now,
        )
        .on_conflict_do_nothing()
    )


def waiting(connection: Connection) -> dict[int, str]:
    """Invitation -> the order that belongs to the person who accepts it."""
    asked = select(invitations.c.invite_id, invitations.c.session_id).where(
        is_own(invitations), invitations.c.outcome == "sent"
    )
    return {row.invite_id: row.session_id for row in connection.execute(asked)}


def end(
    connection: Connection,
    session_ids: Collection[str],
    outcome: Outcome,
    now: datetime,
    user_id: int | None = None,
) -> None:
    """Record what became of invitations."""
    connection.execute(
        update(invitations)
        .where(is_own(invitations), invitations.c.session_id.in_(session_ids))
        .values(outcome=outcome, user_id=user_id, ended_at=now)
    )


def over(connection: Connection, before: datetime) -> list[str]:
    """Orders whose payer was invited before a moment and has not joined, or that were claimed."""
    claimed = select(claims.c.session_id).where(is_own(claims), claims.c.claimed_at.is_not(None))
    linked = select(customers.c.customer_id).where(
        is_own(customers), customers.c.user_id.is_not(None)
    )
    asked = select(invitations.c.session_id).where(
        is_own(invitations),
        invitations.c.outcome == "sent",
        (invitations.c.at < before)
        | invitations.c.session_id.in_(claimed)
        | invitations.c.customer_id.in_(linked),
    )
    return list(connection.scalars(asked))
