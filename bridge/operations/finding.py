"""Finds the user or group that somebody named."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import cast

from bridge.core.model.actor import Actor, Through
from bridge.core.model.discourse import Group, State, User
from bridge.core.model.people import (
    Named,
    either_group,
    either_user,
    fold,
    no_such_group,
    no_such_user,
    parse_named,
)
from bridge.core.telling.outcomes import STATES
from bridge.errors import Forbidden, NotFound, Permanent, Transient
from bridge.store import accounts, groups, names, users
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker import group_members

CARDS = 50
NAME_HOLDS = timedelta(minutes=1)
NAME_HOLDS_AT_MOST = timedelta(days=1)


def find_user_id(bridge: Bridge, said: str) -> int:
    """The id of the user whom somebody named by id or by name.

    The id of a deleted account is accepted, too. Raises: NotAName, NotFound, or Permanent if a name
    of digits may be meant as an id.
    """
    named = parse_named(said)
    return named.id if named.id is not None else _by_name(bridge, named).id


def find_known_id(bridge: Bridge, said: str) -> int:
    """As `find_user_id`, and NotFound for an id that neither the bridge nor the forum knows."""
    user_id = find_user_id(bridge, said)
    with bridge.store.read() as connection:
        is_known = users.known(connection, user_id) or accounts.is_known(connection, user_id)
    return user_id if is_known else find_user(bridge, user_id).id


def find_person(bridge: Bridge, said: str) -> User:
    """The user whom somebody named, as the forum knows them now. Raises as `find_user_id` does."""
    named = parse_named(said)
    if named.id is not None:
        return find_user(bridge, named.id)
    user = _by_name(bridge, named)
    with bridge.store.write() as connection:
        users.see(connection, user, bridge.clock.now())
    return user


def find_by_public_name(bridge: Bridge, said: str) -> int:
    """The id of a user named by id, or by their current name on the forum.

    The forum's answer about a name counts for a minute. After that, its public page is asked once,
    without the key, which costs none of the key's requests. While the forum does not answer, its
    last answer counts for a day. Raises: NotAName, NotFound for an unknown name, Transient if the
    forum cannot say now.
    """
    named = parse_named(said)
    if named.id is not None:
        return named.id
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        owner = names.owner_of(connection, named.name)
    if owner is None or owner.said_at <= now - NAME_HOLDS:
        try:
            user = _public_user(bridge, named.name)
        except (Transient, Permanent) as error:
            if owner is None or owner.said_at <= now - NAME_HOLDS_AT_MOST:
                raise Transient(
                    gettext(
                        "the forum cannot say now who has this name, and has not done so recently: "
                        "ask by id, such as id/12"
                    )
                ) from error
        else:
            owner = names.Owner(user.id if user else None, now)
            name = user.username if user else None
            with bridge.store.write() as connection:
                names.heard_of_name(connection, named.name, owner.user_id, name, now)
    if owner.user_id is None:
        raise NotFound(gettext("no such user"))
    return owner.user_id


def _public_user(bridge: Bridge, name: str) -> User | None:
    """Who has a name now, from the public page, or with the key if the forum hides people."""
    try:
        return bridge.discourse.public_user(fold(name))
    except Forbidden:
        with suppress(NotFound):
            return bridge.discourse.user_by_name(fold(name))
        return None


def known_people(bridge: Bridge, user_ids: Sequence[int]) -> dict[int, User]:
    """The users among these who exist, by their current names; fifty per request.

    Suspensions are as last seen: the sweep reads them each time.
    """
    found: dict[int, User] = {}
    for start in range(0, len(user_ids), CARDS):
        cards = bridge.discourse.user_cards(user_ids[start : start + CARDS])
        with bridge.store.read() as connection:
            for card in cards:
                known = users.profile_of(connection, card.id)
                state = cast("State", known.state) if known else card.state
                found[card.id] = replace(card, state=state)
    return found


def find_user(bridge: Bridge, user_id: int) -> User:
    """A user as the forum knows them now. Raises NotFound if there is none."""
    try:
        user = bridge.discourse.user(user_id)
    except NotFound as error:
        raise NotFound(
            gettext("the forum has no user with the id %(user_id)s") % {"user_id": user_id}
        ) from error
    with bridge.store.write() as connection:
        users.see(connection, user, bridge.clock.now())
    return user


def find_actor(bridge: Bridge, said: str, through: Through) -> Actor:
    """The actor for a decision, by name. Raises what `find_user_id` raises."""
    try:
        user = find_person(bridge, said)
    except NotFound as error:
        raise NotFound(gettext("who decided it? %(error)s") % {"error": error}, "by") from error
    if user.state != "active":
        raise Permanent(
            gettext("%(user)s cannot decide this: the account is not active (%(state)s)")
            % {"user": user.username, "state": STATES[user.state]}
        )
    return Actor("moderator", str(user.id), through)


def find_group(bridge: Bridge, said: str) -> Group:
    """A group that people can be put into, by name or as `id:41`.

    Raises: NotAName, NotFound, Permanent for one of the forum's automatic groups.
    """
    named = parse_named(said)
    group = _known_group(bridge, named)
    if group is None:
        group_members.read_groups(bridge)
        group = _known_group(bridge, named)
    if group is None:
        raise no_such_group(named)
    if group.automatic:
        raise Permanent(
            gettext("%(group)s is one of the forum’s automatic groups: nobody can be added to it")
            % {"group": group.name}
        )
    return group


def _by_name(bridge: Bridge, named: Named) -> User:
    """The user with that name, unless it is also somebody else's id."""
    other = _with_that_id(bridge, named)
    try:
        user = bridge.discourse.user_by_name(named.name)
    except NotFound as error:
        raise no_such_user(named, is_also_an_id=other is not None) from error
    if other is not None and other.id != user.id:
        raise either_user(named, other.username)
    return user


def _with_that_id(bridge: Bridge, named: Named) -> User | None:
    """The user whose id looks like this name. One request, only for names of digits."""
    if not named.could_be_id:
        return None
    return next(iter(bridge.discourse.user_cards([int(named.name)], priority="normal")), None)


def _known_group(bridge: Bridge, named: Named) -> Group | None:
    with bridge.store.read() as connection:
        known = groups.load_groups(connection)
    if named.id is not None:
        return known.get(named.id)
    found = next((one for one in known.values() if fold(one.name) == fold(named.name)), None)
    other = known.get(int(named.name)) if named.could_be_id else None
    if found is not None and other is not None and other.id != found.id:
        raise either_group(named, other.name)
    return found
