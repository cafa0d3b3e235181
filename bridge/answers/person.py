"""One person as a moderator sees them: groups with their reasons, customers, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.answers.log import Line, named
from bridge.core.ledger.lines import MoneyLine
from bridge.core.memberships.member import Member, Membership
from bridge.core.memberships.state import State, state_of
from bridge.core.model.rights import Grant, HandGrant
from bridge.core.rules.ladders import winners
from bridge.core.rules.law import Law
from bridge.core.telling.holds import for_moderator
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.payer_facts import acts_for, how_it_stands
from bridge.core.telling.places import best_by_group
from bridge.core.telling.reasons import phrase
from bridge.core.telling.statement import name_prices
from bridge.core.telling.subscription_cards import Standing, SubscriptionCard, subscription_cards
from bridge.errors import NotFound
from bridge.store import Connection, changes, errands, money, users
from bridge.store import member as members
from bridge.store.errands import Errand
from bridge.wiring import Bridge

Act = str


@dataclass(frozen=True, slots=True)
class Place:
    """A group of one person. `because`: a full phrase; `acts`: what a moderator can do about it."""

    group_id: int
    group: str
    state: State
    since_at: datetime | None
    until_at: datetime | None
    because: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer at Stripe of this person, with the page there."""

    id: str
    page: str


@dataclass(frozen=True, slots=True)
class Paid:
    """Something that this person pays for. `says`: how it stands; `acts`: what can be done."""

    id: str
    name: str
    says: str
    needs_somebody: bool
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """All that the bridge knows of one person.

    `payments`: the last ones through Stripe. `asked`: what Stripe has not answered yet.
    """

    user_id: int
    username: str | None
    state: str
    read_at: datetime | None
    places: tuple[Place, ...]
    given: tuple[HandGrant, ...]
    group_names: Mapping[int, str]
    customers: tuple[Customer, ...]
    paid: tuple[Paid, ...]
    payments: tuple[MoneyLine, ...]
    asked: tuple[Errand, ...]


LAST_PAYMENTS = 12
DASHBOARD = "https://dashboard.stripe.com"


def person(bridge: Bridge, user_id: int) -> Person:
    """Somebody by their id. Raises NotFound for a user the bridge never had to do with."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        member = members.load(connection, user_id)
        username, state = users.known(connection, user_id) or (None, "active")
        if username is None and not member.customer_ids and not member.memberships:
            raise NotFound(f"the bridge has never seen user {user_id}")
        law = bridge.rulebook.law(connection)
        payments = money.last_paid(connection, user_id, LAST_PAYMENTS)
        asked = errands.open_about(connection, user_id)
    given = statement_input(member, law, bridge.addresses, now)
    cards = subscription_cards(member, law, given, now)
    mode = "" if bridge.settings.livemode else "/test"
    return Person(
        user_id=user_id,
        username=username,
        state=state,
        read_at=member.read_at,
        places=_places(member, law, now),
        given=member.facts.hand_grants,
        group_names={one.id: one.name for one in member.groups.values()},
        customers=tuple(
            Customer(one, f"{DASHBOARD}{mode}/customers/{one}") for one in member.customer_ids
        ),
        paid=tuple(map(_paid, cards)),
        payments=payments,
        asked=tuple(asked),
    )


def timeline(connection: Connection, found: Person, before: int | None) -> tuple[Line, ...]:
    """What happened to somebody, the newest first, in pages."""
    lines = changes.page(connection, user_id=found.user_id, before=before)
    return named(connection, lines, found.group_names)


def _paid(card: SubscriptionCard) -> Paid:
    waits = card.standing in (Standing.FAILED, Standing.UNFINISHED)
    return Paid(card.id, card.name, how_it_stands(card), waits, acts_for(card))


def _places(member: Member, law: Law, now: datetime) -> tuple[Place, ...]:
    verdicts = member.verdicts(law, now)
    whats = name_prices(verdicts, law.rules, law.catalogue.prices, law.catalogue.products)
    best: dict[int, Grant] = {}
    for grant in sorted(verdicts, key=lambda one: (one.holds, one.from_at)):
        best[grant.group_id] = grant
    winning = best_by_group(winners(verdicts))
    found = []
    for group_id in sorted(member.memberships.keys() | (best.keys() & member.groups.keys())):
        row = member.memberships.get(group_id)
        group = member.groups.get(group_id)
        found.append(
            Place(
                group_id=group_id,
                group=(group.full_name or group.name) if group else f"group {group_id}",
                state=state_of(row, winning.get(group_id)),
                since_at=row.actual_since if row else None,
                until_at=row.membership.wanted_until if row else None,
                because=_because(row, best.get(group_id), whats),
                acts=_acts(row),
            )
        )
    return tuple(found)


def _because(row: Membership | None, grant: Grant | None, whats: dict[str, str]) -> str:
    if row is not None and (kept := row.kept_back):
        return for_moderator(kept)
    if grant is None:
        added = row is not None and row.actual and row.owned == "no"
        return "added on the forum, not by the bridge" if added else "nothing grants it"
    what = whats.get(grant.price_id or "", "membership")
    return phrase(grant, what, lambda at: f"{at:%-d %B %Y}")


def _acts(row: Membership | None) -> tuple[Act, ...]:
    if row is None:
        return ()
    if row.override:
        return ("lift",)
    return ("keep", "let-go") if row.membership.hold else ()
