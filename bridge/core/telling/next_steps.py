"""What follows a purchase, and when: told before anybody pays. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.stripe import Price
from bridge.core.rights.offers import Offer
from bridge.core.rights.renewing import Renewal
from bridge.core.rules.values import Term


@dataclass(frozen=True, slots=True)
class NextSteps:
    """When it renews, or when access bought once ends; neither where it has no end."""

    renews_at: datetime | None = None
    ends_at: datetime | None = None


def next_steps(
    offer: Offer,
    now: datetime,
    renewal: Renewal | None = None,
    continues_at: datetime | None = None,
) -> NextSteps:
    """What follows if it is paid now. `renewal`: a new term is added to what they have (E23).

    `continues_at`: they have paid until then, and a subscription is paid for the first time (A67).
    """
    if offer.price.is_recurring:
        return NextSteps(renews_at=continues_at or period_end(offer.price, now))
    term = offer.rule.term if offer.rule else None
    if term is None or not offer.group_ids:
        return NextSteps()
    return NextSteps(ends_at=renewal.until_at if renewal else term.end(now))


def period_end(price: Price, start: datetime) -> datetime:
    """When a period of a recurring price is over, by Stripe's calendar."""
    count = price.interval_count
    if price.interval in ("month", "year"):
        return Term(months=count * (12 if price.interval == "year" else 1)).end(start)
    return Term(days=count * (7 if price.interval == "week" else 1)).end(start)
