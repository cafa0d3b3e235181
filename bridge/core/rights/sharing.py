"""Things that one member pays for and others have: gifts and seats.

A gift belongs only to its beneficiary and does not affect the giver's own grants (E52). The buyer
has one seat of a quantity; if the quantity shrinks, the last seats end first (E21).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant, Seat
from bridge.core.model.stripe import Subscription, SubscriptionItem
from bridge.core.rights.verdict import Verdict


def seat_item(subscription: Subscription) -> SubscriptionItem | None:
    """The item whose quantity is the number of seats: the first of the largest ones."""
    return max(subscription.items, key=lambda item: item.quantity, default=None)


def places(subscription: Subscription) -> int:
    """How many seats there are for others than the buyer."""
    item = seat_item(subscription)
    return max(0, item.quantity - 1) if item else 0


def seated(seat: Seat, verdict: Verdict, notice: timedelta, now: datetime) -> Verdict:
    """The subscription's verdict for somebody who has, or had, one of its seats."""
    if seat.over_since_at is None:
        return verdict
    end_at = seat.over_since_at + notice
    if not verdict.holds and not (now >= end_at and _was_first(end_at, verdict)):
        return verdict
    if now >= end_at:
        return Verdict(Reason.SEAT_OVER, end_at, seat.over_since_at, holds=False)
    return replace(
        verdict,
        reason=Reason.SEAT_ENDING,
        until_at=min(end_at, verdict.until_at or end_at),
        because_at=seat.over_since_at,
        next_change_at=min(end_at, verdict.next_change_at or end_at),
        renews_at=None,
    )


def _was_first(end_at: datetime, verdict: Verdict) -> bool:
    """Whether the seat had ended before the subscription did; a reason stays true (A106)."""
    return verdict.until_at is not None and end_at < verdict.until_at


def given_away(found: Iterable[Grant]) -> Iterator[Grant]:
    """A gift's verdict for its giver, who gets nothing from it."""
    for grant in found:
        if grant.holds:
            yield replace(
                grant,
                holds=False,
                reason=Reason.GIVEN.value,
                share="own",
                until_at=None,
                renews_at=None,
            )
