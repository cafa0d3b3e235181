"""Databases of both kinds, and the real processes on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import database_url, postgresql_server, postgresql_tables, postgresql_url
from tests.harness import System, system
from tests.processes import Live, live

__all__ = [
    "database_url",
    "on_both",
    "postgresql_server",
    "postgresql_tables",
    "postgresql_url",
    "processes",
    "world",
    "world_on_both",
]

QUICK = """
[site]
removal_confirm_seconds = 10
statement_quiet_seconds = 5
statement_renewal_seconds = 5
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Live]:
    """Nothing runs yet but the sandbox; the database is SQLite."""
    with live(tmp_path, config=QUICK) as it:
        yield it


@pytest.fixture
def on_both(tmp_path: Path, database_url: str) -> Iterator[Live]:
    """The same on SQLite and on PostgreSQL."""
    with live(tmp_path, config=QUICK, database_url=database_url) as it:
        yield it


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    """A bridge in this process, whose work the test does step by step."""
    with system(tmp_path) as it:
        yield it


@pytest.fixture
def world_on_both(tmp_path: Path, database_url: str) -> Iterator[System]:
    """The same on SQLite and on PostgreSQL."""
    with system(tmp_path, database_url=database_url) as it:
        yield it
