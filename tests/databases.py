"""A PostgreSQL server of the tests' own, and a fresh database of either kind for each test.

`from tests.databases import database_url, postgresql_server` in a conftest makes them fixtures.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bridge.store import Store, migrate

START_SECONDS = 30
# PostgreSQL refuses to run as root; this user comes with its packages.
SERVER_USER = "postgres"
# A test's database may be lost with the machine.
IN_A_HURRY = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=32MB",
    "jit=off",  # without statistics it expects large tables, and compiles for them
)


class _CompiledOnce(dict[Any, Any]):
    """The compiled statements of all databases of one kind."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        # A key begins with the engine's own dialect.
        super().__setitem__((type(key[0]), *key[1:]), compiled)


_COMPILED = _CompiledOnce()


def compile_once(store: Store) -> None:
    """Let a store share its compiled statements with all others of its kind.

    SQLAlchemy keeps them for each engine, and each world of the tests has an engine of its own:
    compiling the same statements again was a tenth of a run.
    """
    store.engine.update_execution_options(compiled_cache=_COMPILED)


@cache
def _empty() -> Path:
    """A SQLite file with this version's tables and nothing in them, made once a process."""
    file = Path(tempfile.mkdtemp(prefix="bridge-empty-")) / "empty.db"
    _make_tables(f"sqlite:///{file}")
    atexit.register(shutil.rmtree, file.parent)
    return file


def _make_tables(url: str) -> None:
    store = Store(url)
    # By its number, not as "head": the first start of the bridge is still to come.
    migrate.upgrade(store, datetime.now(UTC), migrate.newest())
    store.close()


def with_tables(file: Path) -> str:
    """The address of a new SQLite database that needs no migration any more."""
    shutil.copyfile(_empty(), file)
    return f"sqlite:///{file}"


def binaries() -> Path | None:
    """The newest server found on this machine."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda it: float(it.parent.name),
        reverse=True,
    )
    if found:
        return found[0]
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, without a database's name at its end."""
    programs = binaries()
    if programs is None:
        why = "no PostgreSQL server is installed (looked in /usr/lib/postgresql and on PATH)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    user = SERVER_USER if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="bridge-pg-"))
    try:
        if user:
            shutil.chown(home, user)
        data = home / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "bridge", "-A", "trust", "-N", "-E", "UTF8"],
            user=user,
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with _running(programs, home, data, user) as port:
            yield f"postgresql+psycopg://bridge@127.0.0.1:{port}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(programs: Path, home: Path, data: Path, user: str | None) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = [part for setting in IN_A_HURRY for part in ("-c", setting)]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-k", home, *options],
            user=user,
            cwd=home,
            stdout=log,
            stderr=log,
        )
    try:
        _await(process, port, home / "log")
        yield port
    finally:
        process.send_signal(signal.SIGINT)  # fast: it does not wait for clients
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=bridge dbname=postgres").close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return


@contextmanager
def fresh_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """An empty database or a copy of another, dropped at the end with all who are connected."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    where = server_url.replace("postgresql+psycopg://", "postgresql://") + "/postgres"
    names = sql.Identifier(name), sql.Identifier(template)
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        try:
            yield f"{server_url}/{name}"
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One server for all tests of a process; skips without PostgreSQL, fails so in CI."""
    with server() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with fresh_database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_tables(postgresql_server: str) -> Iterator[str]:
    """The name of a database with this version's tables, to be copied."""
    with fresh_database(postgresql_server) as url:
        _make_tables(url)
        yield url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind in turn, with this version's tables and nothing in them."""
    if request.param == "sqlite":
        yield with_tables(tmp_path / "bridge.sqlite3")
        return
    server_url: str = request.getfixturevalue("postgresql_server")
    with fresh_database(server_url, request.getfixturevalue("postgresql_tables")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind in turn, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bridge.sqlite3'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url
