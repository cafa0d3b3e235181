"""A campaign's offer, its members, and who may use a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.memberships.campaign import Candidate
from bridge.core.model.campaign import Campaign, CampaignLink
from bridge.core.model.discourse import User
from bridge.core.model.stripe import Price, Product
from bridge.core.model.words import checked_words
from bridge.core.rights.offers import Offer
from bridge.core.rules.compiled import Rule
from bridge.core.telling.campaigns import Fate, Progress
from bridge.errors import NotFound, Permanent
from bridge.texts import gettext

LONGEST_NAME = 60
Why = Literal["unknown", "foreign", "revoked", "expired", "used"]


class LinkRefused(Permanent):
    """A campaign's link that this reader cannot use; `why` is stable."""

    def __init__(self, why: Why) -> None:
        super().__init__(gettext("the link cannot be used: %(why)s") % {"why": why})
        self.why = why


@dataclass(frozen=True, slots=True)
class Sent:
    """A new link with its address, which is shown now and never again."""

    user: User
    until_at: datetime | None
    address: str


@dataclass(frozen=True, slots=True)
class Made:
    """A new campaign, its links, and members who got none."""

    campaign: Campaign
    sent: tuple[Sent, ...]
    left_out: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign and its counts; `product`: its offer."""

    campaign: Campaign
    product: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class ShownLink:
    """One member's link and what became of it."""

    link: CampaignLink
    username: str | None
    fate: Fate


def the_one_offer(key: str, found: Sequence[tuple[Product, Price, Rule | None]]) -> Offer:
    """The one price that a campaign offers. Raises: NotFound, Permanent for several."""
    if not found:
        words = gettext(
            "%(key)s is not on offer: give the id or lookup key of a price that is sold"
        )
        raise NotFound(words % {"key": key})
    if len(found) > 1:
        prices = ", ".join(price.lookup_key or price.id for _, price, _ in found)
        words = gettext("%(key)s has several prices: choose one of %(prices)s")
        raise Permanent(words % {"key": key, "prices": prices})
    return Offer(*found[0], ())


def refuse_ending_before(offer: Offer, before: datetime, now: datetime) -> None:
    """Refuse a day in the past, and an offer without groups. Raises: Permanent."""
    if before <= now:
        words = gettext("%(day)s is in the past: give a later day")
        raise Permanent(words % {"day": f"{before:%Y-%m-%d}"})
    if not offer.group_ids:
        words = gettext("%(product)s leads to no group, so no membership of it ends")
        raise Permanent(words % {"product": offer.product.name})


def candidates(ends: Mapping[int, datetime | None], people: Mapping[int, User]) -> list[Candidate]:
    """The members whose membership ends; deleted accounts cannot be asked."""
    return [
        Candidate(f"id:{user_id}", user=people.get(user_id), until_at=ends[user_id])
        if user_id in people
        else Candidate(f"id:{user_id}", until_at=ends[user_id], fate="gone")
        for user_id in sorted(ends)
    ]


def checked_name(name: str) -> str:
    """A valid name for a campaign. Raises: Permanent."""
    found = checked_words(gettext("name of the campaign"), name)
    if len(found) > LONGEST_NAME:
        words = gettext("the name has %(count)s characters: use %(most)s at most")
        raise Permanent(words % {"count": len(found), "most": LONGEST_NAME})
    return found


def refuse_link(campaign: Campaign, link: CampaignLink, *, is_theirs: bool, now: datetime) -> None:
    """Refuse a link that its reader cannot use. Raises: LinkRefused."""
    if not is_theirs:
        raise LinkRefused("foreign")
    if link.source_id is not None:
        raise LinkRefused("used")
    if link.revoked_at is not None or campaign.revoked_at is not None:
        raise LinkRefused("revoked")
    if now >= campaign.ends_at:
        raise LinkRefused("expired")
