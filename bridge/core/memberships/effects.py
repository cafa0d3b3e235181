"""The effects of an act: who would gain, lose or keep which group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bridge.core.memberships.decision import Situation, WantedMembership, decide
from bridge.core.memberships.member import Membership
from bridge.core.model.reasons import Hold
from bridge.core.model.rights import Facts, Grant
from bridge.core.rights.approval import DueStep

Turn = Literal["gains", "loses", "stays in", "stays out"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What will happen to one user's membership of one group. `because`: a stable reason.

    `until_at`: the end of the new state, if it is known. `hold`: why the membership then stays as
    it is until a moderator decides. `account`: the state of an account for which the forum is not
    asked for the change, such as `suspended`.
    """

    user_id: int
    group_id: int
    group: str
    turn: Turn
    because: str
    until_at: datetime | None = None
    hold: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class What:
    """What an act changes about a user: the facts, or what was decided before."""

    facts: Callable[[Facts], Facts] = lambda known: known
    before: Callable[[dict[int, WantedMembership]], dict[int, WantedMembership]] = (
        lambda memberships: memberships
    )
    lifted_group_id: int | None = None
    adopted_group_id: int | None = None
    kept_out_of: int | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """How somebody's memberships are, by group: as decided, as they are, and the groups' names.

    `account`: the state of their account on the forum.
    """

    wanted: dict[int, WantedMembership]
    rows: Mapping[int, Membership]
    names: Mapping[int, str]
    account: str = "active"


def effects_of(
    user_id: int, what: What, verdicts: Sequence[Grant], settled: Situation, so_far: Before
) -> tuple[Effect, ...]:
    """The effects on every group of one user. `verdicts`: with what the act changes."""
    before = what.before(so_far.wanted)
    decision = decide(before, verdicts, settled)
    after = before | {membership.group_id: membership for membership in decision.memberships}
    found = (
        _effect(user_id, membership, so_far, what) for group_id, membership in sorted(after.items())
    )
    return tuple(one for one in found if one)


def _effect(
    user_id: int, membership: WantedMembership, so_far: Before, what: What
) -> Effect | None:
    """The effect on one membership; None if the user was, is and will be out."""
    group_id = membership.group_id
    row = so_far.rows.get(group_id)
    is_in = row is not None and row.actual
    by_staff = row.override if row is not None and not is_in else None
    kept_out = group_id == what.kept_out_of or (by_staff and group_id != what.lifted_group_id)
    is_another_s = (
        row is not None and is_in and row.owned == "no" and group_id != what.adopted_group_id
    )
    if membership.hold and group_id != what.kept_out_of:
        will_be_in = is_in  # nothing is sent while a moderator has to decide
    else:
        will_be_in = (membership.wanted or is_another_s) and not kept_out
    account = so_far.account if is_in != will_be_in and _waits(so_far, is_in=is_in) else None
    if not (is_in or will_be_in or membership.wanted or membership.hold):
        return None
    stays_in = is_in if account else will_be_in
    return Effect(
        user_id,
        group_id,
        so_far.names.get(group_id, str(group_id)),
        _turn(is_in=is_in, will_be_in=stays_in),
        membership.hold or (by_staff if kept_out else None) or membership.reason or "",
        membership.wanted_until if will_be_in and membership.wanted else None,
        membership.hold,
        account,
    )


def _waits(so_far: Before, *, is_in: bool) -> bool:
    """Whether nothing is sent for the account; an anonymous one never returns, so it leaves."""
    return so_far.account not in (("active", "anonymized") if is_in else ("active",))


def between(now: Iterable[Effect], then: Iterable[Effect]) -> Iterator[Effect]:
    """The differences for one user under another law: groups, and what waits for a moderator."""
    before = {one.group_id: one for one in now}
    for one in then:
        known = before.pop(one.group_id, None)
        is_in, was_in = _is_in(one), known is not None and _is_in(known)
        if one.hold and one.hold != (known.hold if known else None):
            yield one
        elif is_in != was_in:
            yield replace(one, turn="gains" if is_in else "loses")
        elif known is not None and known.hold and not one.hold:
            yield one
    for one in before.values():
        if _is_in(one):
            yield replace(one, turn="loses")


def applying(
    user_id: int,
    due: Iterable[DueStep],
    verdicts: Iterable[Grant],
    told: Iterable[Effect],
    so_far: Before,
) -> Iterator[Effect]:
    """Applications that nothing else shows: of somebody whose groups stay as they are (A62)."""
    sources = {step.source_id for step in due if step.kind == "application"}
    shown = {one.group_id for one in told}
    for group_id in sorted({one.group_id for one in verdicts if one.source_id in sources} - shown):
        row = so_far.rows.get(group_id)
        turn: Turn = "stays in" if row is not None and row.actual else "stays out"
        name = so_far.names.get(group_id, str(group_id))
        because = Hold.APPROVAL_WAITS
        yield Effect(user_id, group_id, name, turn, because, hold=because)


def _is_in(one: Effect) -> bool:
    return one.turn in ("gains", "stays in")


def _turn(*, is_in: bool, will_be_in: bool) -> Turn:
    if will_be_in:
        return "stays in" if is_in else "gains"
    return "loses" if is_in else "stays out"
