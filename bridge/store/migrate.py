"""Updates the database to the schema of this version, one process at a time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, inspect, text

from bridge.store import state as small
from bridge.store.engine import Store
from bridge.store.statements import STARTED_AT

SCRIPTS = Path(__file__).parent / "migrations"
# Any number, but the same in every version of the bridge.
POSTGRESQL_LOCK = 7_318_264_501


def upgrade(store: Store, now: datetime, revision: str = "head") -> None:
    """Migrate to this version; a second process waits and finds nothing to do."""
    with store.write() as connection:
        _alone(connection, store)
        before = _current(connection)
        if revision != "head" or before != newest():
            _run("upgrade", connection, revision)
        if before not in (None, newest()):
            gather_statistics(connection)
        if revision == "head" and small.get_time(connection, STARTED_AT) is None:
            # In whole seconds like Stripe's times, so that a payment of this second counts.
            small.put_time(connection, STARTED_AT, now.replace(microsecond=0))


def gather_statistics(connection: Connection) -> None:
    """Have PostgreSQL look at all tables now, for new indexes and after rows came in bulk.

    Later its autovacuum does. SQLite never does: what is asked of it often needs no statistics.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


def newest() -> str:
    """The revision of this version."""
    return max(revisions())


def downgrade(store: Store, revision: str) -> None:
    """Migrate to an earlier revision."""
    with store.write() as connection:
        _alone(connection, store)
        _run("downgrade", connection, revision)


def state(store: Store) -> Literal["current", "older", "empty", "newer"]:
    """How the database's schema compares to this version's; unknown: a later version used it."""
    with store.read() as connection:
        have = _current(connection)
    if have is None:
        return "empty"
    if have == newest():
        return "current"
    return "older" if have in revisions() else "newer"


def revisions() -> set[str]:
    """All that this version knows: each file's name begins with its number."""
    return {file.name.partition("_")[0] for file in (SCRIPTS / "versions").glob("[0-9]*.py")}


def _current(connection: Connection) -> str | None:
    """The database's revision; None where it has no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _alone(connection: Connection, store: Store) -> None:
    if not store.is_sqlite:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRESQL_LOCK})"))


def _run(what: Literal["upgrade", "downgrade"], connection: Connection, revision: str) -> None:
    # Loaded only where tables change: it would be a tenth of each start.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    getattr(command, what)(config, revision)
