"""INSERT with ON CONFLICT, which SQLAlchemy has separately for each kind of database."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

INSERTS: dict[str, type[sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.Insert,
    "postgresql": postgresql.Insert,
}


def insert_for(connection: Connection) -> type[sqlite.Insert | postgresql.Insert]:
    """The dialect's INSERT, for its ON CONFLICT."""
    return INSERTS[connection.dialect.name]
