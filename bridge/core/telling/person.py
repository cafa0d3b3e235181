"""A person as moderators see them: groups with reasons, and what they pay for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.memberships.member import Member, Membership
from bridge.core.memberships.state import State, state_of
from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import winners
from bridge.core.rules.law import Law
from bridge.core.telling.holds import for_moderator
from bridge.core.telling.payer_facts import acts_for, how_it_stands
from bridge.core.telling.places import best_by_group
from bridge.core.telling.reasons import sentence, thing_of
from bridge.core.telling.statement import name_prices
from bridge.core.telling.subscription_cards import Standing, SubscriptionCard
from bridge.texts import gettext

Act = str


@dataclass(frozen=True, slots=True)
class Place:
    """A group of one person, whose name is `name` and whose title is `group`.

    `because`: why they are in it or not; `acts`: for moderators.
    """

    group_id: int
    name: str
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
    """Something that this person pays for. `says`: its state; `acts`: for moderators."""

    id: str
    name: str
    says: str
    needs_somebody: bool
    acts: tuple[Act, ...]


def paid_of(card: SubscriptionCard) -> Paid:
    """Something that they pay for, with what a moderator can do about it."""
    waits = card.standing in (Standing.FAILED, Standing.UNFINISHED)
    return Paid(card.id, card.name, how_it_stands(card), waits, acts_for(card))


def places_of(member: Member, law: Law, now: datetime) -> tuple[Place, ...]:
    """Each group that they are in, or that something they have leads to, and why."""
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
                name=group.name if group else "",
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
        by_others = gettext("Added on the forum, not by the bridge.")
        return by_others if added else gettext("Nothing grants it.")
    return sentence(grant, thing_of(grant, whats))


def _acts(row: Membership | None) -> tuple[Act, ...]:
    if row is None:
        return ()
    if row.override:
        return ("lift",)
    return ("keep", "let-go") if row.membership.hold else ()
