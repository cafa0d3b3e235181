"""A member's groups: one line for each group that something they have leads to. Data, no text.

`memberships.state.state_of` gives the state; this adds the cause and the names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from itertools import groupby

from bridge.core.memberships.member import Membership
from bridge.core.memberships.state import State, state_of
from bridge.core.model.reasons import UNDECIDED, Reason
from bridge.core.model.rights import NO_GROUP, Grant
from bridge.core.rules.ladders import outranked_by, winners
from bridge.core.telling.holds import for_member
from bridge.core.telling.reasons import FOR_NOW, SENTENCES, thing_of
from bridge.texts import gettext

# Reasons that a member can end by paying.
PAYING_HELPS = frozenset({Reason.GRACE, Reason.GRACE_OVER, Reason.UNPAID, Reason.INCOMPLETE})

STATE_WORDS: Mapping[State, str] = {
    State.IN: gettext("in %(group)s"),
    State.ARRIVING: gettext("not in %(group)s yet"),
    State.LEAVING: gettext("still in %(group)s, to be removed"),
    State.HELD_IN: gettext("in %(group)s for now, held"),
    State.HELD_OUT: gettext("not in %(group)s, held"),
    State.IN_BY_OTHERS: gettext("in %(group)s, added by others"),
    State.OUT: gettext("not in %(group)s"),
}
"""For moderators; members read whole sentences (templates)."""


@dataclass(frozen=True, slots=True)
class GroupName:
    """A group as it is shown, and where its page is."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """The verdict behind a line of the statement, with the purchase, for `reasons.sentence`."""

    grant: Grant
    what: str

    @property
    def since_at(self) -> datetime:
        """When the grant began."""
        return self.grant.from_at

    @property
    def until_at(self) -> datetime | None:
        """When it ends, as known now; None if it does not."""
        return self.grant.until_at

    @property
    def says_until(self) -> bool:
        """Whether the sentence contains the end."""
        return "%(until)s" in SENTENCES[Reason(self.grant.reason)]

    @property
    def is_for_now(self) -> bool:
        """Whether it gives access although something is wrong."""
        return self.grant.reason in FOR_NOW

    @property
    def can_pay(self) -> bool:
        """Whether a payment would solve it."""
        return self.grant.reason in PAYING_HELPS and self.grant.share == "own"

    @property
    def has_failed(self) -> bool:
        """Whether a payment failed; a pending first payment did not."""
        return self.can_pay and self.grant.reason != Reason.INCOMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The input for places. `grants`: all verdicts, also without an effect.

    `whats`: price id -> what was bought, in words (`statement.name_prices`). `zone` says which day
    something belongs to.
    """

    grants: tuple[Grant, ...] = ()
    memberships: Mapping[int, Membership] = field(default_factory=dict)
    groups: Mapping[int, GroupName] = field(default_factory=dict)
    whats: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The member's state in groups for one cause; several groups only if they are in.

    Without a group: a purchase that leads to no group yet. `held`: why it waits for a moderator.
    `gives_way_to`: the step of the same ladder that takes its place, or has taken it.
    """

    groups: tuple[GroupName, ...]
    state: State
    cause: Cause | None = None
    held: str | None = None
    gives_way_to: GroupName | None = None

    @property
    def can_pay(self) -> bool:
        """Whether a payment would solve it."""
        return self.cause is not None and self.cause.can_pay

    @property
    def is_given_away(self) -> bool:
        """Whether it was bought for somebody else, so that nobody expects the member in it."""
        given = self.cause is not None and self.cause.grant.reason == Reason.GIVEN
        return given and self.state == State.OUT

    @property
    def is_applied_for(self) -> bool:
        """Whether an application for it waits for a moderator."""
        waits = self.cause is not None and self.cause.grant.reason == Reason.APPROVAL_WAITS
        return waits and self.state == State.OUT


def places(known: Known) -> tuple[Place, ...]:
    """All places: groups they are in or soon in, then those they are not in or only for now."""
    best = best_by_group(winners(known.grants))
    return (*_rightful(known, best), *_held(known, best), *_others(known, best), *_nowhere(known))


def of_groups(known: Known, group_ids: Iterable[int]) -> tuple[Place, ...]:
    """The member's state in each of these groups, also where nothing leads to it."""
    best = best_by_group(winners(known.grants))
    found = [id_ for id_ in group_ids if id_ in known.groups]
    return tuple(_place(known, best, group_id) for group_id in found)


def best_by_group(holding: Iterable[Grant]) -> dict[int, Grant]:
    """If several grants give one group, the longest counts."""
    best: dict[int, Grant] = {}
    for grant in sorted(holding, key=lambda one: (one.from_at, one.source_id)):
        if grant.group_id not in best or _lasts(grant) > _lasts(best[grant.group_id]):
            best[grant.group_id] = grant
    return best


def _lasts(grant: Grant) -> tuple[bool, datetime]:
    return grant.until_at is None, grant.until_at or grant.from_at


def _place(known: Known, best: Mapping[int, Grant], group_id: int) -> Place:
    membership = known.memberships.get(group_id)
    winning = best.get(group_id)
    state = state_of(membership, winning)
    code = membership.kept_back if membership and state.is_held else None
    swap_to = membership.membership.swap_to if membership and state == State.LEAVING else None
    is_moving = not winning and state in (State.LEAVING, State.OUT)
    above = higher_step(known, winners(known.grants), group_id) if is_moving else None
    speaks = None if above else winning or _latest(known, group_id)
    return Place(
        groups=(known.groups[group_id],),
        state=state,
        cause=_cause(known, speaks) if speaks and not code else None,
        held=for_member(code) if code else None,
        gives_way_to=known.groups.get(swap_to) if swap_to else above,
    )


def higher_step(known: Known, won: Collection[Grant], group_id: int) -> GroupName | None:
    """The step that counts instead of a group that something gives; None if there is none."""
    mine = (one for one in known.grants if one.group_id == group_id)
    above = next((id_ for one in mine if (id_ := outranked_by(one, won)) is not None), None)
    unnamed = GroupName(gettext("Another step of the same ladder"))
    return None if above is None else known.groups.get(above, unnamed)


def _latest(known: Known, group_id: int) -> Grant | None:
    """The source that ended last, of all that no longer give a group."""
    denied = [one for one in known.grants if one.group_id == group_id and not one.holds]
    denied.sort(key=lambda one: one.because_at or one.until_at or one.from_at)
    return denied[-1] if denied else None


def _rightful(known: Known, best: Mapping[int, Grant]) -> Iterator[Place]:
    """One place for each cause with all its groups; those that need a payment come first."""
    all_ = [(one, _place(known, best, one.group_id)) for one in best.values() if _named(known, one)]
    found = [(grant, place) for grant, place in all_ if not place.state.is_held]

    def alike(one: tuple[Grant, Place]) -> tuple[bool, bool, datetime, str, str]:
        grant, place = one
        bought = grant.source_id, grant.price_id or ""
        return (not place.can_pay, place.state == State.ARRIVING, grant.from_at, *bought)

    found.sort(key=lambda one: (*alike(one), one[1].groups[0].name))
    for _, same in groupby(found, alike):
        places_ = [place for _, place in same]
        yield replace(places_[0], groups=tuple(name for one in places_ for name in one.groups))


def _named(known: Known, grant: Grant) -> bool:
    return grant.group_id in known.groups


def _held(known: Known, best: Mapping[int, Grant]) -> Iterator[Place]:
    for group_id in sorted(known.memberships):
        if group_id in known.groups:
            place = _place(known, best, group_id)
            if place.state.is_held:
                yield place


def _others(known: Known, best: Mapping[int, Grant]) -> Iterator[Place]:
    """Groups that they are not in, still in, or in because of somebody else, and why."""
    ladders = {grant.ladder for grant in best.values() if grant.ladder}
    # Somebody on another step of the ladder does not need this one.
    missed = {one.group_id for one in known.grants if not one.holds and one.ladder not in ladders}
    is_in = {group_id for group_id, one in known.memberships.items() if one.actual}
    for group_id in sorted(known.groups.keys() & (missed | is_in) - best.keys()):
        place = _place(known, best, group_id)
        if not place.state.is_held:
            yield place


def _nowhere(known: Known) -> Iterator[Place]:
    """Purchases without a working rule, about which a moderator is asked; held ones say it."""
    held = [one for one in known.memberships.values() if one.kept_back]
    said = {(source, one.kept_back) for one in held for source in one.membership.sources}
    for grant in known.grants:
        if (grant.source_id, grant.reason) in said:
            continue
        if grant.group_id == NO_GROUP and grant.reason in UNDECIDED:
            yield Place(groups=(), state=State.OUT, cause=_cause(known, grant))


def _cause(known: Known, grant: Grant) -> Cause:
    def local(at: datetime | None) -> datetime | None:
        return at.astimezone(known.zone) if at else None

    return Cause(
        replace(
            grant,
            from_at=grant.from_at.astimezone(known.zone),
            until_at=local(grant.until_at),
            because_at=local(grant.because_at),
        ),
        thing_of(grant, known.whats),
    )


def resting_on(given: Known, source_id: str | None, reason: Reason) -> list[Place]:
    """The places with this source and reason."""
    wanted = source_id, reason
    causes = ((place, place.cause.grant) for place in places(given) if place.cause)
    return [place for place, grant in causes if (grant.source_id, grant.reason) == wanted]
