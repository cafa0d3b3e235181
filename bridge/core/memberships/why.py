"""Why a membership ended, from the current verdicts on its sources."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from bridge.core.memberships.decision import WantedMembership
from bridge.core.model.rights import Grant

OUTRANKED = "outranked"
"""The source still gives it, but another source gives a higher step of the same ladder."""
NOT_THEIRS = "not_theirs"
"""The source no longer belongs to this user: a customer was unlinked."""
NOT_MAPPED = "not_mapped"
"""The source is there, but its rule no longer leads to this group."""

LET_GO = "let_go"
"""A moderator let a membership end whose source is in doubt; the source is no longer named."""


def ended_by(
    membership: WantedMembership, verdicts: Iterable[Grant], have: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The present verdict on each source that gave a membership, as lines for the log.

    `have`: everything that the user has. Verdicts leave out sources that lead to no group.
    """
    said = tuple(verdicts)
    found = []
    for source in membership.sources:
        # `sub_1:feature` belongs to the same subscription as `sub_1`.
        names = source, source.partition(":")[0]
        mine = [grant for grant in said if grant.source_id in names]
        about = [grant for grant in mine if grant.group_id == membership.group_id]
        is_theirs = mine or any(name in have for name in names)
        line = {"source": source, "reason": NOT_MAPPED if is_theirs else NOT_THEIRS}
        if about:
            grant = next((one for one in about if one.holds), about[-1])
            line |= {"rule": grant.rule_id, "reason": OUTRANKED if grant.holds else grant.reason}
            if grant.because_at:
                line["because_at"] = grant.because_at.isoformat()
        found.append(line)
    return found


def why(
    membership: WantedMembership, verdicts: Iterable[Grant], have: Collection[str] = ()
) -> str | None:
    """The code of a decision's reason: the source, or the end of the last source."""
    if membership.wanted:
        return membership.reason
    ended = ended_by(membership, verdicts, have)
    if ended:
        return str(ended[-1]["reason"])
    return LET_GO if membership.reason else None
