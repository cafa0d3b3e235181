"""Decides each membership of one user from the verdicts of all sources.

Additions take effect immediately. Removals are only marked here, with the proof that the applier
needs: a first complete reading in which nothing grants the group, a second one later, or another
group of the same ladder in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import staying, winners

# Reading all customers of a user takes seconds; the lease lasts two minutes.
FRESH = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class WantedMembership:
    """The decider's half of a membership: wanted or not, since and until when, why.

    `unwanted_at`: when it was first decided that nothing grants it; `confirmed_at`: when a reading
    begun a confirm window later said so again; `swap_to`: the group that takes its place.
    `hold`: why a change waits for a moderator.
    """

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


@dataclass(frozen=True, slots=True)
class Shift:
    """One line for the change log: what changed for a group."""

    action: str  # wanted, unwanted, confirmed, held, changed
    membership: WantedMembership


@dataclass(frozen=True, slots=True)
class Decision:
    """New memberships, the changes, and when the clock alone causes another decision."""

    memberships: tuple[WantedMembership, ...]
    shifts: tuple[Shift, ...]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Situation:
    """Inputs of a decision besides grants: the reading's time, and what must not change.

    `halted_group_ids`: groups of a broken mapping rule. `held_sources`: sources whose end
    is in doubt, with the reason (a price without a rule, an unknown status).
    `unfollowed_ladders`: ladders on which a change of payment moves nobody.
    """

    now: datetime
    reading_at: datetime
    confirm: timedelta
    halted_group_ids: frozenset[int] = frozenset()
    held_sources: Mapping[str, str] | None = None
    unfollowed_ladders: frozenset[str] = frozenset()


def decide(
    before: Mapping[int, WantedMembership], grants: Iterable[Grant], at: Situation
) -> Decision:
    """Decide every membership of one user, from a complete reading of Stripe."""
    verdicts = staying(grants, steps_held(before.values(), at.unfollowed_ladders))
    won = winners(verdicts)
    by_group: dict[int, list[Grant]] = {}
    for grant in won:
        by_group.setdefault(grant.group_id, []).append(grant)
    steps: dict[str, list[int]] = {}
    # The group of the new step comes first. The old one waits until the member is in it.
    for grant in sorted(won, key=lambda g: _was_wanted(before, g.group_id)):
        if grant.ladder is not None:
            steps.setdefault(grant.ladder, []).append(grant.group_id)

    # Of what gives a lower step, nobody has to know whether it is in doubt: the higher one counts.
    outranked = {grant.group_id for grant in verdicts if grant.holds} - by_group.keys()
    memberships: list[WantedMembership] = []
    shifts: list[Shift] = []
    for group_id in sorted(by_group.keys() | before.keys()):
        old = before.get(group_id, WantedMembership(group_id))
        new = (
            _granted(old, by_group[group_id], at)
            if group_id in by_group
            else _ungranted(old, steps, at, is_outranked=group_id in outranked)
        )
        if new != old:
            memberships.append(new)
            action = _moved(old, new)
            if action:
                shifts.append(Shift(action, new))
    return Decision(tuple(memberships), tuple(shifts), _next_at(before, memberships, verdicts, at))


def steps_held(
    memberships: Iterable[WantedMembership], unfollowed_ladders: Collection[str]
) -> dict[str | None, frozenset[int]]:
    """The user's steps on ladders that do not follow payments.

    A step whose end is not proven yet still counts (as A38).
    """
    found: dict[str | None, frozenset[int]] = {}
    for membership in memberships:
        still = membership.wanted or (
            membership.unwanted_at is not None and membership.confirmed_at is None
        )
        if still and membership.ladder in unfollowed_ladders:
            found[membership.ladder] = found.get(membership.ladder, frozenset()) | {
                membership.group_id
            }
    return found


def _was_wanted(before: Mapping[int, WantedMembership], group_id: int) -> bool:
    return group_id in before and before[group_id].wanted


def _granted(old: WantedMembership, grants: list[Grant], at: Situation) -> WantedMembership:
    untils = [grant.until_at for grant in grants]
    until = None if None in untils else max(u for u in untils if u is not None)
    first = max(grants, key=lambda g: (g.until_at is None, g.until_at or g.from_at, g.source_id))
    since = min(grant.from_at for grant in grants)
    # A source in doubt gave it, too. If the others end, the group is held because of that source.
    in_doubt = {s for s in old.sources if old.wanted and s in (at.held_sources or {})}
    return WantedMembership(
        group_id=old.group_id,
        wanted=True,
        wanted_since=old.wanted_since if old.wanted and old.wanted_since else since,
        wanted_until=until,
        sources=tuple(sorted({grant.source_id for grant in grants} | in_doubt)),
        reason=first.reason,
        rule_id=first.rule_id,
        ladder=first.ladder,
    )


def _ungranted(
    old: WantedMembership, steps: Mapping[str, list[int]], at: Situation, *, is_outranked: bool
) -> WantedMembership:
    if not old.wanted and old.unwanted_at is None:
        return old  # it was never given, so nothing ends
    hold = _hold(old, at, is_outranked=is_outranked)
    if hold:
        # Earlier proof rests on rules that are now in doubt.
        return replace(old, hold=hold, confirmed_at=None)
    # A step that was gained and lost again proves nothing.
    at_once = old.ladder is not None and _is_fresh(at) and not _by_the_clock(old, at)
    successors = steps.get(old.ladder or "", []) if at_once else []
    swap_to = old.swap_to if old.swap_to in successors else next(iter(successors), None)
    if old.wanted:
        until = old.wanted_until if _by_the_clock(old, at) else None
        return replace(
            old, wanted=False, wanted_until=until, unwanted_at=at.now, swap_to=swap_to, hold=None
        )
    confirmed_at = old.confirmed_at
    if confirmed_at is None and old.unwanted_at and at.reading_at >= old.unwanted_at + at.confirm:
        confirmed_at = at.reading_at
    return replace(old, swap_to=swap_to, confirmed_at=confirmed_at, hold=None)


def _is_fresh(at: Situation) -> bool:
    """Whether this was read for this decision, not taken from the store after a rule changed."""
    return at.now - at.reading_at <= FRESH


def _by_the_clock(old: WantedMembership, at: Situation) -> bool:
    """Whether its end is so near that our clock may be wrong about it (E47).

    During a confirm window, no other group gives way for it, not even on a ladder.
    """
    end_at = old.wanted_until
    return end_at is not None and end_at <= at.now < end_at + at.confirm


def _hold(old: WantedMembership, at: Situation, *, is_outranked: bool) -> str | None:
    # A moderator who lets it end drops its sources. What was taken over had none, and no reason.
    is_let_go = not old.sources and old.reason is not None
    if old.group_id in at.halted_group_ids and not is_let_go:
        return "rule_halted"
    for source in () if is_outranked else old.sources:
        reason = (at.held_sources or {}).get(source)
        if reason:
            return reason
    return None


def _moved(old: WantedMembership, new: WantedMembership) -> str | None:
    if new.wanted != old.wanted:
        return "wanted" if new.wanted else "unwanted"
    if new.hold != old.hold:
        return "held" if new.hold else "released"
    if new.confirmed_at != old.confirmed_at:
        return "confirmed"
    if (new.wanted_until, new.reason, new.sources) != (old.wanted_until, old.reason, old.sources):
        return "changed"
    return None


def _next_at(
    before: Mapping[int, WantedMembership],
    memberships: list[WantedMembership],
    grants: tuple[Grant, ...],
    at: Situation,
) -> datetime | None:
    after = {**before, **{membership.group_id: membership for membership in memberships}}
    waiting = [
        membership.unwanted_at + at.confirm
        for membership in after.values()
        if not membership.wanted and membership.unwanted_at
        if not (membership.confirmed_at or membership.swap_to or membership.hold)
    ]
    changing = [g.next_change_at for g in grants if g.next_change_at and g.next_change_at > at.now]
    return min(waiting + changing, default=None)
