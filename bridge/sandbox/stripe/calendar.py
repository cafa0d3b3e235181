"""Billing periods: Stripe's calendar arithmetic, anchored so that the 31st comes back."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta


def add_months(anchor: int, months: int) -> int:
    """The same day and time so many months later, or the last day of a shorter month."""
    start = datetime.fromtimestamp(anchor, UTC)
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def step(anchor: int, interval: str, count: int) -> int:
    """The anchor and so many intervals."""
    if interval == "month":
        return add_months(anchor, count)
    if interval == "year":
        return add_months(anchor, 12 * count)
    days = {"day": 1, "week": 7}[interval]
    return int((datetime.fromtimestamp(anchor, UTC) + timedelta(days=days * count)).timestamp())


def next_after(anchor: int, moment: int, interval: str, count: int) -> int:
    """The first end of a period strictly after a moment, on the grid of the anchor.

    The grid also reaches back, for an anchor that lies in the future.
    """
    n = _guess(anchor, moment, interval, count)
    while step(anchor, interval, count * n) <= moment:
        n += 1
    while step(anchor, interval, count * (n - 1)) > moment:
        n -= 1
    return step(anchor, interval, count * n)


def _guess(anchor: int, moment: int, interval: str, count: int) -> int:
    seconds = {"day": 86400, "week": 604800, "month": 2629800, "year": 31557600}[interval]
    return (moment - anchor) // (seconds * count)
