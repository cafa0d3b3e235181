"""The step of each ladder that somebody has: the highest that anything gives.

On a ladder that does not follow payments, members stay on the step that they have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bridge.core.model.rights import Grant


def winners(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Keep only the groups of each ladder's highest grant; with equal ranks, the latest start.

    Every grant to one of those groups stays, whatever its rank: the longest of them is the end.
    """
    holding = [grant for grant in grants if grant.holds]
    best: dict[str, Grant] = {}
    for grant in holding:
        if grant.ladder is None or _is_within(grant, holding):
            continue
        rival = best.get(grant.ladder)
        if rival is None or _height(grant) > _height(rival):
            best[grant.ladder] = grant
    steps = {
        (grant.ladder, grant.group_id)
        for grant in holding
        if grant.ladder is not None and _same_step(grant, best[grant.ladder])
    }
    return tuple(
        grant
        for grant in holding
        if grant.ladder is None or (grant.ladder, grant.group_id) in steps
    )


def outranked_by(grant: Grant, won: Iterable[Grant]) -> int | None:
    """The group of the step that counts instead of a grant; None if nothing outranks it.

    `won`: the `winners` among this grant and the others.
    """
    if not grant.holds or grant.ladder is None:
        return None
    steps = [one.group_id for one in won if one.ladder == grant.ladder]
    return None if grant.group_id in steps else next(iter(steps), None)


def staying(
    grants: Iterable[Grant], held_steps: Mapping[str | None, Collection[int]]
) -> tuple[Grant, ...]:
    """The grants, with every step of a ladder replaced by the step that somebody has (A35).

    `held_steps`: the groups held before, on ladders that do not follow payments. So a
    change of payment moves nobody; the step ends only when nothing of the ladder is paid any more.
    A member whom a moderator put on a step is there as long as that grant lasts.
    """
    grants = tuple(grants)
    by_hand = {grant.group_id for grant in grants if grant.source == "hand"}
    moved = {grant.ladder for grant in grants if grant.source == "hand" and grant.holds}
    found: dict[Grant, None] = {}
    for grant in grants:
        on_ladder = held_steps.get(grant.ladder, ()) if grant.ladder not in moved else ()
        held = [group_id for group_id in on_ladder if group_id not in by_hand]
        for group_id in held or (grant.group_id,):
            # All of them are on one step now: none is higher than another.
            found[replace(grant, group_id=group_id, rank=0) if held else grant] = None
    return tuple(found)


def _is_within(grant: Grant, others: Iterable[Grant]) -> bool:
    """Whether a grant by hand is part of a step that something else gives completely."""
    return grant.source == "hand" and any(
        (one.ladder, one.rank, one.group_id) == (grant.ladder, grant.rank, grant.group_id)
        for one in others
        if one.source != "hand"
    )


def _height(grant: Grant) -> tuple[int, datetime, str]:
    return grant.rank, grant.from_at, grant.source_id


def _same_step(grant: Grant, best: Grant) -> bool:
    return (grant.source_id, grant.rule_id) == (best.source_id, best.rule_id)
