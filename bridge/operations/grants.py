"""Groups that moderators give without a payment, and take back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import Actor
from bridge.core.model.discourse import Group, User
from bridge.core.model.rights import Facts, HandGrant
from bridge.core.model.words import checked_words, said
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_group, find_user
from bridge.operations.preview import effects
from bridge.operations.roles import refuse_handing_out
from bridge.store import Connection, hand_grants, state, work
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Given:
    """A group given by hand. Not `is_new`: the same grant was already in force."""

    user: User
    group: Group
    grant: HandGrant
    is_new: bool


def preview_grant(
    bridge: Bridge, user_id: int, group_name: str, *, until_at: datetime | None
) -> tuple[Effect, ...]:
    """What `grant` would change. Raises the same errors."""
    group = find_group(bridge, group_name)
    find_user(bridge, user_id)
    now = bridge.clock.now()
    refuse_the_past(until_at, now)
    given = HandGrant("", user_id, group.id, now, until_at, "", "")
    return effects(bridge, user_id, giving(given))


def in_force(
    bridge: Bridge, user_id: int, group_name: str, until_at: datetime | None
) -> HandGrant | None:
    """The same grant, where it is in force already. Raises NotFound for an unknown group."""
    group, now = find_group(bridge, group_name), bridge.clock.now()
    given = HandGrant("", user_id, group.id, now, until_at, "", "")
    with bridge.store.read() as connection:
        return _same(connection, given, now)


def giving(given: HandGrant) -> What:
    """What a grant changes for its user."""
    return What(lambda known: replace(known, hand_grants=(*known.hand_grants, given)))


def grant(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    group_name: str,
    *,
    until_at: datetime | None,
    reason: str,
    token: uuid.UUID | None = None,
) -> Given:
    """Give a user a group without a payment, until a time or for good.

    `revoke` is the reverse. `token`: names the grant, so that giving it a second time changes
    nothing. Raises: NotFound for an unknown user or group, Permanent for an
    impossible grant, and for a group with rights that the actor cannot hand out.
    """
    group = find_group(bridge, group_name)
    refuse_handing_out(bridge, actor, group.name)
    user = find_user(bridge, user_id)
    now = bridge.clock.now()
    refuse_the_past(until_at, now)
    words = checked_words(gettext("reason"), reason)
    given = HandGrant(new_id(token), user_id, group.id, now, until_at, words, str(actor))
    with bridge.store.write() as connection:
        state.take_turn(connection)
        if known := hand_grants.find(connection, given.id):
            return Given(user, group, known.grant, is_new=True)
        in_force = give_once(connection, given, now)
    if in_force is given:
        bridge.hint("decide", work.user_key(user_id))
    return Given(user, group, in_force, is_new=in_force is given)


def give_once(connection: Connection, given: HandGrant, now: datetime) -> HandGrant:
    """Record a grant; if the same one is already in force, return it unchanged."""
    if known := _same(connection, given, now):
        return known
    hand_grants.give(connection, given, now)
    return given


def _same(connection: Connection, given: HandGrant, now: datetime) -> HandGrant | None:
    known = hand_grants.in_force(connection, given.user_id)
    return next((one for one in known if one.is_same(given) and not one.is_over(now)), None)


def preview_revoke(bridge: Bridge, grant_id: str) -> tuple[Effect, ...]:
    """What `revoke` would change. Raises NotFound."""
    with bridge.store.read() as connection:
        taken = hand_grants.find(connection, grant_id)
    if taken is None or taken.revoked_at is not None:
        raise _no_such_grant(grant_id)
    return effects(
        bridge,
        taken.grant.user_id,
        What(lambda it: revoked(it, grant_id, bridge.clock.now())),
    )


def revoked(facts: Facts, grant_id: str, now: datetime) -> Facts:
    """The facts without a grant."""
    hand = (replace(g, revoked_at=now) if g.id == grant_id else g for g in facts.hand_grants)
    return replace(facts, hand_grants=tuple(hand))


def revoke(bridge: Bridge, actor: Actor, grant_id: str, *, reason: str | None = None) -> HandGrant:
    """Take a grant back; what else grants the group stays. Raises NotFound."""
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        taken = hand_grants.revoke(connection, grant_id, actor=str(actor), now=now, reason=words)
    if taken is None:
        raise _no_such_grant(grant_id)
    bridge.hint("decide", work.user_key(taken.user_id))
    return taken


def new_id(token: uuid.UUID | None = None) -> str:
    """The id of a grant by hand; the same for the same token."""
    return f"grant_{(token or uuid.uuid4()).hex[:12]}"


def _no_such_grant(grant_id: str) -> NotFound:
    return NotFound(gettext("no grant %(grant_id)s is in force") % {"grant_id": grant_id}, "grants")


def refuse_the_past(until_at: datetime | None, now: datetime) -> None:
    """Raises: Permanent for an end in the past."""
    if until_at is not None and until_at <= now:
        raise Permanent(
            gettext("%(until_at)s is in the past: give a later end")
            % {"until_at": f"{until_at:%Y-%m-%d %H:%M}"}
        )
