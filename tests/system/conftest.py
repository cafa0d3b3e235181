"""Databases of both kinds and the bridge's pages, for the tests that ask for them."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.databases import (
    database_url,
    empty_database_url,
    postgresql_server,
    postgresql_tables,
    postgresql_url,
)
from tests.harness import System
from tests.system.acts import app_of

__all__ = [
    "database_url",
    "empty_database_url",
    "postgresql_server",
    "postgresql_tables",
    "postgresql_url",
]


@pytest.fixture(scope="module")
def app(world: System) -> Flask:
    """The pages of a module's world; their forms need no token."""
    return app_of(world)
