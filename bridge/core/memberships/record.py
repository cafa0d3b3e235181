"""What the log of changes tells: how each membership stood at a time, and every stay in a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

DECIDED = frozenset({"wanted", "unwanted", "confirmed", "held", "released", "changed"})
CAME_IN = frozenset({"added", "observed_done", "was_member", "seen"})
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
        """When it was so; the forum tells since when somebody found in a group is in it."""
        since = self.detail.get("since") if self.action == "seen" else None
        return datetime.fromisoformat(since) if since else self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A membership at a time: what was decided about it, what it was, and which lines say so."""

    user_id: int
    group_id: int
    wanted: bool = False
    wanted_since: datetime | None = None
    wanted_until: datetime | None = None
    sources: tuple[str, ...] = ()
    reason: str | None = None
    rule_id: str | None = None
    ladder: str | None = None
    unwanted_at: datetime | None = None
    confirmed_at: datetime | None = None
    swap_to: int | None = None
    hold: str | None = None
    override: str | None = None
    actual: bool = False
    actual_since: datetime | None = None
    owned: str = "no"
    decided: Line | None = None
    moved: Line | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """From when until when somebody was in a group, and the lines of their coming and going."""

    group_id: int
    from_at: datetime
    until_at: datetime | None
    came: Line
    went: Line | None


def as_known(lines: Iterable[Line], at: datetime) -> list[Line]:
    """The lines that had been written by a time, in their order."""
    return [line for line in lines if line.at <= at]


def as_it_was(lines: Iterable[Line], at: datetime) -> list[Line]:
    """The lines about what was so by a time, whenever it was found out."""
    return sorted(
        (line for line in lines if line.true_since <= at), key=lambda one: (one.true_since, one.id)
    )


def standings(lines: Iterable[Line]) -> dict[tuple[int, int], Standing]:
    """(user, group) -> how the membership stands after all of these lines."""
    found: dict[tuple[int, int], Standing] = {}
    for line in lines:
        key = line.user_id, line.group_id
        before = found.get(key) or Standing(user_id=line.user_id, group_id=line.group_id)
        found[key] = _after(before, line)
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
    """Of two lines of one coming the first, but for what a list of members merely showed.

    The forum's time for it is that of the adding, a moment before our own word on that.
    """
    return line if came is None or (came.action == "seen" and came.at >= line.at) else came


def _after(before: Standing, line: Line) -> Standing:
    if line.action in CAME_IN:
        since = before.actual_since if before.actual else line.true_since
        moved = _telling(before.moved if before.actual else None, line)
        return replace(
            before, actual=True, actual_since=since, owned=line.outcome or "no", moved=moved
        )
    if line.action in WENT_OUT:
        return replace(before, actual=False, actual_since=None, owned="no", moved=line)
    if line.action == "override":
        return replace(before, override=line.outcome, decided=line)
    if line.action == "lifted":
        return replace(before, override=None, hold=None, decided=line)
    if line.action in DECIDED and "wanted" not in line.detail:
        return replace(before, hold=line.outcome, decided=line)  # the applier's: a user who is gone
    return _decided(before, line) if line.action in DECIDED else before


def _decided(before: Standing, line: Line) -> Standing:
    said = line.detail
    return replace(
        before,
        wanted=said["wanted"],
        wanted_since=_time(said.get("since")),
        wanted_until=_time(said.get("until")),
        sources=tuple(said.get("sources", ())),
        reason=said.get("reason"),
        rule_id=line.rule_id,
        ladder=said.get("ladder"),
        swap_to=said.get("swap_to"),
        hold=said.get("hold"),
        unwanted_at=None if said["wanted"] else before.unwanted_at or line.at,
        confirmed_at=line.at if line.action == "confirmed" else None,
        # What turned it is what moved it; a later word on the same decision is not.
        decided=before.decided if line.action == "confirmed" else line,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
