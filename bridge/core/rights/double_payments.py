"""Finds double payments: two subscriptions although one would be enough (E41).

Usually the member is told and decides. Purchases in several tabs at once are not intended: all but
the first end, and their payments are credited (A134).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations

from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Subscription
from bridge.core.rights.switching import IN_FORCE, Ending, is_ending
from bridge.core.rules.ladders import winners

# An order's page at Stripe can be paid for this long. A later purchase was intended.
PAGE_LIFE = timedelta(hours=24)
RENEWING = IN_FORCE | {"past_due"}


def paid_twice(grants: Iterable[Grant]) -> Iterator[frozenset[int]]:
    """Groups from two renewing subscriptions, if one of them gives nothing else.

    Gifts, seats and subscriptions about to end do not count, nor does a base group that two
    different products share. On a ladder the lower step gives nothing else than the higher one.
    """
    own: dict[str, list[Grant]] = {}
    for grant in grants:
        if grant.source == "subscription" and grant.share == "own" and grant.renews_at:
            own.setdefault(grant.source_id, []).append(grant)
    won = {one: {grant.group_id for grant in winners(theirs)} for one, theirs in own.items()}
    told: set[frozenset[int]] = set()
    for (_, lower), (other, upper) in permutations(own.items(), 2):
        both = frozenset(won[other])
        if both and both not in told and _is_contained(lower, upper):
            told.add(both)
            yield both


@dataclass(frozen=True, slots=True)
class Twice:
    """A renewing subscription although another one gives everything that it gives."""

    subscription_id: str
    kept_id: str


def still_twice(own: Iterable[Subscription], grants: Iterable[Grant]) -> tuple[Twice, ...]:
    """Subscriptions that somebody pays for twice, through whichever of their customers.

    `own`: what they pay for, for themselves. Something is paid twice if it leads to nothing else,
    and so are the same products, also without groups. Of two equal ones the newer is too many.
    """
    renewing = [one for one in own if one.status in RENEWING and not is_ending(one)]
    renewing.sort(key=lambda one: (one.created_at, one.id))
    given: dict[str, list[Grant]] = {one.id: [] for one in renewing}
    for grant in grants:
        source_id = grant.source_id.partition(":")[0]
        if source_id in given and grant.share == "own" and grant.holds:
            given[source_id].append(grant)
    over: dict[str, str] = {}
    for lower in reversed(renewing):
        for upper in renewing:
            if upper is lower or upper.id in over:
                continue
            theirs = given[lower.id]
            gives_less = bool(theirs) and _is_contained(theirs, given[upper.id])
            if gives_less or _products(lower) <= _products(upper):
                over[lower.id] = upper.id
                break
    return tuple(Twice(one, _last(one, over)) for one in over)


def _last(one: str, over: Mapping[str, str]) -> str:
    """The subscription to keep in the end: a kept one may itself be redundant."""
    while one in over:
        one = over[one]
    return one


def _products(one: Subscription) -> frozenset[str]:
    return frozenset(item.product_id for item in one.items)


def _is_contained(lower: Iterable[Grant], upper: Iterable[Grant]) -> bool:
    """Whether the other one gives everything that this one gives, or a step at least as high."""
    return all(any(_covers(over, grant) for over in upper) for grant in lower)


def _covers(over: Grant, grant: Grant) -> bool:
    same_ladder = grant.ladder is not None and grant.ladder == over.ladder
    return over.group_id == grant.group_id or (same_ladder and over.rank >= grant.rank)


def doubles(own: Iterable[Subscription], sold: Collection[str]) -> Iterator[Ending]:
    """Subscriptions bought again while the first order's page could still be open.

    `own`: what one user pays for, for themselves. `sold`: subscriptions that the bridge sold to
    this user. It sells nobody what they have already, so it sold these in several tabs.
    """
    firsts: dict[frozenset[str], Subscription] = {}
    for one in sorted(own, key=lambda one: (one.created_at, one.id)):
        first = firsts.setdefault(_products(one), one)
        if one is first or not _is_safe(first) or not _is_safe(one) or one.id not in sold:
            continue
        if one.created_at - first.created_at <= PAGE_LIFE:
            is_paid = one.status == "active" and not one.pause_collection
            yield Ending(one.id, first.id, "now", (), is_credited=is_paid)


def _is_safe(one: Subscription) -> bool:
    """Whether it grants, continues, and has no pending payment that may still fail."""
    return one.status in IN_FORCE and not one.pending and not is_ending(one)
