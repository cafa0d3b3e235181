"""Whether somebody is in good standing, for a door that asks: yes or no, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import winners
from bridge.core.telling.reasons import phrase
from bridge.core.telling.statement import StatementInput

HELD, NOT_BY_US, NOTHING = "held", "not_by_us", "nothing"
"""Codes beside those of `reasons.Reason`; machines know them, so they are never renamed."""
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """One group: in it on the forum, or due in it by something that holds; until when, and why."""

    group_id: int
    is_in: bool
    code: str
    reason: str
    is_due: bool = False
    until_at: datetime | None = None

    @property
    def is_good(self) -> bool:
        """Whether this alone is good standing."""
        return self.is_in or self.is_due


def places(
    given: StatementInput, group_ids: Collection[int], day: Callable[[datetime], str]
) -> list[Place]:
    """How somebody stands to each of these groups; the good ones first."""
    won = winners(given.grants)
    found = [_place(given, won, group_id, day) for group_id in sorted(group_ids)]
    return sorted(found, key=lambda place: not place.is_good)


def _place(
    given: StatementInput,
    won: Collection[Grant],
    group_id: int,
    day: Callable[[datetime], str],
) -> Place:
    is_in = group_id in (given.member_of or ())
    if group_id in given.held:
        return Place(group_id, is_in, HELD, given.held[group_id])
    said = [one for one in given.grants if one.group_id == group_id]
    holding = [one for one in said if one in won]
    if not said:
        code, why = (NOT_BY_US, "the forum alone") if is_in else (NOTHING, "nothing leads to it")
        return Place(group_id, is_in, code, why)
    speaks = max(holding, key=lambda one: one.until_at or FOREVER) if holding else _latest(said)
    until_at = speaks.until_at if holding else None
    why = phrase(speaks, given.whats.get(speaks.price_id or "", "membership"), day)
    due = bool(holding) and not is_in
    return Place(group_id, is_in, str(speaks.reason), why, due, until_at)


def _latest(said: Collection[Grant]) -> Grant:
    """Of all that gives nothing, what was last the matter."""
    return max(said, key=lambda one: (one.because_at or one.from_at, one.source_id))
