"""Customers at Stripe whom nobody is linked to: shown to operators, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from bridge.store.schema import customers, subscriptions


@dataclass(frozen=True, slots=True)
class Orphan:
    """A customer without a user, and how many subscriptions were ever read for them."""

    customer_id: str
    first_seen_at: datetime
    subscriptions: int


def orphans(connection: Connection) -> list[Orphan]:
    """All of them that still exist at Stripe, the longest known first."""
    count = (
        select(func.count())
        .where(subscriptions.c.customer_id == customers.c.customer_id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(customers.c.customer_id, customers.c.first_seen_at, count.label("subscriptions"))
        .where(customers.c.user_id.is_(None), customers.c.deleted_at.is_(None))
        .order_by(customers.c.first_seen_at, customers.c.customer_id)
    )
    return [Orphan(row.customer_id, row.first_seen_at, row.subscriptions) for row in rows]
