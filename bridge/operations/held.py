"""Decides several held memberships together: all of them as they were reviewed, or none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.effects import Effect, What
from bridge.core.memberships.member import Membership
from bridge.core.model.actor import Actor
from bridge.core.model.discourse import Group
from bridge.core.model.rights import HandGrant
from bridge.core.model.words import said
from bridge.errors import Permanent
from bridge.operations import grants
from bridge.operations.grants import new_id
from bridge.operations.preview import effects
from bridge.operations.roles import refuse_handing_out
from bridge.store import Connection, groups, hand_grants, member, overrides, state, work
from bridge.texts import gettext
from bridge.wiring import Bridge

Choice = Literal["keep", "let_go"]
Of = tuple[int, int]
"""A membership: the user's id and the group's."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A held membership as somebody saw it: why it waits, and since when."""

    user_id: int
    group: Group
    hold: str
    hold_at: datetime | None


def preview_decisions(
    bridge: Bridge, choice: Choice, which: Collection[Of], *, until_at: datetime | None
) -> tuple[Effect, ...]:
    """What these decisions would change. Raises: Permanent if one is no longer held."""
    now = bridge.clock.now()
    grants.refuse_the_past(until_at, now)
    found: list[Effect] = []
    for one in review(bridge, which):
        if choice == "keep":
            what = grants.giving(HandGrant("", one.user_id, one.group.id, now, until_at, "", ""))
        else:
            what = without_hold(one.group.id)
        found += effects(bridge, one.user_id, what)
    return tuple(found)


def without_hold(group_id: int) -> What:
    """What letting go changes: the doubtful source is dropped with its hold."""

    def forgotten(memberships: dict[int, WantedMembership]) -> dict[int, WantedMembership]:
        return memberships | {group_id: replace(memberships[group_id], sources=(), hold=None)}

    return What(before=forgotten)


def review(bridge: Bridge, which: Collection[Of]) -> tuple[Reviewed, ...]:
    """These memberships as they are held now. Raises: Permanent if one is no longer held."""
    with bridge.store.read() as connection:
        return _held(connection, which, bridge.clock.now())


def decide_held(
    bridge: Bridge,
    actor: Actor,
    choice: Choice,
    reviewed: Collection[Reviewed],
    *,
    until_at: datetime | None,
    reason: str | None,
) -> tuple[HandGrant, ...]:
    """Keep these memberships, by the grants returned, or let them end.

    Raises: Permanent, and does nothing, if any of them is not held as it was reviewed.
    """
    now = bridge.clock.now()
    grants.refuse_the_past(until_at, now)
    if choice == "keep":
        refuse_handing_out(bridge, actor, *(one.group.name for one in reviewed))
    words, given = said(reason), list[HandGrant]()
    with bridge.store.write() as connection:
        state.take_turn(connection)
        which = {(one.user_id, one.group.id) for one in reviewed}
        if set(_held(connection, which, now)) != set(reviewed):
            raise Permanent(gettext("what waits has changed since you reviewed it: look again"))
        for one in reviewed:
            if choice == "keep":
                user_id, group_id = one.user_id, one.group.id
                grant = HandGrant(
                    new_id(), user_id, group_id, now, until_at, words or "", str(actor)
                )
                given.append(grants.give_once(connection, grant, now))
            else:
                overrides.lift(
                    connection, one.group.id, one.user_id, actor=str(actor), now=now, reason=words
                )
    for user_id in {one.user_id for one in reviewed}:
        bridge.hint("decide", work.user_key(user_id))
    return tuple(given)


def _held(connection: Connection, which: Collection[Of], now: datetime) -> tuple[Reviewed, ...]:
    if not which:
        raise Permanent(gettext("choose at least one membership"))
    known = groups.load_groups(connection)
    found = []
    for of in sorted(which):
        user_id, group_id = of
        row = member.memberships_of(connection, user_id).get(group_id)
        group = known.get(group_id)
        if (
            row is None
            or group is None
            or not row.membership.hold
            or _is_kept(connection, row, user_id, now)
        ):
            raise Permanent(
                gettext(
                    "the membership of id:%(user_id)s in %(group)s does not wait any more: "
                    "somebody has decided, or it has resolved automatically"
                )
                % {"user_id": user_id, "group": group.name if group else group_id}
            )
        found.append(Reviewed(user_id, group, row.membership.hold, row.hold_at))
    return tuple(found)


def _is_kept(connection: Connection, row: Membership, user_id: int, now: datetime) -> bool:
    """Whether a grant given since then keeps it, so that the next decision ends the hold."""
    since = row.hold_at or now
    return any(
        one.group_id == row.group_id and since <= one.from_at <= now and not one.is_over(now)
        for one in hand_grants.in_force(connection, user_id)
    )
