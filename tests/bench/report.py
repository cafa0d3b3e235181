"""The results of every measurement for the end of the run: a table, and budgets."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """Something measured that has a budget: at most so much, or at least."""

    what: str
    measured: float
    budget: float
    unit: str
    is_floor: bool

    @property
    def is_kept(self) -> bool:
        """Whether it is within its budget."""
        if self.is_floor:
            return self.measured >= self.budget
        return self.measured <= self.budget


# Of this run; conftest.py prints them at its end.
TABLES: list[Table] = []
FIGURES: list[Figure] = []


def at_most(what: str, measured: float, budget: float, unit: str) -> None:
    """Note a figure for the last table: it should not be above its budget."""
    FIGURES.append(Figure(what, measured, budget, unit, is_floor=False))


def at_least(what: str, measured: float, budget: float, unit: str) -> None:
    """Note a figure for the last table: it should not be below its budget."""
    FIGURES.append(Figure(what, measured, budget, unit, is_floor=True))


def print_tables() -> None:
    """Print the tables of this run and, in the last one, how each figure stands to its budget."""
    rows = [
        (
            one.what,
            f"{one.measured:,.4g} {one.unit}",
            f"{'≥' if one.is_floor else '≤'} {one.budget:,g} {one.unit}",
            f"{one.measured / one.budget:.0%}",
            "kept" if one.is_kept else "MISSED",
        )
        for one in FIGURES
    ]
    if rows:
        show("Budgets", ("what", "measured", "budget", "of it", ""), rows)
    for table in TABLES:
        Console(width=120).print(table)


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile of the values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def machine() -> str:
    """The machine in a line, and how busy it is."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name")]
    pages = Path("/proc/meminfo").read_text().split()[1]
    busy = Path("/proc/loadavg").read_text().split()[0]
    return (
        f"{len(names)} x {names[0] if names else platform.machine()}, "
        f"{int(pages) / 1024 / 1024:.0f} GiB, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}, load average {busy}"
    )


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Keep a table, with the machine as it is now, for the end of the run."""
    table = Table(title=title, caption=machine(), title_justify="left", caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in row))
    TABLES.append(table)
