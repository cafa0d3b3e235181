"""The outcome of each of a campaign's links, and the counts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bridge.core.model.campaign import CampaignLink
from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.rights.switching import OVER, OWING

Source = Subscription | Purchase


class Fate(StrEnum):
    """The outcome of a link. A link that was revoked after payment stays paid."""

    SENT = "sent"
    OPENED = "opened"
    """The member followed it to the offer's page."""
    WAITING = "waiting"
    """Bought; the first payment is due when the old term ends."""
    PAID = "paid"
    RETURNED = "returned"
    """Refunded in full, taken back by the bank, or cancelled before the first payment."""
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Progress:
    """The number of links of each kind. `opened` counts every link ever opened, paid or not."""

    sent: int = 0
    opened: int = 0
    paid: int = 0
    waiting: int = 0
    returned: int = 0
    revoked: int = 0


def fate_of(link: CampaignLink, source: Source | None) -> Fate:
    """The outcome of one link. `source`: its purchase, as last read from Stripe."""
    if link.source_id is not None:
        return _bought(source)
    if link.revoked_at is not None:
        return Fate.REVOKED
    return Fate.SENT if link.opened_at is None else Fate.OPENED


def _bought(source: Source | None) -> Fate:
    if source is None:  # ignored now; it was paid once
        return Fate.PAID
    if isinstance(source, Purchase):
        is_back = 0 < source.payment_minor <= source.refunded_minor
        return Fate.RETURNED if is_back or source.disputed == "lost" else Fate.PAID
    return _subscribed(source)


def _subscribed(source: Subscription) -> Fate:
    begins_at, paid = source.continues_at, source.last_payment
    if begins_at and source.status in OVER and (source.ended_at or begins_at) <= begins_at:
        return Fate.RETURNED
    if paid and (0 < paid.amount_minor <= paid.refunded_minor or paid.disputed == "lost"):
        return Fate.RETURNED
    is_owed = source.status in OWING and not paid
    return Fate.WAITING if begins_at and (source.status == "trialing" or is_owed) else Fate.PAID


def progress(links: Iterable[tuple[CampaignLink, Source | None]]) -> Progress:
    """Count the links of a campaign."""
    found = [(link, fate_of(link, source)) for link, source in links]
    count = Counter(fate for _, fate in found)
    return Progress(
        sent=len(found),
        opened=sum(link.opened_at is not None for link, _ in found),
        paid=count[Fate.PAID],
        waiting=count[Fate.WAITING],
        returned=count[Fate.RETURNED],
        revoked=count[Fate.REVOKED],
    )
