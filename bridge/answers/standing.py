"""Somebody's standing for a machine, from stored data: no call to Stripe or the forum."""

from __future__ import annotations

from bridge.core.telling.of_member import statement_input
from bridge.core.telling.standing import Standing, as_of, asked_groups, group_standings
from bridge.errors import NotFound
from bridge.store import member as members
from bridge.store import users
from bridge.texts import gettext
from bridge.wiring import Bridge


def standing(bridge: Bridge, user_id: int, group_name: str | None) -> Standing:
    """Good or bad, why, and as of when.

    Good: in the group, or due in it; without a group, in any that a mapping rule leads to.
    Raises: NotFound for a user or a group that was never seen.
    """
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        profile = users.profile_of(connection, user_id)
        member = members.load(connection, user_id)
        law = bridge.rulebook.law(connection)
    if profile is None and not (member.customer_ids or member.memberships):
        raise NotFound(gettext("no such user"))
    names = {one.id: one.name for one in member.groups.values()}
    asked = asked_groups(names, group_name)
    if asked is None:
        asked = {id_ for id_ in law.rules.mapped_group_ids if id_ in names}
    given = statement_input(member, law, bridge.addresses, now)
    return Standing(
        user_id=user_id,
        username=profile.username if profile else None,
        as_of=as_of(member, now),
        groups=tuple(group_standings(given, asked)),
        names=names,
    )
