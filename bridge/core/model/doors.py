"""Tables of who may use which address, for the console, the API and members' pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Door:
    """An address as the docs write it, how it is requested, and who passes.

    `endpoint`, `act`: its names in the application. `needs`: the required right, or a word for
    addresses that need none. `passes`: which of the table's people or scopes pass.
    """

    address: str
    methods: tuple[str, ...]
    endpoint: str
    act: str | None
    needs: str
    passes: frozenset[str]


def rows(doors: Iterable[Door], heads: Sequence[str]) -> Iterator[str]:
    """The table in Markdown, line by line, with a column for each kind of people."""
    yield f"| address | asked by | needs | {' | '.join(heads)} |"
    yield "|---" * (3 + len(heads)) + "|"
    for one in doors:
        cells = " | ".join("yes" if head in one.passes else "no" for head in heads)
        yield f"| `{one.address}` | {', '.join(one.methods)} | {one.needs} | {cells} |"
