"""Tables of who may use which address, for the console, the API and members' pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Door:
    """An address as it is written in docs, how it is asked for, and who passes.

    `endpoint`, `act`: how the application knows it. `needs`: the right that it takes, or a word for
    whoever needs none. `passes`: of the people or scopes that head the table.
    """

    address: str
    methods: tuple[str, ...]
    endpoint: str
    act: str | None
    needs: str
    passes: frozenset[str]


def rows(doors: Iterable[Door], heads: Sequence[str]) -> Iterator[str]:
    """The table in Markdown, a line at a time: who is at the head of a column, passes or not."""
    yield f"| address | asked by | needs | {' | '.join(heads)} |"
    yield "|---" * (3 + len(heads)) + "|"
    for one in doors:
        cells = " | ".join("yes" if head in one.passes else "no" for head in heads)
        yield f"| `{one.address}` | {', '.join(one.methods)} | {one.needs} | {cells} |"
