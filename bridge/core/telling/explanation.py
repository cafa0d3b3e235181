"""Why somebody is in a group or is not: the explanation as typed data, with its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.core.memberships.record import Line, Recorded, Stay
from bridge.core.memberships.state import State, state_of
from bridge.core.model.reasons import Reason
from bridge.core.telling.document import OPTIONAL
from bridge.core.telling.doers import Doer, Names, doer
from bridge.core.telling.proof import Case, Giver, Verdict
from bridge.core.telling.timeline import Entry
from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class Cause:
    """The event behind a line: what happened at Stripe, when, and when the bridge learned of it."""

    id: str
    type: str
    object: str | None
    created_at: datetime
    received_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Behind:
    """The references of log lines: events by their ids, and people's names."""

    events: Mapping[str, Cause]
    names: Names

    def doer(self, cause: str | None) -> Doer:
        """Who or what did it, in words."""
        return doer(cause, self.names, {id_: one.type for id_, one in self.events.items()})


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the log, with the event behind it; `by`: who or what did it, in words."""

    at: datetime
    action: str
    cause: str | None
    event: Cause | None
    by: str
    rule: str | None
    outcome: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stayed:
    """A stay in a group, with the lines that began and ended it."""

    from_: datetime
    until: datetime | None
    came: Logged | None
    went: Logged | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that a change waits for, in words; `code` is that of a hold."""

    for_: str
    code: str | None
    words: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Coming:
    """A future change, and its time."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupExplained:
    """One group of a user: its state, its proof, its past and its future.

    `given_by` is set only if nothing the user has leads to the group.
    """

    id: int
    group: str | None
    state: State
    member: bool
    since: datetime | None
    until: datetime | None
    owned: str
    entitled: bool
    wanted: bool
    reason: str | None
    rule: str | None
    sources: tuple[str, ...]
    held: str | None
    taken_out_by: str | None
    unwanted_at: datetime | None
    confirmed_at: datetime | None
    gives_way_to: str | None
    decided_by: Logged | None
    moved_by: Logged | None
    verdicts: tuple[Verdict, ...]
    next: tuple[Coming, ...]
    given_by: tuple[Giver, ...] | None = field(default=None, metadata=OPTIONAL)
    stays: tuple[Stayed, ...]
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """A customer of the user's: how the link was proven, when, and by whom."""

    id: str
    proof: str | None
    linked_at: datetime | None
    linked_by: str | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about a user's groups at a moment."""

    user_id: int
    username: str | None
    at: datetime
    is_now: bool
    as_known_then: bool
    read_at: datetime | None
    customers: tuple[Linked, ...]
    without_group: tuple[Verdict, ...]
    happened: tuple[Entry, ...]
    groups: tuple[GroupExplained, ...]


def explain_group(
    case: Case, found: Recorded, past: Iterable[Stay], behind: Behind, at: datetime
) -> GroupExplained:
    """One group from the record; `waits` stays empty, because only the store knows it."""
    membership, wanted = found.membership, found.membership.membership
    group_id = wanted.group_id
    verdicts = case.about(group_id)
    return GroupExplained(
        id=group_id,
        group=case.names.get(group_id),
        state=state_of(membership, case.winning(group_id)),
        member=membership.actual,
        since=membership.actual_since,
        until=wanted.wanted_until if wanted.wanted else None,
        owned=membership.owned,
        entitled=any(one.counts for one in verdicts),
        wanted=wanted.wanted,
        reason=wanted.reason,
        rule=wanted.rule_id,
        sources=wanted.sources,
        held=wanted.hold,
        taken_out_by=membership.override,
        unwanted_at=wanted.unwanted_at,
        confirmed_at=wanted.confirmed_at,
        gives_way_to=case.names.get(wanted.swap_to) if wanted.swap_to else None,
        decided_by=logged(found.decided, behind),
        moved_by=logged(found.moved, behind),
        verdicts=verdicts,
        next=coming(verdicts, at),
        given_by=None if verdicts else case.given_by(group_id),
        stays=tuple(
            Stayed(one.from_at, one.until_at, logged(one.came, behind), logged(one.went, behind))
            for one in past
            if one.group_id == group_id
        ),
        waits=(),
    )


def logged(line: Line | None, behind: Behind) -> Logged | None:
    """A line of the log, with the event behind it."""
    if line is None:
        return None
    return Logged(
        at=line.at,
        action=line.action,
        cause=line.cause,
        event=behind.events.get(line.cause or ""),
        by=behind.doer(line.cause).words,
        rule=line.rule_id,
        outcome=line.outcome,
        detail=line.detail,
    )


def coming(verdicts: Iterable[Verdict], at: datetime) -> tuple[Coming, ...]:
    """The changes that are due or announced after a moment, the nearest first."""
    found = []
    for one in verdicts:
        if one.renews_at and one.renews_at > at and one.counts:
            words = gettext("%(id)s renews if it is paid.")
            found.append(Coming(one.renews_at, words % {"id": one.id}))
        if one.changes_at and one.changes_at > at:
            if change := _changes(one):
                found.append(Coming(one.changes_at, change % {"id": one.id}))
        elif one.holds and one.until and one.until > at:
            words = gettext("%(id)s ends at Stripe.")
            found.append(Coming(one.until, words % {"id": one.id}))
    return tuple(sorted(found, key=lambda one: one.at))


WAITING = (Reason.HAND_WAITS, Reason.PRESENT_WAITS, Reason.CONTINUES_LATER)


def _changes(verdict: Verdict) -> str | None:
    """The event of a date; None if the source no longer counts, as after a refund."""
    if not verdict.holds:
        return gettext("%(id)s begins.") if verdict.reason in WAITING else None
    if verdict.until == verdict.changes_at:
        return gettext("%(id)s ends.")
    return gettext("The instalments of %(id)s end, and the access continues.")
