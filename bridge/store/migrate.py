"""Updates the database to the schema of this version, one process at a time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bridge.store import state as small
from bridge.store.engine import Store
from bridge.store.statements import STARTED_AT

SCRIPTS = Path(__file__).parent / "migrations"
# Any number will do, as long as every version of the bridge takes the same.
POSTGRESQL_LOCK = 7_318_264_501


def upgrade(store: Store, now: datetime, revision: str = "head") -> None:
    """Migrate to this version; a second process waits and finds nothing to do."""
    with store.write() as connection:
        _alone(connection, store)
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(_config(connection), revision)
        if before not in (None, newest()):
            gather_statistics(connection)
        if revision == "head" and small.get_time(connection, STARTED_AT) is None:
            # In whole seconds, as Stripe's times are: a payment of this very second counts.
            small.put_time(connection, STARTED_AT, now.replace(microsecond=0))


def gather_statistics(connection: Connection) -> None:
    """Have PostgreSQL look at all tables now, for new indexes and after rows came in bulk.

    Later its autovacuum does. SQLite never does: what is asked of it often needs no statistics.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


def newest() -> str:
    """The revision of this version."""
    return str(ScriptDirectory(str(SCRIPTS)).get_current_head())


def downgrade(store: Store, revision: str) -> None:
    """Migrate to an earlier revision."""
    with store.write() as connection:
        _alone(connection, store)
        command.downgrade(_config(connection), revision)


def state(store: Store) -> Literal["current", "older", "empty", "newer"]:
    """How the database's schema compares to this version's; unknown: a later version used it."""
    with store.read() as connection:
        have = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory(str(SCRIPTS))
    if have is None:
        return "empty"
    if have == scripts.get_current_head():
        return "current"
    known = {script.revision for script in scripts.walk_revisions()}
    return "older" if have in known else "newer"


def _alone(connection: Connection, store: Store) -> None:
    if not store.is_sqlite:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRESQL_LOCK})"))


def _config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config
