"""Words that many commands share."""

from __future__ import annotations

from datetime import datetime


def day(at: datetime | None) -> str:
    """A moment for people."""
    return at.strftime("%Y-%m-%d %H:%M") if at else ""
