"""A reader's standing towards an offer: theirs, ending, unpaid, given, to be bought. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bridge.core.memberships.member import Member, switches_of
from bridge.core.memberships.state import State
from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Subscription
from bridge.core.rights.approval import is_waiting
from bridge.core.rights.judge import announced_end, is_instalment_plan
from bridge.core.rights.offers import Offer, rivals
from bridge.core.rights.switching import OWING, Switch, running
from bridge.core.rules.ladders import winners
from bridge.core.rules.law import Law
from bridge.core.telling.places import Known, Place, best_by_group, of_groups
from bridge.texts import gettext


class Standing(StrEnum):
    """A reader's standing towards what a card sells."""

    APPLIED = "applied"
    """They ordered it, and a moderator has to approve them first."""
    OPEN = "open"
    """They can buy it."""
    CHANGE = "change"
    """They pay for another step of its ladder, and can change to this one."""
    BESIDE = "beside"
    """They pay for another step of its ladder, and cannot change right now."""
    YOURS = "yours"
    TRIAL = "trial"
    ENDING = "ending"
    """They have cancelled it."""
    PAUSED = "paused"
    FAILED = "failed"
    """A payment for it failed."""
    TERM = "term"
    """Bought once, for a time; also by hand, or before the bridge."""
    FOR_LIFE = "for_life"
    GIVEN = "given"
    """By a moderator."""
    PRESENT = "present"
    """Somebody else pays for it."""
    INCLUDED = "included"
    """Something else they have leads to the same groups."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A reader's standing. `at`: when it renews, ends, or continues; None if it does not.

    `subscription`: theirs to this product. `price_id`: the price that they pay. `can_keep`: a
    cancellation can be taken back. `instead`: the name of what they have instead.
    `unsettled`: groups in which they are not yet what this gives them, and why.
    """

    standing: Standing = Standing.OPEN
    at: datetime | None = None
    subscription: Subscription | None = None
    price_id: str | None = None
    can_keep: bool = False
    instead: str | None = None
    unsettled: tuple[Place, ...] = ()

    @property
    def can_buy(self) -> bool:
        """Whether buying it (again) is not paying for nothing."""
        ends = self.standing in (Standing.GIVEN, Standing.PRESENT) and self.at is not None
        return ends or self.standing in (Standing.OPEN, Standing.TERM, Standing.INCLUDED)


@dataclass(frozen=True, slots=True)
class Buyer:
    """A person's memberships and purchases, as far as they affect what they may buy."""

    facts: Facts
    known: Known
    switches: tuple[Switch, ...]
    law: Law

    @classmethod
    def of(cls, member: Member, law: Law, known: Known) -> Buyer:
        """A member, as stored. `known`: the verdicts and groups on their pages."""
        return cls(member.facts, known, switches_of(member.facts, law), law)

    def stand(self, offers: Sequence[Offer]) -> Stand:
        """Their standing towards a product with these prices."""
        given = self._given(offers)
        if given is not None and given.standing == Standing.INCLUDED:
            # A step of a ladder may lead to no other groups; members can change to it all the same.
            given = self._beside(offers) or given
        found = self._subscribed(offers) or given or self._beside(offers) or Stand()
        if found.standing in _MAY_WAIT and is_waiting(offers[0].product.id, self.known.grants):
            return replace(found, standing=Standing.APPLIED)
        if found.standing in _NOT_THEIRS:
            return found
        return replace(found, unsettled=self._unsettled(offers))

    def _subscribed(self, offers: Sequence[Offer]) -> Stand | None:
        product_id = offers[0].product.id
        own = [
            (one, item)
            for one in running(self.facts)
            for item in one.items
            if item.product_id == product_id
        ]
        if not own:
            return None
        # An open payment comes first, because paying it helps.
        subscription, item = max(own, key=lambda pair: pair[0].status in OWING)
        stand = Stand(subscription=subscription, price_id=item.price_id)
        ends_at = announced_end(subscription, item)
        if subscription.status in OWING:
            return replace(stand, standing=Standing.FAILED, at=self._kept_until(subscription.id))
        if subscription.status == "paused" or subscription.pause_collection:
            return replace(stand, standing=Standing.PAUSED, at=subscription.pause_resumes_at)
        if ends_at and not is_instalment_plan(subscription, item):
            can_keep = not subscription.is_scheduled
            return replace(stand, standing=Standing.ENDING, at=ends_at, can_keep=can_keep)
        if subscription.status == "trialing" and not subscription.continues_at:
            return replace(stand, standing=Standing.TRIAL, at=subscription.trial_end_at)
        return replace(stand, standing=Standing.YOURS, at=item.period_end_at)

    def _kept_until(self, subscription_id: str) -> datetime | None:
        """Until when a failed payment costs no group."""
        kept = (one for one in self.known.grants if one.source_id == subscription_id and one.holds)
        return next((one.until_at for one in kept), None)

    def _given(self, offers: Sequence[Offer]) -> Stand | None:
        """All of its groups come from something else: the first to end says how and until when."""
        best = best_by_group(winners(self.known.grants))
        group_ids = {group_id for one in offers for group_id in one.group_ids}
        if not group_ids or not group_ids <= best.keys():
            return None
        first = min((best[group_id] for group_id in sorted(group_ids)), key=_ends)
        return Stand(
            standing=_how(first, offers[0].product.id),
            at=first.until_at,
            instead=self._name(first.product_id),
        )

    def _beside(self, offers: Sequence[Offer]) -> Stand | None:
        """They pay for another step of the ladder."""
        wanted = {one.price.id for one in offers}
        switch = next((one for one in self.switches if one.target.id in wanted), None)
        if switch is not None:
            return Stand(Standing.CHANGE, instead=self._name(switch.item.product_id))
        for offer in offers:
            for rival in rivals(offer, self.facts, self.law.rules):
                return Stand(Standing.BESIDE, instead=self._name(rival.items[0].product_id))
        return None

    def _name(self, product_id: str | None) -> str:
        return self.law.catalogue.name_of(product_id or "", gettext("another membership"))

    def _unsettled(self, offers: Sequence[Offer]) -> tuple[Place, ...]:
        group_ids = dict.fromkeys(group_id for one in offers for group_id in one.group_ids)
        return tuple(one for one in of_groups(self.known, group_ids) if one.state != State.IN)


_MAY_WAIT = frozenset({Standing.OPEN, Standing.YOURS, Standing.TRIAL, Standing.BESIDE})
"""Whatever else they are told of a payment, such as that it failed, comes before the wait."""
_NOT_THEIRS = frozenset({Standing.OPEN, Standing.CHANGE, Standing.BESIDE})


def _ends(grant: Grant) -> tuple[bool, datetime]:
    return grant.until_at is None, grant.until_at or grant.from_at


def _how(grant: Grant, product_id: str) -> Standing:
    if grant.share != "own":
        return Standing.PRESENT
    if grant.source == "hand" and grant.reason != Reason.BOUGHT:
        return Standing.GIVEN
    is_this = grant.source == "purchase" and grant.product_id == product_id
    if is_this or grant.source == "hand":
        return Standing.FOR_LIFE if grant.until_at is None else Standing.TERM
    return Standing.INCLUDED
