"""The books for people: entries with notes, shares in issue, a page of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Generic, TypeVar, get_args

from bridge.core.ledger.line import RECEIVABLE, Line
from bridge.core.ledger.member_register import MemberEntry, State
from bridge.core.ledger.share_register import CLASSES, Holding, ShareClass

Row = TypeVar("Row")
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a line of the ledger. Notes are added, never edited."""

    line_id: str
    text: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotedLine:
    """A line with the notes on it, the oldest first."""

    line: Line
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """Lines that were booked together and sum to zero in each currency."""

    id: str
    at: datetime
    what: str
    lines: tuple[NotedLine, ...]


@dataclass(frozen=True, slots=True)
class InIssue:
    """How many shares of a class are in issue, and how many people hold them."""

    share_class: ShareClass
    shares: int
    holders: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows. `after`: the parameter for the next page; None on the last one."""

    rows: tuple[Row, ...]
    after: int | None


def entries(lines: Iterable[Line], notes: Iterable[Note]) -> tuple[Entry, ...]:
    """Lines grouped by their entry, in the order in which they come."""
    by_line: dict[str, list[Note]] = {}
    for note in notes:
        by_line.setdefault(note.line_id, []).append(note)
    found = []
    for entry_id, of_entry in groupby(lines, lambda line: line.entry_id):
        of = list(of_entry)
        sold = (one for one in of if one.kind in ("sale", "refund") and one.account != RECEIVABLE)
        told = next(sold, of[0])
        noted = tuple(NotedLine(one, tuple(by_line.get(one.id, ()))) for one in of)
        found.append(Entry(entry_id, of[0].at, told.what, noted))
    return tuple(found)


def in_issue(holdings: Iterable[Holding]) -> tuple[InIssue, ...]:
    """The shares held of each class; classes that were never issued are left out."""
    shares: dict[ShareClass, int] = {}
    holders: dict[ShareClass, set[str]] = {}
    for one in holdings:
        held = one.count if one.ended_at is None else 0
        shares[one.share_class] = shares.get(one.share_class, 0) + held
        holders.setdefault(one.share_class, set()).update({one.holder} if held else ())
    return tuple(
        InIssue(each, shares[each], len(holders[each]))
        for each in CLASSES.values()
        if each in shares
    )


def by_state(register: Iterable[MemberEntry]) -> Mapping[State, int]:
    """How many entries stand at each step."""
    counted = dict.fromkeys(STATES, 0)
    for entry in register:
        counted[entry.state] += 1
    return counted


def page_of(rows: Sequence[Row], after: int, size: int) -> Page[Row]:
    """The rows from a place on."""
    until = after + size
    return Page(tuple(rows[after:until]), until if until < len(rows) else None)
