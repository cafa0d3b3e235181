"""What moderators do by hand: give a group for a time, take it back, let a membership go on."""

from __future__ import annotations

import secrets
from datetime import datetime

from bridge.core.model.discourse import Group, User
from bridge.core.model.rights import HandGrant
from bridge.errors import NotFound, Permanent
from bridge.store import groups, hand_grants, overrides, statements, work
from bridge.wiring import Bridge
from bridge.worker import group_members


def grant(
    bridge: Bridge,
    user_id: int,
    group_name: str,
    *,
    until_at: datetime | None,
    reason: str,
    actor: str,
) -> HandGrant:
    """Give a user a group without money, until a time or for good.

    Raises: NotFound for an unknown user or group, Permanent for what cannot be.
    """
    group = find_group(bridge, group_name)
    find_user(bridge, user_id)
    now = bridge.clock.now()
    if until_at is not None and until_at <= now:
        raise Permanent(f"{until_at:%Y-%m-%d %H:%M} is over already: name an end that is to come")
    given = HandGrant(new_id(), user_id, group.id, now, until_at, reason, actor)
    with bridge.store.write() as connection:
        hand_grants.give(connection, given, now)
    bridge.hint("decide", work.user_key(user_id))
    return given


def revoke(bridge: Bridge, grant_id: str, *, actor: str) -> HandGrant:
    """Take a grant back; what else grants the group stays. Raises NotFound."""
    with bridge.store.write() as connection:
        given = hand_grants.revoke(connection, grant_id, actor=actor, now=bridge.clock.now())
    if given is None:
        raise NotFound(f"no grant {grant_id} is in force: `bridge grant` lists those there are")
    bridge.hint("decide", work.user_key(given.user_id))
    return given


def lift(bridge: Bridge, user_id: int, group_name: str, *, actor: str) -> str:
    """Let a membership follow the grants again; returns what had kept it. Raises NotFound."""
    group = find_group(bridge, group_name)
    with bridge.store.write() as connection:
        now = bridge.clock.now()
        lifted = overrides.lift(connection, group.id, user_id, actor=actor, now=now)
    if lifted is None:
        raise NotFound(f"nothing keeps user {user_id} in or out of {group.name}: nothing to lift")
    bridge.hint("decide", work.user_key(user_id))
    return lifted


def find_group(bridge: Bridge, name: str) -> Group:
    """A group that people can be put into, by name or number. Raises NotFound, Permanent."""
    group = _known_group(bridge, name)
    if group is None:
        group_members.read_groups(bridge)
        group = _known_group(bridge, name)
    if group is None:
        raise NotFound(f"no group of the forum is called {name}")
    if group.automatic:
        raise Permanent(f"{group.name} is one of the forum's own groups: nobody can be put into it")
    return group


def find_user(bridge: Bridge, user_id: int) -> User:
    """A user as the forum knows them now. Raises NotFound when there is none."""
    user = bridge.discourse.user(user_id)
    with bridge.store.write() as connection:
        statements.see_user(connection, user, bridge.clock.now())
    return user


def new_id() -> str:
    """The id of a grant by hand."""
    return f"grant_{secrets.token_hex(6)}"


def _known_group(bridge: Bridge, name: str) -> Group | None:
    with bridge.store.read() as connection:
        known = groups.load_groups(connection)
    if name.isdigit() and int(name) in known:
        return known[int(name)]
    return next((one for one in known.values() if one.name.lower() == name.lower()), None)
