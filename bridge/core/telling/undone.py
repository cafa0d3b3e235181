"""Which lines of the log can still be undone, and which line undid the others.

A line is over once a later one about the same thing says something else. The log tells that for
most; the record tells the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from bridge.core.ledger.member_register import Impossible, member_register
from bridge.core.memberships.member import Membership
from bridge.core.memberships.record import CAME_IN, WENT_OUT
from bridge.core.model.change import Change
from bridge.core.model.reasons import OVERRIDES
from bridge.core.model.rights import HandGrant
from bridge.core.model.steps import MemberStep, StepKind
from bridge.core.model.stripe import Subscription
from bridge.core.rights import stopping
from bridge.errors import Permanent
from bridge.texts import gettext

STOPPING = ("cancelled", "kept", "paused", "resumed")
SEATS = ("seat_assigned", "seat_unassigned", "seat_too_many", "seat_again")
STEPS = tuple(f"member_{kind}" for kind in get_args(StepKind))
ACCOUNTS = ("relinked", "unrelinked")


@dataclass(frozen=True, slots=True)
class Kind:
    """How lines of a kind are undone: what they are about, and which later lines end them."""

    about: Callable[[Change], object]
    ended_by: Collection[str]


def _detail(*keys: str) -> Callable[[Change], object]:
    return lambda change: tuple((change.detail or {}).get(key) for key in keys)


def _place(change: Change) -> object:
    return change.user_id, change.group_id


def _seat(change: Change) -> object:
    return change.outcome, change.user_id


_CUSTOMER = Kind(lambda change: change.customer_id, ("linked", "unlinked", "claimed"))
_STEP = Kind(lambda change: (change.detail or {}).get("step"), ("member_correct",))
KINDS: Mapping[str, Kind] = {
    "granted": Kind(_detail("grant"), ("revoked",)),
    "revoked": Kind(_place, ("granted",)),
    "linked": _CUSTOMER,
    "unlinked": _CUSTOMER,
    "payment_recorded": Kind(_detail("line"), ("payment_reversed",)),
    "set_aside": Kind(lambda change: change.customer_id, ("waits_again", "set_aside", "linked")),
    "lifted": Kind(_place, ("kept_out", "held_again", "lifted", "override", "held")),
    "adopted": Kind(_place, ("given_up", *CAME_IN, *WENT_OUT)),
    "mapping_changed": Kind(_detail("thing", "key"), ("mapping_changed",)),
    "relinked": Kind(lambda change: change.user_id, ACCOUNTS),
    **dict.fromkeys(STOPPING, Kind(_detail("subscription"), STOPPING)),
    **dict.fromkeys(SEATS[:3], Kind(_seat, SEATS)),
    **dict.fromkeys(STEPS, _STEP),
}
"""The lines that can be undone, by what was done."""
ENDING = frozenset(action for kind in KINDS.values() for action in kind.ended_by)
_SENT = gettext("a message that was sent cannot be taken back")
_READ = gettext("nobody can forget what they read")
_REFUSED = gettext("nothing was changed then, so there is nothing to undo")
INSTEAD: Mapping[str, str] = {
    "campaign_made": gettext("revoke the campaign"),
    "campaign_revoked": gettext("create a new campaign"),
    "cancel_reason": gettext("it is what the member told you"),
    "change_asked": gettext("change the plan back"),
    "change_called_off": gettext("change the plan again"),
    "claim_asked": gettext("decide about it under “Paid, without a forum account”"),
    "claimed": gettext("unlink the customer"),
    "exported": _READ,
    "given_up": gettext("take the membership over again under “Changed by hand”"),
    "held_again": gettext("decide about it under “Held changes”"),
    "kept_out": gettext("let them back in under “Changed by hand”"),
    "looked_up": _READ,
    "looked_up_by_name": _READ,
    "member_correct": gettext("record the step again"),
    "not_done": _REFUSED,
    "note_added": gettext("notes stay; add another one that corrects it"),
    "payment_reversed": gettext("record the payment again"),
    "refunded": gettext("money that went back has to be paid again"),
    "reminded": _SENT,
    "removals_released": gettext("give the group to those who should have kept it"),
    "replayed": gettext("an event that was processed cannot be taken back"),
    "shares_correct": gettext("record it again in the register of shares"),
    "shares_issue": gettext("correct it in the register of shares"),
    "shares_transfer": gettext("correct it in the register of shares"),
    "shares_withdraw": gettext("correct it in the register of shares"),
    "statement_sent": _SENT,
    "token_made": gettext("revoke the token under “Settings”"),
    "token_revoked": gettext("create a new token under “Settings”"),
    "transfer_ignored": gettext("record the payment by hand"),
    "unrelinked": gettext("replace the account again"),
    "waits_again": gettext("set the payer aside again under “Paid, without a forum account”"),
}
"""What people do and nobody can undo, and what to do instead."""


def never(change: Change) -> str:
    """Why a line can never be undone, and what to do instead; empty if it can, or once could."""
    if change.action in INSTEAD:
        instead = INSTEAD[change.action]
    elif change.action.endswith("_refused"):
        instead = _REFUSED
    elif change.action.endswith("_unknown"):
        instead = gettext("look at Stripe whether it was done")
    elif change.action not in KINDS or " via " not in (change.cause or ""):
        instead = gettext("only what people decided can be undone")
    elif change.action == "relinked" and not (change.outcome or "").startswith("to "):
        instead = gettext("it is about the account that got it; undo the line of the other account")
    else:
        return ""
    words = gettext("line %(line)s of the log cannot be undone: %(instead)s")
    return words % {"line": change.id, "instead": instead}


def concerned(change: Change) -> frozenset[int]:
    """The accounts that undoing a line is about: its own, and the one that followed it."""
    followed = _FOLLOWED_BY.fullmatch(change.outcome or "") if change.action == "relinked" else None
    ids = (change.user_id, int(followed[1]) if followed else None)
    return frozenset(one for one in ids if one is not None)


_FOLLOWED_BY = re.compile(r"to user ([0-9]{1,18})")

WITHOUT_A_USER = ("set_aside", "waits_again", "mapping_changed")
"""Lines about nobody in particular."""


def ended_by(change: Change, later: Iterable[Change]) -> Change | None:
    """The first of these later lines after which nothing is left to undo, from the log alone.

    `later`: in order. A step is corrected by the line that names it.
    """
    kind = KINDS[change.action]
    about = kind.about(change)
    for one in later:
        if one.id <= change.id or one.action not in kind.ended_by:
            continue
        same = (one.detail or {}).get("corrects") if kind is _STEP else kind.about(one)
        if same == about:
            return one
    return None


def is_reverse(change: Change, later: Change) -> bool:
    """Whether a line that ended another did the reverse, and not something else again."""
    if change.action == "mapping_changed":
        return _detail("before")(change) == _detail("after")(later)
    return later.action in _REVERSES.get(change.action, ())


_REVERSES: Mapping[str, Collection[str]] = {
    "granted": ("revoked",),
    "revoked": ("granted",),
    "linked": ("unlinked",),
    "unlinked": ("linked", "claimed"),
    "payment_recorded": ("payment_reversed",),
    "set_aside": ("waits_again",),
    "lifted": ("kept_out", "held_again"),
    "adopted": ("given_up",),
    "relinked": ("unrelinked",),
    "cancelled": ("kept",),
    "kept": ("cancelled",),
    "paused": ("resumed",),
    "resumed": ("paused",),
    "seat_assigned": ("seat_unassigned",),
    "seat_unassigned": ("seat_assigned",),
    "seat_too_many": ("seat_again",),
    **dict.fromkeys(STEPS, ("member_correct",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is so now, of the people and things that some lines of the log are about.

    `later`: the lines after them that may have ended them. `owners`: of customers.
    """

    later: Sequence[Change] = ()
    grants: Mapping[str, HandGrant] = field(default_factory=dict)
    owners: Mapping[str, int | None] = field(default_factory=dict)
    memberships: Mapping[tuple[int, int], Membership] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    steps: Mapping[int, Sequence[MemberStep]] = field(default_factory=dict)


def is_open(change: Change, record: Record, now: datetime) -> bool:
    """Whether a line that nothing ended can still be undone."""
    check = _CHECKS.get(change.action)
    return check is None or check(change, record, now)


def _was_given(change: Change, record: Record, now: datetime) -> bool:
    given = record.grants.get(_of(change, "grant"))
    return given is not None and given.source != "payment" and not given.is_over(now)


def _was_taken_back(change: Change, record: Record, now: datetime) -> bool:
    taken = record.grants.get(_of(change, "grant"))
    if taken is None or taken.revoked_at is None or taken.source == "payment":
        return False
    return taken.until_at is None or taken.until_at > now


def _is_nobodys(change: Change, record: Record, _now: datetime) -> bool:
    return record.owners.get(change.customer_id or "", 0) is None


def _has_not_followed(change: Change, record: Record, _now: datetime) -> bool:
    row = record.memberships.get((change.user_id or 0, change.group_id or 0))
    if row is None or row.override or row.membership.hold:
        return False
    return row.actual != (change.outcome in OVERRIDES)


def _is_ours(change: Change, record: Record, _now: datetime) -> bool:
    row = record.memberships.get((change.user_id or 0, change.group_id or 0))
    return row is not None and row.actual and row.owned == "proven"


def _can_be_reversed(change: Change, record: Record, now: datetime) -> bool:
    one = record.subscriptions.get(_of(change, "subscription"))
    if one is None:
        return False
    try:
        match change.action:
            case "cancelled":
                stopping.kept(one)
            case "kept":
                stopping.cancelled(one)
            case "paused":
                stopping.resumed(one)
            case _:
                stopping.paused(one, None, now)
    except Permanent:
        return False
    return True


def _can_be_corrected(change: Change, record: Record, now: datetime) -> bool:
    steps = record.steps.get(change.user_id or 0, ())
    wrong = next((one for one in steps if one.id == _of(change, "step")), None)
    if wrong is None or any(one.corrects == wrong.id for one in steps):
        return False
    correction = MemberStep(
        id="",
        user_id=wrong.user_id,
        kind=None,
        at=now,
        known_at=now,
        reason="",
        actor="",
        corrects=wrong.id,
    )
    try:
        member_register((*steps, correction), now)
    except Impossible:
        return False
    return True


_CHECKS: Mapping[str, Callable[[Change, Record, datetime], bool]] = {
    "granted": _was_given,
    "revoked": _was_taken_back,
    "unlinked": _is_nobodys,
    "set_aside": _is_nobodys,
    "lifted": _has_not_followed,
    "adopted": _is_ours,
    **dict.fromkeys(STOPPING, _can_be_reversed),
    **dict.fromkeys(STEPS, _can_be_corrected),
}


def _of(change: Change, key: str) -> str:
    return str((change.detail or {}).get(key, ""))
