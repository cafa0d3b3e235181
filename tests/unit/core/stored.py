"""Stored memberships, for tests of texts about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Membership
from bridge.core.model.reasons import Hold
from bridge.core.model.rights import Grant


def memberships(
    grants: Iterable[Grant],
    member_of: Iterable[int] | None = None,
    held: Mapping[int, Hold] | None = None,
) -> dict[int, Membership]:
    """A member's memberships; by default they are in everything given or held."""
    held = held or {}
    given = {one.group_id for one in grants if one.holds}
    inside = set(given | held.keys() if member_of is None else member_of)
    return {
        group_id: _membership(
            group_id,
            wanted=group_id in given or group_id in held,
            actual=group_id in inside,
            held=held.get(group_id),
        )
        for group_id in given | inside | held.keys()
    }


def _membership(group_id: int, *, wanted: bool, actual: bool, held: Hold | None) -> Membership:
    by_hand = held if held in {Hold.STAFF, Hold.LEFT} else None
    return Membership(
        membership=WantedMembership(group_id, wanted=wanted, hold=None if by_hand else held),
        actual=actual,
        owned="proven" if actual else "no",
        override=by_hand,
    )
