"""What somebody pays for twice: two subscriptions of which one would be enough (E41)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import winners


def paid_twice(grants: Iterable[Grant]) -> Iterator[frozenset[int]]:
    """Groups that two renewing subscriptions lead to, where one of these gives nothing besides.

    What is a gift, a seat or about to end is not counted, nor is a base group that two different
    things share. On a ladder the lower step gives nothing besides the higher one.
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


def _is_contained(lower: Iterable[Grant], upper: Iterable[Grant]) -> bool:
    """Whether everything that the one gives is given by the other, or as high a step by it."""
    return all(any(_covers(over, grant) for over in upper) for grant in lower)


def _covers(over: Grant, grant: Grant) -> bool:
    same_ladder = grant.ladder is not None and grant.ladder == over.ladder
    return over.group_id == grant.group_id or (same_ladder and over.rank >= grant.rank)
