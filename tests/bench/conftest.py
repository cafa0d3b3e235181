"""Prints the measurements at the end, and last of all compares them with their budgets."""

from tests.bench.report import print_tables
from tests.databases import database_url, postgresql_server, postgresql_tables, postgresql_url

__all__ = ["database_url", "postgresql_server", "postgresql_tables", "postgresql_url"]


def pytest_terminal_summary() -> None:
    """Print the tables when everything else is printed: until then logs would lie between them."""
    print_tables()
