"""Databases of both kinds for the tests that ask for them."""

from __future__ import annotations

from tests.databases import (
    database_url,
    empty_database_url,
    postgresql_server,
    postgresql_tables,
    postgresql_url,
)

__all__ = [
    "database_url",
    "empty_database_url",
    "postgresql_server",
    "postgresql_tables",
    "postgresql_url",
]
