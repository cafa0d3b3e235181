"""Memberships that do not follow their grants: on hold because of doubts, or ended by people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import Actor
from bridge.core.model.discourse import Group
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_group
from bridge.operations.grants import Given, grant, preview_grant
from bridge.operations.preview import effects
from bridge.store import member, overrides, work
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Lifted:
    """A membership that follows what grants it again, and what had kept it as it was."""

    user_id: int
    group: Group
    kept_by: str


def preview_lift(bridge: Bridge, user_id: int, group_name: str) -> tuple[Effect, ...]:
    """What `lift` would change. Raises the same errors."""
    group = find_group(bridge, group_name)
    _kept_out(bridge, user_id, group)
    return effects(bridge, user_id, What(lifted_group_id=group.id))


def lift(bridge: Bridge, actor: Actor, user_id: int, group_name: str) -> Lifted:
    """Let somebody in again after staff removed them or they left, if something grants the group.

    The reverse is to remove them on the forum. Raises: NotFound when nothing keeps them out,
    Permanent for a hold, about which `keep` and `let_go` decide.
    """
    group = find_group(bridge, group_name)
    _kept_out(bridge, user_id, group)
    return _lifted(bridge, actor, user_id, group)


def preview_keep(
    bridge: Bridge, user_id: int, group_name: str, *, until_at: datetime | None
) -> tuple[Effect, ...]:
    """What `keep` would change. Raises the same errors."""
    _held(bridge, user_id, find_group(bridge, group_name))
    return preview_grant(bridge, user_id, group_name, until_at=until_at)


def keep(
    bridge: Bridge, actor: Actor, user_id: int, group_name: str, *, until_at: datetime | None
) -> Given:
    """Decide that somebody keeps a held membership: by a grant, which `revoke` takes back.

    Raises: NotFound when nothing is held.
    """
    held = _held(bridge, user_id, find_group(bridge, group_name))
    return grant(
        bridge, actor, user_id, group_name, until_at=until_at, reason=f"kept, it was held: {held}"
    )


def preview_let_go(bridge: Bridge, user_id: int, group_name: str) -> tuple[Effect, ...]:
    """What `let_go` would change. Raises the same errors."""
    group = find_group(bridge, group_name)
    _held(bridge, user_id, group)
    return effects(bridge, user_id, without_hold(group.id))


def without_hold(group_id: int) -> What:
    """What `let_go` changes: the source in doubt is forgotten with its hold."""

    def forgotten(memberships: dict[int, WantedMembership]) -> dict[int, WantedMembership]:
        return memberships | {group_id: replace(memberships[group_id], sources=(), hold=None)}

    return What(before=forgotten)


def let_go(bridge: Bridge, actor: Actor, user_id: int, group_name: str) -> Lifted:
    """Decide that a held membership ends, unless something else grants it; `grant` is the reverse.

    Raises: NotFound when nothing is held.
    """
    group = find_group(bridge, group_name)
    _held(bridge, user_id, group)
    return _lifted(bridge, actor, user_id, group)


def _lifted(bridge: Bridge, actor: Actor, user_id: int, group: Group) -> Lifted:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        kept_by = overrides.lift(connection, group.id, user_id, actor=str(actor), now=now)
    if kept_by is None:  # somebody was quicker
        raise NotFound(f"nothing keeps user {user_id} in or out of {group.name}")
    bridge.hint("decide", work.user_key(user_id))
    return Lifted(user_id, group, kept_by)


def _kept_out(bridge: Bridge, user_id: int, group: Group) -> None:
    override, hold = _kept(bridge, user_id, group)
    if hold and not override:
        raise Permanent(
            f"the membership of {group.name} is on hold ({hold}). Decide: `bridge keep` lets user "
            f"{user_id} stay, `bridge let-go` ends it"
        )
    if not override:
        raise NotFound(f"nothing keeps user {user_id} out of {group.name}: nothing to lift")


def _held(bridge: Bridge, user_id: int, group: Group) -> str:
    override, hold = _kept(bridge, user_id, group)
    if override and not hold:
        by = "staff took them out" if override == "staff" else "they left"
        raise Permanent(f"{group.name} is not on hold: {by}. `bridge lift` lets them in again")
    if not hold:
        raise NotFound(f"the membership of user {user_id} in {group.name} is not on hold")
    return hold


def _kept(bridge: Bridge, user_id: int, group: Group) -> tuple[str | None, str | None]:
    with bridge.store.read() as connection:
        row = member.memberships_of(connection, user_id).get(group.id)
    return (row.override, row.membership.hold) if row is not None else (None, None)
