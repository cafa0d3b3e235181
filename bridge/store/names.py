"""Who has a name, as the forum last said: people change names, and others can take them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from bridge.core.model.people import fold
from bridge.store.inserts import insert_for
from bridge.store.schema.people import names, users

N = names.c
KEEP_NOBODYS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who had a name when the forum was last asked; without a user: nobody."""

    user_id: int | None
    said_at: datetime


def heard(connection: Connection, user_id: int, username: str, now: datetime) -> None:
    """Record a user's name on the forum; from now on, nobody has their previous name."""
    folded = fold(username)
    connection.execute(delete(names).where(N.user_id == user_id, N.folded != folded))
    _save(connection, folded, user_id, now)


def heard_of_name(
    connection: Connection, name: str, user_id: int | None, username: str | None, now: datetime
) -> None:
    """Record who has a name, or that nobody has it, when the forum was asked about it."""
    if user_id is None or username is None:
        connection.execute(delete(names).where(N.user_id.is_(None), N.said_at < now - KEEP_NOBODYS))
        _save(connection, fold(name), None, now)
        return
    heard(connection, user_id, username, now)
    connection.execute(update(users).where(users.c.user_id == user_id).values(username=username))


def owner_of(connection: Connection, name: str) -> Owner | None:
    """Who has a name; None if the forum never said, or its owner has since been renamed."""
    row = connection.execute(select(names).where(N.folded == fold(name))).one_or_none()
    return None if row is None else Owner(row.user_id, row.said_at)


def owners_of(connection: Connection, some: Collection[str]) -> list[int]:
    """Users last seen with one of these names; some may have been renamed since."""
    folded = {fold(name) for name in some}
    asked = select(N.user_id).where(N.folded.in_(folded), N.user_id.is_not(None))
    return list(connection.scalars(asked.order_by(N.user_id)))


def _save(connection: Connection, folded: str, user_id: int | None, now: datetime) -> None:
    values = {"user_id": user_id, "said_at": now}
    connection.execute(
        insert_for(connection)(names)
        .values(folded=folded, **values)
        .on_conflict_do_update(index_elements=[N.folded], set_=values)
    )
