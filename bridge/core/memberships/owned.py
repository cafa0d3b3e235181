"""The parts of an offer that a reader already has, so that nobody pays twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.core.memberships.member import Membership
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Subscription
from bridge.core.rights.offers import Offer
from bridge.core.rights.switching import OVER, OWING


@dataclass(frozen=True, slots=True)
class Owned:
    """Why the reader need not buy this: a running subscription to it, or its groups for life."""

    subscription: Subscription | None

    @property
    def owes(self) -> bool:
        """Whether a payment is open that has to be made first."""
        return self.subscription is not None and self.subscription.status in OWING


def already_owned(
    offer: Offer, facts: Facts, memberships: Mapping[int, Membership]
) -> Owned | None:
    """The subscription to this offer, or the groups for life, that make it needless; else None."""
    if offer.price.is_recurring:
        for subscription in facts.subscriptions:
            if subscription.status not in OVER and _is_for(subscription, offer):
                return Owned(subscription)
    found = [memberships.get(group_id) for group_id in offer.group_ids]
    return Owned(None) if found and all(map(_is_for_life, found)) else None


def _is_for(subscription: Subscription, offer: Offer) -> bool:
    return any(item.product_id == offer.product.id for item in subscription.items)


def _is_for_life(membership: Membership | None) -> bool:
    """Whether a group is held without an end, and not through a subscription."""
    wanted = membership.membership if membership else None
    return (
        wanted is not None
        and wanted.wanted
        and wanted.wanted_until is None
        and bool(wanted.sources)
        and not any(source.startswith("sub_") for source in wanted.sources)
    )
