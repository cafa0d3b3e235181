"""Whether somebody is in good standing, for a door that asks: yes or no, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from bridge.core.memberships.state import State, state_of
from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import winners
from bridge.core.telling.holds import for_member
from bridge.core.telling.places import Known, best_by_group
from bridge.core.telling.reasons import phrase

HELD, NOT_BY_US, NOTHING = "held", "not_by_us", "nothing"
"""Codes beside those of `reasons.Reason`; machines know them, so they are never renamed."""


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """How somebody stands to one group, until when, and why."""

    group_id: int
    state: State
    code: str
    reason: str
    until_at: datetime | None = None

    @property
    def is_in(self) -> bool:
        """In it on the forum."""
        return self.state.is_in

    @property
    def is_due(self) -> bool:
        """Not in it yet, by something that holds."""
        return self.state == State.ARRIVING

    @property
    def is_good(self) -> bool:
        """Whether this alone is good standing."""
        return self.is_in or self.is_due


def group_standings(
    known: Known, group_ids: Collection[int], day: Callable[[datetime], str]
) -> list[GroupStanding]:
    """How somebody stands to each of these groups; the good ones first."""
    best = best_by_group(winners(known.grants))
    found = [_of_group(known, best.get(id_), id_, day) for id_ in sorted(group_ids)]
    return sorted(found, key=lambda one: not one.is_good)


def _of_group(
    known: Known, winning: Grant | None, group_id: int, day: Callable[[datetime], str]
) -> GroupStanding:
    membership = known.memberships.get(group_id)
    state = state_of(membership, winning)
    if membership and membership.kept_back and state.is_held:
        return GroupStanding(group_id, state, HELD, for_member(membership.kept_back))
    said = [one for one in known.grants if one.group_id == group_id]
    if not said:
        code = (NOT_BY_US, "the forum alone") if state.is_in else (NOTHING, "nothing leads to it")
        return GroupStanding(group_id, state, *code)
    speaks = winning or _latest(said)
    why = phrase(speaks, known.whats.get(speaks.price_id or "", "membership"), day)
    until_at = winning.until_at if winning else None
    return GroupStanding(group_id, state, str(speaks.reason), why, until_at)


def _latest(said: Collection[Grant]) -> Grant:
    """Of all that gives nothing, what was last the matter."""
    return max(said, key=lambda one: (one.because_at or one.from_at, one.source_id))
