"""A source's verdict: whether it grants now, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a source grants, why, until when, and when to decide again."""

    reason: Reason
    holds: bool = field(kw_only=True)
    until_at: datetime | None = None
    because_at: datetime | None = None
    next_change_at: datetime | None = None
    renews_at: datetime | None = None

    def denied(self, reason: Reason, because_at: datetime | None = None) -> Verdict:
        """The same source, granting nothing for another reason."""
        return Verdict(
            reason,
            holds=False,
            until_at=self.until_at,
            because_at=because_at or self.because_at,
            next_change_at=self.next_change_at,
        )


def until(
    end_at: datetime,
    now: datetime,
    before: Reason,
    after: Reason,
    because_at: datetime | None = None,
) -> Verdict:
    """A grant that only the clock ends; at its end it is over."""
    if now < end_at:
        return Verdict(before, end_at, because_at, next_change_at=end_at, holds=True)
    return Verdict(after, end_at, because_at, holds=False)


def came_before(at: datetime | None, end_at: datetime | None) -> bool:
    """Whether something happened before an end, which may be None."""
    return at is not None and (end_at is None or at < end_at)


def at_most_until(paid_until_at: datetime, verdict: Verdict, limited: Verdict) -> Verdict:
    """A valid verdict, limited to the paid time; it shows the earlier end.

    An announced end is only shown: Stripe's status alone ends it (A19).
    """
    if not limited.holds:
        return limited
    changes = (verdict.next_change_at, limited.next_change_at)
    return replace(
        limited,
        until_at=min(paid_until_at, verdict.until_at or paid_until_at),
        next_change_at=min((at for at in changes if at), default=None),
    )
