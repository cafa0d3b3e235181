"""Connections and transactions that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, InternalError, OperationalError

from bridge.errors import Config, Transient

BUSY_SECONDS = 10
SNAPSHOT = "REPEATABLE READ"
# An error's text is logged, and what was asked for may be an e-mail address.
QUIETLY = {"hide_parameters": True}
# PostgreSQL's word for "this server only reads", as after a failover, is an InternalError.
UNAVAILABLE = (OperationalError, InternalError)


class Store:
    """One database. `write` is a transaction that commits at its end; `read` is a snapshot.

    SQLite's writers queue up at a lock file, because its own busy handler is unfair: measured, the
    99th percentile of an accepted webhook is three times better this way.
    """

    def __init__(self, database_url: str) -> None:
        self.url = make_url(database_url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)
        self._turn = threading.Lock()
        self._lock_file: IO[str] | None = None
        if self.is_sqlite and self.url.database:
            self._lock_file = _open_beside(Path(self.url.database))

    @cached_property
    def _snapshots(self) -> Engine:
        """What `read` connects through, with the options that the engine has at first use."""
        if self.is_sqlite:
            return self.engine
        # By default each statement would see another moment.
        return self.engine.execution_options(isolation_level=SNAPSHOT)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a writing transaction; raises Transient when the database cannot be written."""
        try:
            with self._my_turn(), self.engine.begin() as connection:
                if self.is_sqlite:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        except DatabaseError as error:
            if not _is_unavailable(error):
                raise
            raise _unavailable(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a reading transaction."""
        try:
            with self._snapshots.connect() as connection:
                if self.is_sqlite:  # BEGIN IMMEDIATE would queue readers behind writers
                    connection.exec_driver_sql("BEGIN")
                yield connection
        except DatabaseError as error:
            if not _is_unavailable(error):
                raise
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if self._lock_file:
            self._lock_file.close()

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if self._lock_file is None:
            yield
            return
        # Everybody who waited in vain would make the next one wait in vain: all give up together.
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise Transient(
                f"other processes kept the database busy for {BUSY_SECONDS} s; try again"
            )
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)
        finally:
            self._turn.release()


def _open_beside(database: Path) -> IO[str]:
    """The lock file in the database's directory, which is created if it is missing."""
    try:
        # Its files show who pays for what.
        database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its other files the mode of the first one.
        lock = Path(f"{database}.lock")
        for file in (database, lock):
            if not file.exists():
                file.touch(mode=0o600)
        return lock.open("w")
    except OSError as error:
        raise Config(
            "B120",
            f"the database {database} cannot be written ({error.strerror}).",
            "Check DATABASE_URL and BRIDGE_DATA, the disk, and the permissions of the directory.",
        ) from error


def _is_unavailable(error: DatabaseError) -> bool:
    """The database's state and not the statement; no database at all is of no kind of its own."""
    return isinstance(error, UNAVAILABLE) or type(error) is DatabaseError


def _unavailable(error: DatabaseError) -> Transient:
    said = (str(error.orig).splitlines() or [type(error.orig).__name__])[0]
    return Transient(f"the database cannot be used now ({said[:150]}); try again")


def _sqlite(url: Any) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_size=20,
        **QUIETLY,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own transactions would begin late and upgrade a read to a write.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a 200 to Stripe means: on the disk
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql(url: Any) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        **QUIETLY,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        # Without it SQLAlchemy says -1 after an INSERT here, so "was it new?" would always be yes.
        execution_options={"preserve_rowcount": True},
    )
