"""Whether somebody is in good standing, for a door: yes or no, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bridge.core.memberships.member import Member
from bridge.core.memberships.state import State, state_of
from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import winners
from bridge.core.telling.holds import for_member
from bridge.core.telling.places import Known, best_by_group, higher_step
from bridge.core.telling.reasons import sentence, takes_its_place, thing_of
from bridge.errors import NotFound
from bridge.texts import gettext

HELD, NOT_BY_US, NOTHING, OUTRANKED = "held", "not_by_us", "nothing", "outranked"
"""Codes besides those of `reasons.Reason`; machines use them, so they are never renamed."""


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """Somebody's standing in one group, until when, and why."""

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


def group_standings(known: Known, group_ids: Collection[int]) -> list[GroupStanding]:
    """Somebody's standing in each of these groups, the good ones first."""
    won = winners(known.grants)
    found = [group_standing(known, won, id_) for id_ in sorted(group_ids)]
    return sorted(found, key=lambda one: not one.is_good)


def group_standing(known: Known, won: Collection[Grant], group_id: int) -> GroupStanding:
    """Somebody's standing in one group. `won`: the winners among their grants."""
    winning = best_by_group(won).get(group_id)
    membership = known.memberships.get(group_id)
    state = state_of(membership, winning)
    if membership and membership.kept_back and state.is_held:
        return GroupStanding(group_id, state, HELD, for_member(membership.kept_back))
    said = [one for one in known.grants if one.group_id == group_id]
    if not said:
        if state.is_in:
            by_others = gettext("Someone on the forum added you.")
            return GroupStanding(group_id, state, NOT_BY_US, by_others)
        nothing = gettext("Nothing you have includes this group.")
        return GroupStanding(group_id, state, NOTHING, nothing)
    above = None if winning else higher_step(known, won, group_id)
    if above is not None:
        return GroupStanding(group_id, state, OUTRANKED, takes_its_place(above.name))
    speaks = winning or _latest(said)
    why = sentence(speaks, thing_of(speaks, known.whats))
    until_at = winning.until_at if winning else None
    return GroupStanding(group_id, state, str(speaks.reason), why, until_at)


def _latest(said: Collection[Grant]) -> Grant:
    """The last reason of all sources that give nothing."""
    return max(said, key=lambda one: (one.because_at or one.from_at, one.source_id))


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's standing in each requested group, the good ones first.

    `as_of`: when Stripe was last read completely. `names`: group id -> name.
    """

    user_id: int
    username: str | None
    as_of: datetime | None
    groups: tuple[GroupStanding, ...]
    names: dict[int, str]

    @property
    def is_good(self) -> bool:
        """In one of the groups, or due in it."""
        return bool(self.groups) and self.groups[0].is_good

    def as_json(self) -> dict[str, object]:
        """The answer on the wire."""
        first = self.groups[0] if self.groups else None
        return {
            "user_id": self.user_id,
            "username": self.username,
            "standing": "good" if self.is_good else "bad",
            "reason": first.reason if first else gettext("No group is set up."),
            "code": first.code if first else NOTHING,
            "as_of": _iso(self.as_of),
            "groups": [
                {
                    "id": one.group_id,
                    "group": self.names[one.group_id],
                    "in": one.is_in,
                    "due": one.is_due,
                    "state": one.state,
                    "until": _iso(one.until_at),
                    "reason": one.reason,
                    "code": one.code,
                }
                for one in self.groups
            ],
        }


def asked_groups(names: dict[int, str], group_name: str | None) -> set[int] | None:
    """The groups of a name; None if no group is named. Raises: NotFound."""
    if group_name is None:
        return None
    asked = {id_ for id_, name in names.items() if name.lower() == group_name.lower()}
    if not asked:
        raise NotFound(gettext("no such group"))
    return asked


def as_of(member: Member, now: datetime) -> datetime | None:
    """When Stripe was last read completely; now, for somebody who is not a customer there."""
    return member.read_at if member.read_at or member.customer_ids else now


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
