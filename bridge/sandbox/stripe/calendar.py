"""Billing periods: Stripe's calendar arithmetic, anchored so that the 31st comes back."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta


def add_months(anchor: int, months: int, day: int | None = None) -> int:
    """The same day (or `day`) and time this many months later, or a shorter month's last day."""
    start = datetime.fromtimestamp(anchor, UTC)
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    day = min(day or start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def step(anchor: int, interval: str, count: int, day: int | None = None) -> int:
    """The anchor plus this many intervals; `day` is the wanted day of the month."""
    if interval == "month":
        return add_months(anchor, count, day)
    if interval == "year":
        return add_months(anchor, 12 * count, day)
    days = {"day": 1, "week": 7}[interval]
    return int((datetime.fromtimestamp(anchor, UTC) + timedelta(days=days * count)).timestamp())


def period_around(
    anchor: int, moment: int, interval: str, count: int, day: int | None = None
) -> tuple[int, int]:
    """The whole period on the grid of the anchor that begins at or before a moment.

    The grid also reaches back, for an anchor that lies in the future.
    """
    n = _guess(anchor, moment, interval, count)
    while step(anchor, interval, count * n, day) <= moment:
        n += 1
    while step(anchor, interval, count * (n - 1), day) > moment:
        n -= 1
    return step(anchor, interval, count * (n - 1), day), step(anchor, interval, count * n, day)


def day_aimed_at(anchor: int, wanted: int | None) -> int | None:
    """The wanted day of the month, where the anchor fell short of it in a short month."""
    at = datetime.fromtimestamp(anchor, UTC)
    last = calendar.monthrange(at.year, at.month)[1]
    return wanted if wanted and at.day == last < wanted else None


def _guess(anchor: int, moment: int, interval: str, count: int) -> int:
    seconds = {"day": 86400, "week": 604800, "month": 2629800, "year": 31557600}[interval]
    return (moment - anchor) // (seconds * count)
