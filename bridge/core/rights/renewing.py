"""Renewing early: the rest of the old term still counts, and no group has a gap (A67). Pure.

A one-off term begins where the one before it ends (`stacking`). A subscription's first payment
waits for the end of the time that is already paid for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Facts, Grant
from bridge.core.rights.offers import Offer
from bridge.core.rights.stacking import stacked
from bridge.core.rules.compiled import Rules, rule_of
from bridge.core.rules.policy import Policy
from bridge.core.rules.values import Term

# Stripe lets a first payment wait for at least two days and at most two years
# (docs.stripe.com/api/checkout/sessions/create, subscription_data.trial_end). The minimum has a day
# more, because a click may be repeated; the maximum two days less, because calendars differ.
LEAST_WAIT = timedelta(days=3)
MOST_WAIT = timedelta(days=728)


@dataclass(frozen=True, slots=True)
class Renewal:
    """The effect of another purchase: access until `had_until_at` becomes until `until_at`."""

    had_until_at: datetime
    until_at: datetime
    term: Term


def renewal_of(
    offer: Offer, facts: Facts, rules: Rules, policy: Policy, now: datetime
) -> Renewal | None:
    """The days that a term bought now would add to what is left; None if nothing is left."""
    term = offer.rule.term if offer.rule else None
    if term is None or offer.price.is_recurring or not offer.group_ids:
        return None
    wanted = offer.bought(now)
    purchases = (*facts.purchases, wanted)
    found = stacked(purchases, rules, rule_of(policy.defaults, ""), facts.hand_grants)
    lasting = next(one for one in found if one.purchase is wanted)
    if lasting.had_until_at is None or lasting.end_at is None:
        return None
    return Renewal(lasting.had_until_at, lasting.end_at, term)


def paid_until(offers: Sequence[Offer], verdicts: Iterable[Grant]) -> datetime | None:
    """Until when terms pay for all groups of the renewing lines; None if they do not.

    Grants by a moderator do not count as paid. A group that is held for life never ends.
    """
    ends: dict[int, list[datetime | None]] = {}
    for grant in verdicts:
        if grant.holds and grant.reason == Reason.BOUGHT:
            ends.setdefault(grant.group_id, []).append(grant.until_at)
    wanted = {id_ for one in offers if one.price.is_recurring for id_ in one.group_ids}
    if not wanted <= ends.keys():
        return None
    lasts = [
        max(at for at in ends[id_] if at is not None) for id_ in wanted if None not in ends[id_]
    ]
    return min(lasts, default=None)


def founded(found: Sequence[Grant], facts: Facts, now: datetime) -> Iterator[Grant]:
    """The verdicts, where a subscription that waits for its first payment gives nothing alone.

    A term is what it continues; if that was refunded, it begins with its own payment.
    """
    waiting = {
        one.id: one.continues_at
        for one in facts.subscriptions
        if one.continues_at and one.status == "trialing" and now < one.continues_at - LEAST_WAIT
    }
    paid = {one.group_id for one in found if one.holds and one.reason == Reason.BOUGHT}
    for grant in found:
        begins_at = waiting.get(grant.source_id.partition(":")[0])
        if begins_at is None or not grant.holds or grant.group_id in paid:
            yield grant
            continue
        yield replace(
            grant,
            holds=False,
            reason=Reason.CONTINUES_LATER.value,
            because_at=begins_at,
            next_change_at=begins_at - LEAST_WAIT,
            renews_at=None,
        )


def no_sooner(first_payment_at: datetime, clicked_at: datetime) -> datetime:
    """The same within Stripe's limits; the days up to it are free."""
    return max(first_payment_at, clicked_at + LEAST_WAIT)
