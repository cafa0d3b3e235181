"""Memberships that do not follow their grants: held because of a doubt, or ended by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import Actor
from bridge.core.model.change import Change
from bridge.core.model.discourse import Group
from bridge.core.model.reasons import OVERRIDES
from bridge.core.model.words import said
from bridge.core.telling.holds import for_moderator
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_group, find_user
from bridge.operations.grants import Given, preview_grant
from bridge.operations.held import decide_held, review, without_hold
from bridge.operations.preview import effects
from bridge.store import member, overrides, state, work
from bridge.store.overrides import Undone
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Lifted:
    """A membership that follows its grants again, and what had held it."""

    user_id: int
    group: Group
    kept_by: str


def preview_lift(bridge: Bridge, user_id: int, group_name: str) -> tuple[Effect, ...]:
    """What `lift` would change. Raises the same errors."""
    group = find_group(bridge, group_name)
    _kept_out(bridge, user_id, group)
    return effects(bridge, user_id, What(lifted_group_id=group.id))


def lift(
    bridge: Bridge, actor: Actor, user_id: int, group_name: str, *, reason: str | None = None
) -> Lifted:
    """Let somebody back in after staff removed them or they left, if something grants the group.

    The reverse is to remove them on the forum. Raises: NotFound if nothing keeps them out,
    Permanent for a hold: use `keep` or `let_go`.
    """
    group = find_group(bridge, group_name)
    _kept_out(bridge, user_id, group)
    return _lifted(bridge, actor, user_id, group, reason)


def preview_keep(
    bridge: Bridge, user_id: int, group_name: str, *, until_at: datetime | None
) -> tuple[Effect, ...]:
    """What `keep` would change. Raises the same errors."""
    _held(bridge, user_id, find_group(bridge, group_name))
    return preview_grant(bridge, user_id, group_name, until_at=until_at)


def keep(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    group_name: str,
    *,
    until_at: datetime | None,
    reason: str | None = None,
) -> Given:
    """Decide that somebody keeps a held membership: by a grant, which `revoke` takes back.

    Raises: NotFound when nothing is held.
    """
    group = find_group(bridge, group_name)
    held = _held(bridge, user_id, group)
    user = find_user(bridge, user_id)
    words = reason or gettext("kept, it was held: %(hold)s") % {"hold": held}
    reviewed = review(bridge, [(user_id, group.id)])
    (given,) = decide_held(bridge, actor, "keep", reviewed, until_at=until_at, reason=words)
    return Given(user, group, given, is_new=True)


def preview_let_go(bridge: Bridge, user_id: int, group_name: str) -> tuple[Effect, ...]:
    """What `let_go` would change. Raises the same errors."""
    group = find_group(bridge, group_name)
    _held(bridge, user_id, group)
    return effects(bridge, user_id, without_hold(group.id))


def let_go(
    bridge: Bridge, actor: Actor, user_id: int, group_name: str, *, reason: str | None = None
) -> Lifted:
    """Decide that a held membership ends, unless something else grants it.

    `undo` is the reverse while they are in the group, `grant` afterwards.

    Raises: NotFound when nothing is held.
    """
    group = find_group(bridge, group_name)
    held = _held(bridge, user_id, group)
    reviewed = review(bridge, [(user_id, group.id)])
    decide_held(bridge, actor, "let_go", reviewed, until_at=None, reason=reason)
    return Lifted(user_id, group, held)


def _lifted(bridge: Bridge, actor: Actor, user_id: int, group: Group, reason: str | None) -> Lifted:
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        kept_by = overrides.lift(
            connection, group.id, user_id, actor=str(actor), now=now, reason=words
        )
    if kept_by is None:  # somebody was quicker
        raise NotFound(
            gettext("nothing keeps id:%(user_id)s in or out of %(group)s")
            % {"user_id": user_id, "group": group.name}
        )
    bridge.hint("decide", work.user_key(user_id))
    return Lifted(user_id, group, kept_by)


def _kept_out(bridge: Bridge, user_id: int, group: Group) -> None:
    override, hold = _kept(bridge, user_id, group)
    if hold and not override:
        raise Permanent(
            gettext("the membership of %(group)s is on hold. %(why)s Keep it, or let it end")
            % {"group": group.name, "why": for_moderator(hold)},
            "decide",
        )
    if not override:
        raise NotFound(
            gettext("nothing keeps id:%(user_id)s out of %(group)s: nothing to lift")
            % {"user_id": user_id, "group": group.name}
        )


def _held(bridge: Bridge, user_id: int, group: Group) -> str:
    override, hold = _kept(bridge, user_id, group)
    if override and not hold:
        words = gettext("%(group)s is not on hold. %(why)s You can let them back in")
        raise Permanent(words % {"group": group.name, "why": for_moderator(override)}, "lift")
    if not hold:
        raise NotFound(
            gettext("the membership of id:%(user_id)s in %(group)s is not on hold")
            % {"user_id": user_id, "group": group.name}
        )
    return hold


def _kept(bridge: Bridge, user_id: int, group: Group) -> tuple[str | None, str | None]:
    with bridge.store.read() as connection:
        row = member.memberships_of(connection, user_id).get(group.id)
    return (row.override, row.membership.hold) if row is not None else (None, None)


# --- undoing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Before:
    """The state of a lifted membership before: kept out by hand, or held because of its sources."""

    user_id: int
    group_id: int
    kept_by: str
    sources: tuple[str, ...]


def lifted_of(change: Change) -> Before:
    """The membership that a line of the log lifted. Raises: Permanent for an incomplete line."""
    sources = (change.detail or {}).get("sources")
    if change.user_id is None or change.group_id is None or not change.outcome or sources is None:
        raise Permanent(
            gettext("line %(change)s does not say what it was before: decide it again")
            % {"change": change.id}
        )
    return Before(change.user_id, change.group_id, change.outcome, tuple(sources))


def preview_undoing(bridge: Bridge, before: Before) -> tuple[Effect, ...]:
    """What `undo_lifting` would change. Raises the same errors."""
    _refuse_what_has_followed(bridge, before)
    if before.kept_by in OVERRIDES:
        return effects(bridge, before.user_id, What(kept_out_of=before.group_id))

    def held(memberships: dict[int, WantedMembership]) -> dict[int, WantedMembership]:
        one = memberships[before.group_id]
        again = replace(one, wanted=True, hold=before.kept_by, sources=before.sources)
        return memberships | {before.group_id: again}

    return effects(bridge, before.user_id, What(before=held))


def undo_lifting(bridge: Bridge, actor: Actor, before: Before, *, reason: str | None) -> None:
    """Keep somebody out again, or hold it again. Raises: Permanent if more has happened since."""
    now, words = bridge.clock.now(), said(reason)
    _refuse_what_has_followed(bridge, before)
    one = Undone(before.group_id, before.user_id, before.kept_by, before.sources, str(actor), words)
    is_by_people = before.kept_by in OVERRIDES
    again = overrides.keep_out_again if is_by_people else overrides.hold_again
    with bridge.store.write() as connection:
        if not again(connection, one, now):
            raise Permanent(gettext("something has changed since you looked: look again"))
    bridge.hint("decide", work.user_key(before.user_id))


def _refuse_what_has_followed(bridge: Bridge, before: Before) -> None:
    with bridge.store.read() as connection:
        row = member.memberships_of(connection, before.user_id).get(before.group_id)
    if row is None or row.override or row.membership.hold:
        raise Permanent(gettext("it is undone already: the membership is kept as it was before"))
    if before.kept_by in OVERRIDES and row.actual:
        raise Permanent(
            gettext("they are in the group again: remove them on the forum, and they stay out")
        )
    if before.kept_by not in OVERRIDES and not row.actual:
        raise Permanent(gettext("they have left the group by now: give it to them by hand"))
