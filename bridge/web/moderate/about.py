"""What an act is about, in facts: a grant, a customer, a membership, an event."""

from __future__ import annotations

from collections.abc import Iterable

from flask import url_for

from bridge.answers.unlinked import payer
from bridge.core.telling.doers import doer
from bridge.core.telling.events import event_words
from bridge.core.telling.holds import for_moderator
from bridge.core.telling.words import listed, named, people_named, with_names
from bridge.errors import NotFound, Permanent
from bridge.operations import roles
from bridge.operations.finding import find_group, find_user
from bridge.operations.lookups import remember
from bridge.store import (
    Connection,
    accounts,
    claims,
    doers,
    groups,
    hand_grants,
    member,
    users,
    worklists,
)
from bridge.texts import gettext, ngettext
from bridge.web.context import reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.moderate.access import actor_of, refuse_own_account
from bridge.web.moderate.act import Facts
from bridge.web.security import Stop
from bridge.wiring import Bridge

MOST_NAMED = 2
"""So many names still fit on a button."""


def person(bridge: Bridge, user_id: int) -> str:
    """A person by the name that the forum has for them; by their id, if the bridge knows none."""
    with bridge.store.read() as connection:
        return users.names_of(connection, [user_id]).get(user_id) or f"id:{user_id}"


def in_names(bridge: Bridge, text: str) -> str:
    """A refusal with the names of the people whom it names by id."""
    ids = people_named(text)
    if not ids:
        return text
    with bridge.store.read() as connection:
        return with_names(text, doers.names_of(connection, (), ids))


def several(people: Iterable[str], count: int) -> str:
    """One or two people by name, more of them by their number."""
    names = list(dict.fromkeys(people))
    if len(names) <= MOST_NAMED:
        return listed(names)
    return ngettext("%(num)d person", "%(num)d people", count) % {"num": count}


def refuse_unknown(user_id: int) -> None:
    """Refuse an id that nobody has. The name of somebody whom only the forum knows is kept."""
    bridge = the_bridge()
    with bridge.store.read() as connection:
        if accounts.is_seen(connection, user_id):
            return
    asks_stripe("ask")
    try:
        found = find_user(bridge, user_id)
    except NotFound as error:
        raise nobody() from error
    remember(bridge, {found.id: found.username})


def nobody() -> Stop:
    """The page for an account that nobody knows."""
    return Stop(
        404,
        gettext("Nobody found"),
        gettext("Nobody is known by this id. Find the person by their name."),
        [(gettext("Find a person"), url_for("moderate.find"))],
    )


def claimants(connection: Connection, customer_id: str) -> set[int]:
    """Who asked for what a payer bought."""
    return {one.user_id for one in claims.asked(connection).get(customer_id, ())}


def refuse_own_claim(bridge: Bridge, customer_id: str) -> None:
    """Refuse a decision about what the reader claims, where the site wants two persons."""
    with bridge.store.read() as connection:
        for user_id in claimants(connection, customer_id):
            refuse_own_account(user_id)


def refuse_handing_out(bridge: Bridge, *group_names: str) -> None:
    """Refuse groups that give more rights than the reader has. Raises: Permanent."""
    known = reader()
    if known is not None:
        roles.refuse_handing_out(bridge, actor_of(known), *group_names)


def may_give(group_name: str) -> bool:
    """Whether the reader may give a group, by its rights in the console."""
    try:
        refuse_handing_out(the_bridge(), group_name)
    except Permanent:
        return False
    return True


def of_grant(bridge: Bridge, user_id: int, grant_id: str) -> Facts:
    """What was given by hand. Raises: NotFound if it was not given to this person."""
    with bridge.store.read() as connection:
        found = hand_grants.find(connection, grant_id)
        if found is None or found.grant.user_id != user_id:
            words = gettext("%(grant)s was not given to id:%(user)s")
            raise NotFound(words % {"grant": grant_id, "user": user_id})
        one = found.grant
        names = doers.names_of(connection, [one.actor])
    return {
        gettext("Group"): group_of_grant(bridge, grant_id),
        gettext("Until"): f"{one.until_at:%-d %B %Y}" if one.until_at else gettext("for good"),
        gettext("Given by"): doer(one.actor, names).words,
        gettext("Reason then"): one.reason,
    }


def group_of_grant(bridge: Bridge, grant_id: str) -> str:
    """The name of the group that was given."""
    with bridge.store.read() as connection:
        found = hand_grants.find(connection, grant_id)
        names = groups.names_of_all(connection)
    group_id = found.grant.group_id if found else 0
    return names.get(group_id, f"id:{group_id}")


def of_membership(bridge: Bridge, user_id: int, group_name: str) -> Facts:
    """The group, and why the membership does not follow what gives it."""
    group = find_group(bridge, group_name)
    with bridge.store.read() as connection:
        row = member.memberships_of(connection, user_id).get(group.id)
    kept = row.kept_back if row else None
    is_in = row is not None and row.actual
    return {
        gettext("Group"): group.name,
        gettext("On the forum"): gettext("in the group") if is_in else gettext("not in the group"),
        gettext("Why it waits"): for_moderator(kept) if kept else "",
    }


def of_customer(bridge: Bridge, customer_id: str) -> Facts:
    """What a customer bought, and whose they are."""
    found = payer(bridge, customer_id)
    if found is None:
        return {gettext("Customer"): customer_id}
    owner = named(found.user_id, found.username) if found.user_id else gettext("nobody")
    return {
        gettext("Customer"): customer_id,
        gettext("Bought"): ", ".join(found.bought) or gettext("nothing yet"),
        gettext("Linked to"): owner,
        gettext("Set aside because"): found.set_aside or "",
    }


def of_event(bridge: Bridge, event_id: str) -> Facts:
    """An event that could not be processed. Raises: NotFound for any other."""
    with bridge.store.read() as connection:
        found = worklists.dead_event(connection, event_id)
    if found is None:
        words = gettext("%(event)s does not wait: it was processed, or it never came in")
        raise NotFound(words % {"event": event_id})
    return {
        gettext("Event"): f"{event_words(found.type)} ({event_id})",
        gettext("Received"): f"{found.received_at:%-d %B %Y, %H:%M} UTC",
        gettext("About"): found.about or "",
        gettext("Why it waits"): found.why or "",
    }
