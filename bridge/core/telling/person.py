"""A person as moderators see them: groups with reasons, and what they pay for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.memberships.member import Member, Membership
from bridge.core.memberships.state import State
from bridge.core.rules.ladders import winners
from bridge.core.rules.law import Law
from bridge.core.telling.holds import for_moderator
from bridge.core.telling.payer_facts import acts_for, how_it_stands, owed_words
from bridge.core.telling.places import GroupName, Known
from bridge.core.telling.standing import group_standing
from bridge.core.telling.statement import name_prices
from bridge.core.telling.subscription_cards import Standing, SubscriptionCard

Act = str


@dataclass(frozen=True, slots=True)
class Place:
    """A group of one person, whose name is `name` and whose title is `group`.

    `because`: why they are in it or not, as the member reads it. `kept_back`: why it does not
    follow what gives it, for moderators. `acts`: for moderators.
    """

    group_id: int
    name: str
    group: str
    state: State
    since_at: datetime | None
    until_at: datetime | None
    because: str
    kept_back: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer at Stripe of this person, with the page there."""

    id: str
    page: str


@dataclass(frozen=True, slots=True)
class Paid:
    """Something that this person pays for. `says`: its state; `acts`: for moderators.

    `owes`: a failed payment in words, and `invoice`: where it is asked for.
    """

    id: str
    name: str
    says: str
    needs_somebody: bool
    acts: tuple[Act, ...]
    owes: str = ""
    invoice: str = ""
    is_reminded: bool = False


def paid_of(
    card: SubscriptionCard, refused: Mapping[str, str], reminded: Mapping[str, datetime]
) -> Paid:
    """Something that they pay for, with what a moderator can do about it.

    `refused` and `reminded` are those of `payer_facts.failure_words`.
    """
    waits = card.standing in (Standing.FAILED, Standing.UNFINISHED)
    found = Paid(card.id, card.name, how_it_stands(card), waits, acts_for(card))
    if card.standing != Standing.FAILED or card.owed is None:
        return found
    owes, invoice = owed_words(card.owed, refused, reminded), card.owed.id
    return replace(found, owes=owes, invoice=invoice, is_reminded=invoice in reminded)


def places_of(member: Member, law: Law, now: datetime) -> tuple[Place, ...]:
    """Each group that they are in, or that something they have leads to, and why."""
    verdicts = member.verdicts(law, now)
    known = Known(
        grants=verdicts,
        memberships=member.memberships,
        groups={one.id: GroupName(one.full_name or one.name) for one in member.groups.values()},
        whats=name_prices(verdicts, law.rules, law.catalogue.prices, law.catalogue.products),
    )
    won = winners(verdicts)
    led_to = {one.group_id for one in verdicts} & member.groups.keys()
    found = []
    for group_id in sorted(member.memberships.keys() | led_to):
        stands = group_standing(known, won, group_id)
        row = member.memberships.get(group_id)
        group = member.groups.get(group_id)
        found.append(
            Place(
                group_id=group_id,
                name=group.name if group else "",
                group=(group.full_name or group.name) if group else f"group {group_id}",
                state=stands.state,
                since_at=row.actual_since if row else None,
                until_at=row.membership.wanted_until if row else None,
                because=stands.reason,
                kept_back=for_moderator(row.kept_back) if row and row.kept_back else "",
                acts=_acts(row),
            )
        )
    return tuple(found)


def _acts(row: Membership | None) -> tuple[Act, ...]:
    if row is None:
        return ()
    if row.override:
        return ("lift",)
    return ("keep", "let-go") if row.membership.hold else ()
