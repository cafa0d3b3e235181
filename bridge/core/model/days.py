"""Days as people type them. The bridge counts days in UTC; each form says so."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from bridge.errors import Permanent
from bridge.texts import gettext

# `date.fromisoformat` alone would also accept 20270331 and 2027-W13-3.
_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


def day_of(text: str) -> date:
    """The day. Raises: Permanent for another way of writing it, and for 29 February 2027."""
    if not text:
        raise Permanent(gettext("give a day, such as 2027-03-31"))
    if not is_written_as_day(text):
        wrong = gettext("%(text)s is not a day: write it as 2027-03-31")
        raise Permanent(wrong % {"text": repr(text[:40])})
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        wrong = gettext("the calendar has no day %(text)s: check month and day")
        raise Permanent(wrong % {"text": text}) from error


def is_written_as_day(text: str) -> bool:
    """Whether it has the form of a day; the calendar may still not have it."""
    return bool(_WRITTEN.fullmatch(text))


def moment_of(text: str) -> datetime:
    """A day with its time, with or without a zone. Raises: Permanent."""
    on = text[: len("2027-03-31")]
    if is_written_as_day(on):
        day_of(on)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        wrong = gettext("%(text)s is not a time: write it as 2027-03-31T12:00:00Z")
        raise Permanent(wrong % {"text": repr(text[:40])}) from error


def end_of_day(at: datetime) -> datetime:
    """The last second of a moment's day in UTC."""
    return datetime.combine(at.astimezone(UTC).date(), LAST_SECOND)


def through(text: str) -> datetime:
    """The last second of a day, for things that last through it. Raises: Permanent."""
    return datetime.combine(day_of(text), LAST_SECOND)
