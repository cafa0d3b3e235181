"""The last table of a measurement: how each figure stands to its budget."""

from tests.bench.report import FIGURES, show_budgets


def pytest_terminal_summary() -> None:
    """Print it when all else is said."""
    if FIGURES:
        show_budgets()
