"""The days on which somebody joined or left a group, to look back to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from bridge.core.telling.explanation import GroupExplained

MOST = 12


def turning_days(groups: Iterable[GroupExplained]) -> tuple[date, ...]:
    """The last days on which something changed, the newest first."""
    found = {
        at.date()
        for group in groups
        for stay in group.stays
        for at in (stay.from_, stay.until)
        if at is not None
    }
    return tuple(sorted(found, reverse=True)[:MOST])
