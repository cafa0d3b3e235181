"""The forum's accounts as last seen."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from bridge.store.schema import users


def username_of(connection: Connection, user_id: int) -> str | None:
    """The name that the forum last called a user by."""
    return connection.scalar(select(users.c.username).where(users.c.user_id == user_id))


def state_of(connection: Connection, user_id: int) -> str | None:
    """Whether the account is active, suspended or gone; None for a user never seen."""
    return connection.scalar(select(users.c.state).where(users.c.user_id == user_id))


def names_of(connection: Connection, user_ids: Collection[int]) -> dict[int, str | None]:
    """User id -> the name that the forum last called them by."""
    rows = connection.execute(
        select(users.c.user_id, users.c.username).where(users.c.user_id.in_(user_ids))
    )
    return {row.user_id: row.username for row in rows}
