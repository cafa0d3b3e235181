"""A campaign: one link for each member who is asked to renew, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign: its offer, its author, and until when its links work."""

    id: str
    name: str
    price_id: str
    created_at: datetime
    created_by: str
    ends_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CampaignLink:
    """One member's link. `member_until_at`: when their membership ended, as it was then.

    `source_id`: the subscription or order that was bought by it.
    """

    id: str
    campaign_id: str
    user_id: int
    member_until_at: datetime | None = None
    opened_at: datetime | None = None
    source_id: str | None = None
    paid_at: datetime | None = None
    revoked_at: datetime | None = None
