"""What is paid twice: in several tabs, which a moderator is told, or for as long as it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select

from bridge.core.model.alerts import Finding, Kind
from bridge.core.rights.double_payments import Twice
from bridge.core.rights.switching import Ending
from bridge.core.telling.words import named
from bridge.store.changes import log
from bridge.store.inserts import insert_for
from bridge.store.naming import Names
from bridge.store.schema.buying import double_payments
from bridge.store.schema.people import users

D = double_payments.c
# Long enough to be read, and then it is history.
TOLD_FOR = timedelta(days=7)


def note(connection: Connection, user_id: int, ending: Ending, now: datetime) -> None:
    """Store it once, however often it is seen until it has ended."""
    doubled, kept = ending.subscription_id, ending.replaced_by
    values = {"kept_id": kept, "user_id": user_id, "found_at": now, "goes_on": False}
    done = connection.execute(
        insert_for(connection)(double_payments)
        .values(subscription_id=doubled, **values)
        .on_conflict_do_update(
            index_elements=[D.subscription_id], set_=values, where=D.goes_on.is_(True)
        )
    )
    if done.rowcount:
        log(connection, "paid_twice", now=now, user_id=user_id, cause=kept, outcome=doubled)


def keep(connection: Connection, user_id: int, found: Iterable[Twice], now: datetime) -> None:
    """Keep what a user still pays for twice, and forget what they no longer do."""
    mine = and_(D.user_id == user_id, D.goes_on.is_(True))
    rows = connection.execute(select(D.subscription_id, D.kept_id).where(mine))
    known = {row.subscription_id: row.kept_id for row in rows}
    wanted = {one.subscription_id: one.kept_id for one in found}
    if over := [id_ for id_, kept in known.items() if wanted.get(id_) != kept]:
        connection.execute(delete(double_payments).where(mine, D.subscription_id.in_(over)))
    for id_, kept in wanted.items():
        if known.get(id_) != kept:
            row = {"kept_id": kept, "user_id": user_id, "found_at": now, "goes_on": True}
            connection.execute(
                insert_for(connection)(double_payments)
                .values(subscription_id=id_, **row)
                .on_conflict_do_nothing()
            )


def findings(connection: Connection, now: datetime) -> Iterator[Finding]:
    """What was paid in several tabs lately."""
    rows = connection.execute(
        select(double_payments, users.c.username)
        .join(users, users.c.user_id == D.user_id, isouter=True)
        .where(D.found_at > now - TOLD_FOR, D.goes_on.is_(False))
        .order_by(D.found_at, D.subscription_id)
    )
    names = Names(connection)
    for row in rows:
        facts = {
            "user": named(row.user_id, row.username),
            "user_id": row.user_id,
            "ended": names.objects([row.subscription_id]),
            "kept": names.objects([row.kept_id]),
        }
        yield Finding(Kind.PAID_TWICE, row.subscription_id, row.found_at, facts)
