"""Undoes a line of the log with the reverse act; the log keeps both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import get_args

from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import BRIDGE, Actor
from bridge.core.model.change import Change
from bridge.core.model.roles import Right
from bridge.core.model.steps import MemberStep, StepKind
from bridge.core.telling import undone
from bridge.errors import NotFound, Permanent
from bridge.operations import (
    accounts,
    adopting,
    applications,
    grants,
    holds,
    links,
    mapping,
    payments,
    registers,
    seats,
    stopping,
)
from bridge.operations.stopping import Choice
from bridge.store import changes, hand_grants
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Reverse:
    """The act that undoes a line of the log: its preview, and the act itself."""

    change: Change
    preview: Callable[[], tuple[Effect, ...]]
    do: Callable[[Actor, str | None], object]


def reverse_of(bridge: Bridge, change_id: int) -> Reverse:
    """The reverse of a line of the log.

    Raises: NotFound for an unknown line, Permanent for one that cannot be undone.
    """
    with bridge.store.read() as connection:
        change = changes.find(connection, change_id)
    if change is None:
        raise NotFound(gettext("the log has no line %(change_id)s") % {"change_id": change_id})
    if refusal := undone.never(change):
        raise Permanent(refusal)
    return REVERSES[change.action](bridge, change)


def _words(change: Change) -> str:
    """The reason for the log, where nobody typed one."""
    return gettext("undoes line %(line)s of the log") % {"line": change.id}


def undo(bridge: Bridge, actor: Actor, change_id: int, *, reason: str | None = None) -> Change:
    """Undo a line of the log. Raises what the reverse act raises, also if it is already undone."""
    found = reverse_of(bridge, change_id)
    found.do(actor, reason)
    return found.change


def may_undo(rights: Collection[Right], user_id: int, change: Change) -> bool:
    """Whether somebody with these rights may undo a line; `user_id`: who that is."""
    if undone.never(change):
        return False
    is_own = f":{user_id} via " in (change.cause or "")
    is_payment = change.action == "payment_recorded"
    return "decide" in rights or ("money" in rights and is_payment and is_own)


def _take_back(bridge: Bridge, change: Change) -> Reverse:
    grant_id = _said(change, "grant")
    with bridge.store.read() as connection:
        given = hand_grants.find(connection, grant_id)
    if given is not None and given.grant.source == "payment":
        raise Permanent(
            gettext("a payment gave this group: undo the payment, and the group ends with it")
        )
    return Reverse(
        change,
        lambda: grants.preview_revoke(bridge, grant_id),
        lambda actor, reason: grants.revoke(bridge, actor, grant_id, reason=reason),
    )


def _give_again(bridge: Bridge, change: Change) -> Reverse:
    """Give the same group until the same day, unless it is in force or its end is past."""
    grant_id = _said(change, "grant")
    with bridge.store.read() as connection:
        taken = hand_grants.find(connection, grant_id)
    if taken is None or taken.revoked_at is None:
        raise NotFound(gettext("the grant is in force again: there is nothing to undo"))
    if taken.grant.source == "payment":
        raise Permanent(gettext("a payment gave this group: record the payment again"))
    one, group = taken.grant, f"id:{taken.grant.group_id}"

    def give(actor: Actor, reason: str | None) -> None:
        words = one.reason if reason is None else reason
        done = grants.grant(bridge, actor, one.user_id, group, until_at=one.until_at, reason=words)
        if not done.is_new:
            raise Permanent(gettext("they already have the group again"))

    return Reverse(
        change,
        lambda: grants.preview_grant(bridge, one.user_id, group, until_at=one.until_at),
        give,
    )


def _unlink(bridge: Bridge, change: Change) -> Reverse:
    customer_id, user_id = _payer(change)
    links.refuse_unless(bridge, customer_id, user_id)
    return Reverse(
        change,
        lambda: links.preview_unlink(bridge, customer_id),
        lambda actor, reason: links.unlink(bridge, actor, customer_id, reason=reason),
    )


def _link_again(bridge: Bridge, change: Change) -> Reverse:
    customer_id, user_id = _payer(change)
    links.refuse_unless(bridge, customer_id, None)
    return Reverse(
        change,
        lambda: links.preview_link(bridge, customer_id, user_id),
        lambda actor, reason: links.link(bridge, actor, customer_id, user_id, reason=reason),
    )


def _correct(bridge: Bridge, change: Change) -> Reverse:
    line_id = _said(change, "line")

    def reverse(actor: Actor, reason: str | None) -> None:
        if not payments.reverse_payment(bridge, actor, line_id, reason=reason).is_new:
            raise Permanent(gettext("the payment was corrected already"))

    return Reverse(change, lambda: payments.preview_reversal(bridge, line_id), reverse)


def _wait_again(bridge: Bridge, change: Change) -> Reverse:
    customer_id = change.customer_id or ""
    return Reverse(
        change,
        lambda: (),
        lambda actor, reason: links.wait_again(bridge, actor, customer_id, reason=reason),
    )


def _as_before_lifting(bridge: Bridge, change: Change) -> Reverse:
    """Keep them out again, or hold the membership again, if nothing has followed yet."""
    lifted = holds.lifted_of(change)
    return Reverse(
        change,
        lambda: holds.preview_undoing(bridge, lifted),
        lambda actor, reason: holds.undo_lifting(bridge, actor, lifted, reason=reason),
    )


def _give_back(bridge: Bridge, change: Change) -> Reverse:
    """Only the newest move of an account can be undone."""
    user_id = change.user_id or 0
    return Reverse(
        change,
        lambda: accounts.preview_unrelink(bridge, user_id),
        lambda actor, reason: accounts.unrelink(bridge, actor, user_id, reason=reason),
    )


def _take_seat(bridge: Bridge, change: Change) -> Reverse:
    subscription_id, user_id = change.outcome or "", change.user_id or 0
    return Reverse(
        change,
        lambda: seats.preview_unassign(bridge, subscription_id, user_id),
        lambda actor, reason: seats.unassign(
            bridge, actor, subscription_id, user_id, reason=reason
        ),
    )


def _give_seat(bridge: Bridge, change: Change) -> Reverse:
    subscription_id, user_id = change.outcome or "", change.user_id or 0
    if seats.has(bridge, subscription_id, user_id):
        raise Permanent(gettext("they have the seat again already"))
    return Reverse(
        change,
        lambda: seats.preview_assign(bridge, subscription_id, user_id),
        lambda actor, reason: seats.assign(bridge, actor, subscription_id, user_id, reason=reason),
    )


def _leave_seat(bridge: Bridge, change: Change) -> Reverse:
    subscription_id, user_id = change.outcome or "", change.user_id or 0
    return Reverse(
        change,
        lambda: seats.preview_leave(bridge, subscription_id, user_id),
        lambda actor, reason: seats.leave(bridge, actor, subscription_id, user_id, reason=reason),
    )


def _give_up(bridge: Bridge, change: Change) -> Reverse:
    user_id, group_id = change.user_id or 0, change.group_id or 0
    with bridge.store.read() as connection:
        later = changes.later(connection, change, undone.ENDING, [user_id])
    if undone.ended_by(change, later):
        raise Permanent(gettext("they have left the group since then, or it is undone already"))
    return Reverse(
        change,
        lambda: adopting.preview_give_up(bridge, user_id, group_id),
        lambda actor, reason: adopting.give_up(bridge, actor, user_id, group_id, reason=reason),
    )


def _at_stripe(act: stopping.Act) -> Callable[[Bridge, Change], Reverse]:
    def make(bridge: Bridge, change: Change) -> Reverse:
        running = stopping.find_running(bridge, _said(change, "subscription"))
        choice = Choice(act)
        stopping.as_it_will_be(bridge, running, choice)
        return Reverse(
            change,
            lambda: stopping.preview(bridge, running, choice),
            lambda actor, reason: stopping.do(
                bridge, actor, running, choice, reason=reason or _words(change)
            ),
        )

    return make


def _say_as_before(bridge: Bridge, change: Change) -> Reverse:
    thing_id, key = _said(change, "thing"), _said(change, "key")
    proposed = mapping.propose(bridge, thing_id, key, _said(change, "before"))
    if proposed.said != _said(change, "after"):
        raise Permanent(
            gettext(
                "%(key)s of %(thing_id)s has been changed again in the meantime: change it by hand"
            )
            % {"key": key, "thing_id": thing_id}
        )
    return Reverse(
        change,
        lambda: mapping.preview_mapping(bridge, proposed),
        lambda actor, reason: mapping.set_mapping(
            bridge, actor, proposed, reason=reason or _words(change)
        ),
    )


def _take_back_step(bridge: Bridge, change: Change) -> Reverse:
    """Remove the step; a group that somebody already has through it is held, not removed."""
    step_id = _said(change, "step")

    def correction(reason: str) -> MemberStep:
        return registers.correction(bridge, BRIDGE, step_id, reason)

    def correct(actor: Actor, reason: str | None) -> None:
        words = reason or _words(change)
        registers.correct_step(bridge, actor, step_id, reason=words)

    return Reverse(
        change, lambda: applications.preview_step(bridge, correction("preview")), correct
    )


REVERSES: Mapping[str, Callable[[Bridge, Change], Reverse]] = {
    "granted": _take_back,
    "revoked": _give_again,
    "linked": _unlink,
    "unlinked": _link_again,
    "payment_recorded": _correct,
    "set_aside": _wait_again,
    "lifted": _as_before_lifting,
    "cancelled": _at_stripe("kept"),
    "kept": _at_stripe("cancelled"),
    "paused": _at_stripe("resumed"),
    "resumed": _at_stripe("paused"),
    "mapping_changed": _say_as_before,
    "relinked": _give_back,
    "seat_assigned": _take_seat,
    "seat_unassigned": _give_seat,
    "seat_too_many": _leave_seat,
    "adopted": _give_up,
    **dict.fromkeys([f"member_{kind}" for kind in get_args(StepKind)], _take_back_step),
}
"""The lines that can be undone, by what was done."""


def _said(change: Change, key: str) -> str:
    said = (change.detail or {}).get(key)
    if not isinstance(said, str):
        raise Permanent(
            gettext("line %(change)s does not say which %(key)s it is about")
            % {"change": change.id, "key": key}
        )
    return said


def _payer(change: Change) -> tuple[str, int]:
    if change.customer_id is None or change.user_id is None:
        raise Permanent(
            gettext("line %(change)s does not say whose customer it is about")
            % {"change": change.id}
        )
    return change.customer_id, change.user_id
