"""Derives from the log how each membership was at a time, and every stay in a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Membership

DECIDED = frozenset({"wanted", "unwanted", "confirmed", "held", "released", "changed"})
CAME_IN = frozenset({"added", "observed_done", "was_member", "seen", "adopted"})
WENT_OUT = frozenset({"removed", "removed_by_others", "lost"})
BY_HAND = frozenset({"override", "lifted"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    id: int
    at: datetime
    action: str
    user_id: int
    group_id: int
    cause: str | None = None
    rule_id: str | None = None
    outcome: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def true_since(self) -> datetime:
        """When it happened; for a member found in a group, when they joined by the forum."""
        since = self.detail.get("since") if self.action == "seen" else None
        return datetime.fromisoformat(since) if since else self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A membership at a time, with the lines that decided and moved it."""

    user_id: int
    membership: Membership
    decided: Line | None = None
    moved: Line | None = None


def never(user_id: int, group_id: int) -> Recorded:
    """Nothing was ever decided or seen about it."""
    return Recorded(user_id=user_id, membership=Membership(membership=WantedMembership(group_id)))


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in a group, with the lines that began and ended it."""

    group_id: int
    from_at: datetime
    until_at: datetime | None
    came: Line
    went: Line | None


def as_known(lines: Iterable[Line], at: datetime) -> list[Line]:
    """The lines that had been written by a time, in their order."""
    return [line for line in lines if line.at <= at]


def as_it_was(lines: Iterable[Line], at: datetime) -> list[Line]:
    """The lines about what had happened by a time, whenever it was found out."""
    return sorted(
        (line for line in lines if line.true_since <= at), key=lambda one: (one.true_since, one.id)
    )


def recorded_after(lines: Iterable[Line]) -> dict[tuple[int, int], Recorded]:
    """(user, group) -> the membership after all of these lines."""
    found: dict[tuple[int, int], Recorded] = {}
    for line in lines:
        key = line.user_id, line.group_id
        found[key] = _after(found.get(key) or never(*key), line)
    return found


def stays(lines: Iterable[Line]) -> list[Stay]:
    """Every stay of these users in these groups, the oldest first."""
    open_stays: dict[tuple[int, int], Line] = {}
    found: list[Stay] = []
    for line in sorted(lines, key=lambda one: (one.true_since, one.id)):
        key = line.user_id, line.group_id
        if line.action in CAME_IN:
            open_stays[key] = _telling(open_stays.get(key), line)
        elif line.action in WENT_OUT and key in open_stays:
            came = open_stays.pop(key)
            found.append(Stay(line.group_id, came.true_since, line.at, came, line))
    found += [
        Stay(came.group_id, came.true_since, None, came, None) for came in open_stays.values()
    ]
    return sorted(found, key=lambda stay: (stay.from_at, stay.group_id))


def _telling(came: Line | None, line: Line) -> Line:
    """Of two lines about one arrival, the first, unless only a list of members showed it.

    The forum's time for it is that of the addition, a moment before our own line about it.
    """
    return line if came is None or (came.action == "seen" and came.at >= line.at) else came


def _after(before: Recorded, line: Line) -> Recorded:
    was = before.membership
    if line.action in CAME_IN:
        since = was.actual_since if was.actual else line.true_since
        moved = _telling(before.moved if was.actual else None, line)
        is_in = replace(was, actual=True, actual_since=since, owned=line.outcome or "no")
        return replace(before, membership=is_in, moved=moved)
    if line.action in WENT_OUT:
        out = replace(was, actual=False, actual_since=None, owned="no")
        return replace(before, membership=out, moved=line)
    if line.action == "override":
        return replace(before, membership=replace(was, override=line.outcome), decided=line)
    if line.action == "lifted":
        lifted = replace(was, override=None, membership=replace(was.membership, hold=None))
        return replace(before, membership=lifted, decided=line)
    if line.action in DECIDED and "wanted" not in line.detail:
        # Written by the applier for a user who is gone.
        held = replace(was, membership=replace(was.membership, hold=line.outcome))
        return replace(before, membership=held, decided=line)
    return _decided(before, line) if line.action in DECIDED else before


def _decided(before: Recorded, line: Line) -> Recorded:
    said, was = line.detail, before.membership
    wanted = WantedMembership(
        group_id=line.group_id,
        wanted=said["wanted"],
        wanted_since=_time(said.get("since")),
        wanted_until=_time(said.get("until")),
        sources=tuple(said.get("sources", ())),
        reason=said.get("reason"),
        rule_id=line.rule_id,
        ladder=said.get("ladder"),
        swap_to=said.get("swap_to"),
        hold=said.get("hold"),
        unwanted_at=None if said["wanted"] else was.membership.unwanted_at or line.at,
        confirmed_at=line.at if line.action == "confirmed" else None,
    )
    # Show the line that changed the decision, not a later one that confirms it.
    decided = before.decided if line.action == "confirmed" else line
    return replace(before, membership=replace(was, membership=wanted), decided=decided)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
