"""One person as a moderator sees them: groups with their reasons, customers, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.member_register import waiting_since
from bridge.core.model.rights import HandGrant
from bridge.core.telling.doers import Doer, doer
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.outcomes import state_words
from bridge.core.telling.person import Customer, Paid, Place, paid_of, places_of
from bridge.core.telling.subscription_cards import subscription_cards
from bridge.errors import NotFound
from bridge.store import accounts, doers, errands, messages, users
from bridge.store import member as members
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Person:
    """All that the bridge knows of one person; `asked`: what Stripe has not answered yet.

    `applied_at`: since when an application of theirs waits for approval. `state`: of the account,
    in words, where it is not active.
    """

    user_id: int
    username: str | None
    state: str | None
    read_at: datetime | None
    places: tuple[Place, ...]
    given: tuple[HandGrant, ...]
    givers: Mapping[str, Doer]
    group_names: Mapping[int, str]
    customers: tuple[Customer, ...]
    paid: tuple[Paid, ...]
    asked: tuple[Errand, ...]
    applied_at: datetime | None = None


DASHBOARD = "https://dashboard.stripe.com"


def person(bridge: Bridge, user_id: int) -> Person:
    """Somebody by their id. Raises NotFound for a user the bridge never had to do with."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        member = members.load(connection, user_id)
        username, state = users.known(connection, user_id) or (None, "active")
        if username is None and not accounts.is_known(connection, user_id):
            raise NotFound(
                gettext("the bridge has never seen id:%(user_id)s") % {"user_id": user_id}
            )
        law = bridge.rulebook.law(connection)
        asked = errands.open_about(connection, user_id)
        actors = {one.actor for one in member.facts.hand_grants}
        names = doers.names_of(connection, actors)
    given = statement_input(member, law, bridge.addresses, now)
    cards = subscription_cards(member, law, given, now)
    reminded: dict[str, datetime] = {}
    if owed := [one.owed.id for one in cards if one.owed]:
        with bridge.store.read() as connection:
            reminded = messages.reminded(connection, owed)
    mode = "" if bridge.settings.livemode else "/test"
    return Person(
        user_id=user_id,
        username=username,
        state=None if state == "active" else state_words(state),
        read_at=member.read_at,
        places=places_of(member, law, now),
        given=tuple(one for one in member.facts.hand_grants if not one.is_over(now)),
        givers={one: doer(one, names) for one in actors},
        group_names={one.id: one.name for one in member.groups.values()},
        customers=tuple(
            Customer(one, f"{DASHBOARD}{mode}/customers/{one}") for one in member.customer_ids
        ),
        paid=tuple(paid_of(one, member.billing.refused, reminded) for one in cards),
        asked=tuple(asked),
        applied_at=waiting_since(member.facts.steps, now),
    )
