"""Terms that follow each other, counted by the calendar from where the first of them began."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.core.rules.values import Term


@dataclass(frozen=True, slots=True)
class Series:
    """Terms without a gap between them. Months keep the day of `counts_from_at` (A109).

    Three months from 31 January end on 30 April: February cuts its own end short and no other.
    """

    counts_from_at: datetime
    end_at: datetime


def follow(before: Series | None, term: Term, paid_at: datetime) -> Series:
    """`before` with one more term, which begins at its end, or at the payment after a gap."""
    if before is None or paid_at > before.end_at:
        before = Series(paid_at, paid_at)
    end_at = term.end(before.end_at, before.counts_from_at.day)
    return Series(before.counts_from_at if term.months else end_at, end_at)


def of_stays(stays: Iterable[tuple[datetime, datetime]]) -> Series | None:
    """The last series among stays with a known beginning and end but unknown terms."""
    last: Series | None = None
    for from_at, until_at in sorted(stays):
        if last is None or from_at > last.end_at:
            last = Series(from_at, from_at)
        if until_at > last.end_at:
            kept = until_at.day == _day_in(until_at, last.counts_from_at.day)
            last = Series(last.counts_from_at if kept else until_at, until_at)
    return last


def _day_in(month_of: datetime, day: int) -> int:
    return min(day, calendar.monthrange(month_of.year, month_of.month)[1])
