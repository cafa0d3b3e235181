"""The register of members: the standing of each membership, and the filters of a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bridge.core.memberships.member import Membership
from bridge.core.model.reasons import Reason

Source = Literal["subscription", "purchase", "hand", "import"]
PREFIXES: Mapping[Source, tuple[str, ...]] = {
    "subscription": ("sub_",),
    "purchase": ("cs_", "in_"),
    "hand": ("grant_",),
    "import": ("import_",),
}
"""The prefixes of the ids of each kind of source."""
Sort = Literal["person", "since", "until"]
SORTS: tuple[Sort, ...] = ("person", "since", "until")


class Standing(StrEnum):
    """The standing of a membership on record. The codes are exported, so they are never renamed."""

    GOOD = "good"
    UNPAID = "unpaid"
    ENDING = "ending"
    HELD = "held"
    LEAVING = "leaving"
    BY_OTHERS = "by_others"
    ARRIVING = "arriving"
    KEPT_OUT = "kept_out"

    @property
    def is_in(self) -> bool:
        """In the group on the forum."""
        return self not in {Standing.ARRIVING, Standing.KEPT_OUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The filter of a list. Without a standing: everybody who is in the group.

    `rule_ids`: of the rules of one kind; None is any kind.
    """

    standing: Standing | None = None
    source: Source | None = None
    rule_ids: frozenset[str] | None = None

    def shows(self, membership: Membership) -> bool:
        """Whether a membership is in the list."""
        standing = standing_of(membership)
        if standing is None or (self.standing is None and not standing.is_in):
            return False
        if self.standing is not None and standing != self.standing:
            return False
        if self.rule_ids is not None and membership.membership.rule_id not in self.rule_ids:
            return False
        return self.source is None or self.source in sources_of(membership.membership.sources)


def standing_of(membership: Membership) -> Standing | None:
    """Its standing; None for somebody who is out and to whom nothing grants the group."""
    wanted = membership.membership
    if not membership.actual:
        if not wanted.wanted:
            return None
        return Standing.KEPT_OUT if membership.kept_back else Standing.ARRIVING
    if wanted.hold is not None:
        return Standing.HELD
    if not wanted.wanted:
        return Standing.BY_OTHERS if membership.owned == "no" else Standing.LEAVING
    if wanted.reason == Reason.GRACE:
        return Standing.UNPAID
    return Standing.GOOD if wanted.wanted_until is None else Standing.ENDING


def sources_of(ids: Collection[str]) -> tuple[Source, ...]:
    """The kinds of the sources with these ids."""
    return tuple(
        kind for kind, begins in PREFIXES.items() if any(one.startswith(begins) for one in ids)
    )
