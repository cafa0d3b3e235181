"""The state of a membership: every page, message and command gives this answer."""

from __future__ import annotations

from enum import StrEnum

from bridge.core.memberships.member import Membership
from bridge.core.model.rights import Grant


class State(StrEnum):
    """The state of a user in a group. The codes are exported, so they are never renamed."""

    IN = "in"
    ARRIVING = "arriving"
    LEAVING = "leaving"
    HELD_IN = "held_in"
    HELD_OUT = "held_out"
    IN_BY_OTHERS = "in_by_others"
    OUT = "out"

    @property
    def is_in(self) -> bool:
        """In the group on the forum, for whatever reason."""
        return self in _IN

    @property
    def is_held(self) -> bool:
        """It stays as it is until a moderator decides."""
        return self in {State.HELD_IN, State.HELD_OUT}


_IN = frozenset({State.IN, State.LEAVING, State.HELD_IN, State.IN_BY_OTHERS})


def state_of(membership: Membership | None, grant: Grant | None) -> State:
    """The state, from what is wanted and what the forum says.

    `grant`: gives the group now and wins on its ladder; None if nothing does. It is newer than
    the decision on record: a grace period that ended a moment ago gives nothing any more.
    """
    if membership is None:
        return State.ARRIVING if grant else State.OUT
    is_ours = membership.actual and membership.owned != "no"
    if membership.kept_back and (grant or membership.membership.wanted or is_ours):
        return State.HELD_IN if membership.actual else State.HELD_OUT
    if not membership.actual:
        return State.ARRIVING if grant else State.OUT
    if grant:
        return State.IN
    return State.LEAVING if is_ours else State.IN_BY_OTHERS
