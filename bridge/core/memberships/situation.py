"""What a decision must not change, from the verdicts and the reading."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bridge.core.memberships.decision import Situation
from bridge.core.model.reasons import UNDECIDED, Hold
from bridge.core.model.rights import Grant
from bridge.core.rules.compiled import Rules
from bridge.core.rules.policy import Policy


def situation(
    policy: Policy,
    rules: Rules,
    verdicts: Iterable[Grant],
    now: datetime,
    reading_at: datetime | None,
    vanished: Iterable[str] = (),
) -> Situation:
    """The input of a decision besides grants. A user without customers needs no reading."""
    held = {g.source_id: str(g.reason) for g in verdicts if not g.holds and g.reason in UNDECIDED}
    gone = frozenset(vanished)
    by_feature = {g.source_id for g in verdicts if g.feature and g.source_id.split(":")[0] in gone}
    held |= dict.fromkeys(gone | by_feature, str(Hold.VANISHED))
    return Situation(
        now=now,
        reading_at=reading_at or now,
        confirm=timedelta(seconds=policy.removal_confirm_seconds),
        halted_group_ids=rules.halted_group_ids,
        held_sources=held,
        unfollowed_ladders=policy.unfollowed_ladders,
    )
