"""The next steps after a purchase, shown before payment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.stripe import Price
from bridge.core.rights.grants import grants
from bridge.core.rights.offers import Offer
from bridge.core.rights.renewing import Renewal
from bridge.core.rules.values import Term
from bridge.core.telling.stands import Buyer


@dataclass(frozen=True, slots=True)
class NextSteps:
    """When it renews, or when one-off access ends; neither if it has no end.

    `needs_approval`: a moderator has to approve the buyer before they get access (A62).
    """

    renews_at: datetime | None = None
    ends_at: datetime | None = None
    needs_approval: bool = False


def next_steps(
    offer: Offer,
    now: datetime,
    renewal: Renewal | None = None,
    continues_at: datetime | None = None,
    *,
    waits: bool = False,
) -> NextSteps:
    """The next steps if it is paid now. `renewal`: a new term is added to what they have (E23).

    `continues_at`: the time until which they have paid; a subscription's first payment is then
    (A67). `waits`: it would wait for approval.
    """
    if offer.price.is_recurring:
        renews_at = continues_at or period_end(offer.price, now)
        return NextSteps(renews_at=renews_at, needs_approval=waits)
    term = offer.rule.term if offer.rule else None
    if term is None or not offer.group_ids:
        return NextSteps(needs_approval=waits)
    return NextSteps(ends_at=renewal.until_at if renewal else term.end(now), needs_approval=waits)


def would_wait(offer: Offer, buyer: Buyer | None, now: datetime) -> bool:
    """Whether it would wait for approval if bought now; without a buyer: by a stranger."""
    from_at = offer.rule.approval_from if offer.rule else None
    if from_at is None or buyer is None:
        return from_at is not None and from_at <= now
    wanted = offer.bought(now)
    with_it = replace(buyer.facts, purchases=(*buyer.facts.purchases, wanted))
    found = grants(with_it, buyer.law.rules, buyer.law.policy, now)
    return any(one.source_id == wanted.id and one.reason == Reason.APPROVAL_WAITS for one in found)


def period_end(price: Price, start: datetime) -> datetime:
    """When a period of a recurring price ends, by Stripe's calendar."""
    count = price.interval_count
    if price.interval in ("month", "year"):
        return Term(months=count * (12 if price.interval == "year" else 1)).end(start)
    return Term(days=count * (7 if price.interval == "week" else 1)).end(start)
