"""The registers of shares and of members: shown as of a date, and written by moderators.

Nothing in them is edited: a correction is recorded beside what it takes back. An impossible act is
found by building the register with it, and refused.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from bridge.core.ledger import member_register, share_register
from bridge.core.ledger.member_register import MemberEntry
from bridge.core.ledger.register_acts import (
    Issue,
    Numbers,
    issued,
    numbered,
    refuse_correction,
    refuse_future,
    refuse_issue,
)
from bridge.core.ledger.share_register import Register, ShareAct
from bridge.core.model.actor import Actor
from bridge.core.model.steps import MemberStep, StepKind
from bridge.core.model.words import checked_words
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.store import Connection, changes, holdings, registers, state, work
from bridge.texts import gettext
from bridge.wiring import Bridge


def shares(
    bridge: Bridge, as_of: datetime | None = None, known_at: datetime | None = None
) -> Register:
    """The register of shares as of a moment, by what was known at another; both default to now."""
    with bridge.store.read() as connection:
        return holdings.register_within(connection, as_of or bridge.clock.now(), known_at)


def issue(bridge: Bridge, actor: Actor, what: Issue, *, at: datetime, reason: str) -> ShareAct:
    """Issue shares without a payment in the ledger.

    `correct_act` is the reverse. Raises: NotFound for an unknown user, Permanent for an impossible
    act.
    """
    refuse_issue(what, bridge.clock.now().date())
    find_user(bridge, what.user_id)
    act = _act(bridge, actor, at, reason)
    return _record(bridge, issued(act, what))


def transfer(
    bridge: Bridge, actor: Actor, what: Numbers, to_user: int, *, at: datetime, reason: str
) -> ShareAct:
    """Give shares to another holder under the same numbers; `correct_act` is the reverse.

    Raises: NotFound for an unknown user, Permanent for shares that nobody held then.
    """
    find_user(bridge, to_user)
    act = _act(bridge, actor, at, reason)
    return _record(bridge, replace(numbered(act, what), kind="transfer", user_id=to_user))


def withdraw(bridge: Bridge, actor: Actor, what: Numbers, *, at: datetime, reason: str) -> ShareAct:
    """Withdraw shares for good; `correct_act` is the reverse. This refunds nothing.

    Raises: Permanent for shares that nobody held then.
    """
    return _record(
        bridge, replace(numbered(_act(bridge, actor, at, reason), what), kind="withdraw")
    )


def correct_act(bridge: Bridge, actor: Actor, act_id: str, *, reason: str) -> ShareAct:
    """Correct a wrongly recorded act; its numbers are never used again.

    Raises: NotFound for an unknown act, Permanent if a later act depends on it.
    """
    act = _act(bridge, actor, bridge.clock.now(), reason)
    return _record(bridge, replace(act, kind="correct", corrects=act_id))


def _act(bridge: Bridge, actor: Actor, at: datetime, reason: str) -> ShareAct:
    now = bridge.clock.now()
    refuse_future(at, now)
    return ShareAct(
        id=f"act:{uuid.uuid4().hex[:12]}",
        kind="withdraw",
        at=at,
        known_at=now,
        reason=checked_words(gettext("reason"), reason),
        actor=str(actor),
    )


def _record(bridge: Bridge, act: ShareAct) -> ShareAct:
    with bridge.store.write() as connection:
        registers.take_turn(connection)
        now = bridge.clock.now()
        act = replace(act, known_at=now)
        known = registers.acts(connection)
        if act.kind == "correct":
            refuse_correction(act.corrects, {one.id: one.corrects for one in known})
        registers.record_act(connection, act)
        try:
            holdings.note_by_hand(connection, now)
        except share_register.Impossible as error:
            raise Permanent(
                gettext("this cannot be recorded: %(error)s") % {"error": error}
            ) from error
        detail = {"act": act.id, "of": act.share_class, "corrects": act.corrects}
        if act.first is not None:
            detail["numbers"] = f"{act.first}-{act.last}"
        changes.log(
            connection,
            f"shares_{act.kind}",
            now=act.known_at,
            user_id=act.user_id,
            cause=act.actor,
            outcome=act.reason,
            detail=detail,
        )
    return act


def members(
    bridge: Bridge, as_of: datetime | None = None, known_at: datetime | None = None
) -> tuple[MemberEntry, ...]:
    """The register of members as of a moment, by what was known at another; both default to now."""
    with bridge.store.read() as connection:
        steps = registers.steps(connection)
        return member_register.member_register(steps, as_of or bridge.clock.now(), known_at)


def record_step(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    kind: StepKind,
    *,
    at: datetime,
    reason: str,
) -> MemberStep:
    """Record an application, approval, payment or cessation; `correct_step` is the reverse.

    Raises: NotFound for an unknown user, Permanent for a step that cannot follow.
    """
    find_user(bridge, user_id)
    return _record_step(bridge, new_step(bridge, actor, user_id, at, reason, kind))


def correct_step(bridge: Bridge, actor: Actor, step_id: str, *, reason: str) -> MemberStep:
    """Correct a wrongly recorded step. Raises: NotFound, Permanent."""
    return _record_step(bridge, correction(bridge, actor, step_id, reason))


def correction(bridge: Bridge, actor: Actor, step_id: str, reason: str) -> MemberStep:
    """The step that takes back another. Raises: NotFound for one that was never recorded."""
    with bridge.store.read() as connection:
        user_id = registers.whose(connection, step_id)
    if user_id is None:
        raise NotFound(
            gettext("nothing was recorded as %(step_id)s: the register names what was")
            % {"step_id": step_id}
        )
    now = bridge.clock.now()
    return replace(new_step(bridge, actor, user_id, now, reason, None), corrects=step_id)


def new_step(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    at: datetime,
    reason: str,
    kind: StepKind | None,
) -> MemberStep:
    """A step that is not recorded yet. Raises: Permanent for a future day or an empty reason."""
    now = bridge.clock.now()
    refuse_future(at, now)
    return MemberStep(
        id=registers.new_step_id(),
        user_id=user_id,
        kind=kind,
        at=at,
        known_at=now,
        reason=checked_words(gettext("reason"), reason),
        actor=str(actor),
    )


def _record_step(bridge: Bridge, step: MemberStep) -> MemberStep:
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [step.user_id])
        step = replace(step, known_at=bridge.clock.now())
        append(connection, step)
    bridge.hint("decide", work.user_key(step.user_id))
    return step


def append(connection: Connection, step: MemberStep) -> None:
    """Record a step and mark its user dirty: their payments may now count, or no longer count.

    Raises: Permanent for a step that cannot follow.
    """
    known = registers.steps_of(connection, [step.user_id])[step.user_id]
    if step.corrects is not None:
        refuse_correction(step.corrects, {one.id: one.corrects for one in known})
    try:
        before = member_register.member_register(known, step.known_at)
        after = member_register.member_register((*known, step), step.known_at)
    except member_register.Impossible as error:
        raise Permanent(gettext("this cannot be recorded: %(error)s") % {"error": error}) from error
    stood = [entries[-1].state if entries else None for entries in (before, after)]
    registers.record_step(connection, step, before=stood[0], after=stood[1])
    work.mark_dirty(
        connection,
        work.user_key(step.user_id),
        now=step.known_at,
        due_at=step.known_at,
        cause=f"{step.kind or 'correction'} by {step.actor}",
        # Something that waited may have to end now, which needs a reading.
        needs=("read",),
    )
