"""What was paid in several tabs, kept so that a moderator is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from bridge.core.rights.switching import Ending
from bridge.core.telling.alerts import Finding, Kind
from bridge.store.changes import log
from bridge.store.naming import Names
from bridge.store.schema.buying import double_payments
from bridge.store.schema.people import users

# Long enough to be read, and then it is history.
TOLD_FOR = timedelta(days=7)


def note(connection: Connection, user_id: int, ending: Ending, now: datetime) -> None:
    """Keep it once, however often it is looked at until it has ended."""
    doubled, kept = ending.subscription_id, ending.replaced_by
    row = double_payments.c
    if connection.execute(select(row.user_id).where(row.subscription_id == doubled)).first():
        return
    connection.execute(
        insert(double_payments).values(
            subscription_id=doubled, kept_id=kept, user_id=user_id, found_at=now
        )
    )
    log(connection, "paid_twice", now=now, user_id=user_id, cause=kept, outcome=doubled)


def findings(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Each that was found lately."""
    rows = connection.execute(
        select(double_payments, users.c.username)
        .join(users, users.c.user_id == double_payments.c.user_id, isouter=True)
        .where(double_payments.c.found_at > now - TOLD_FOR)
        .order_by(double_payments.c.found_at, double_payments.c.subscription_id)
    )
    names = Names(connection)
    for row in rows:
        facts = {
            "user": row.username or f"user {row.user_id}",
            "user_id": row.user_id,
            "ended": names.objects([row.subscription_id]),
            "kept": names.objects([row.kept_id]),
        }
        yield Finding(Kind.PAID_TWICE, row.subscription_id, row.found_at, facts)
