"""The tables of docs/addresses.md: each address, and what each kind of visitor gets there.

Every row is walked by a test, and a route that is in no row fails one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "addresses.md"
TITLES = ("Members and strangers", "Moderators", "Machines")


@dataclass(frozen=True)
class Row:
    """The row of one address. `gets`: visitor -> one of the words that the page explains."""

    method: str
    rule: str
    gets: dict[str, str]


def table(title: str) -> list[Row]:
    """The rows below a heading whose first cell is an address, such as `GET /me`."""
    _, _, below = PAGE.read_text().partition(f"\n## {title}\n")
    section = below.partition("\n## ")[0]
    lines = [line.strip("| ").split("|") for line in section.splitlines() if line[:2] == "| "]
    (_, *visitors), *rows = ([cell.strip() for cell in line] for line in lines)
    found = []
    for first, *words in rows:
        method, _, rule = first.strip("`").partition(" ")
        found.append(Row(method, rule, dict(zip(visitors, words, strict=True))))
    return found
