"""Good or bad, and why: the answer to a door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.model.reasons import Hold
from bridge.core.model.rights import Grant
from bridge.core.telling.standing import group_standings
from bridge.core.telling.statement import Links, StatementInput
from tests.unit.core.stored import memberships

NOW = datetime(2027, 3, 1, tzinfo=UTC)
GROUP, OTHER = 7, 8


def grant(reason: str, *, holds: bool, **more: Any) -> Grant:
    return Grant(
        group_id=more.pop("group_id", GROUP),
        source="subscription",
        source_id=more.pop("source_id", "sub_1"),
        rule_id="r",
        holds=holds,
        reason=reason,
        from_at=NOW - timedelta(days=9),
        **more,
    )


ACTIVE = grant("active", holds=True)
ENDING = grant("ending", holds=True, until_at=NOW + timedelta(days=3), source_id="sub_2")
CANCELED = grant("canceled", holds=False, because_at=NOW)
UNPAID = grant("unpaid", holds=False, because_at=NOW - timedelta(days=1), source_id="sub_2")


@pytest.mark.parametrize(
    ("grants", "member", "held", "good", "code", "due"),
    [
        ([ACTIVE], True, None, True, "active", False),
        ([ACTIVE], False, None, True, "active", True),
        ([ENDING, ACTIVE], True, None, True, "active", False),  # the one that lasts longest
        ([CANCELED], True, None, True, "canceled", False),  # in still: it was not taken yet
        ([UNPAID, CANCELED], False, None, False, "canceled", False),  # the latest
        ([UNPAID, ENDING], False, None, True, "ending", True),
        ([ACTIVE], False, Hold.STAFF, False, "held", False),
        ([ACTIVE], True, Hold.RULE_HALTED, True, "held", False),
        ([], True, None, True, "not_by_us", False),
        ([], False, None, False, "nothing", False),
    ],
)
def test_A18_somebody_who_is_in_or_due_in_is_in_good_standing(
    grants: list[Grant],
    held: Hold | None,
    code: str,
    *,
    member: bool,
    good: bool,
    due: bool,
) -> None:
    given = StatementInput(
        as_of=NOW,
        links=Links(""),
        grants=tuple(grants),
        memberships=memberships(grants, {GROUP} if member else (), {GROUP: held} if held else {}),
    )
    (place,) = group_standings(given, [GROUP])
    assert (place.is_good, place.code, place.is_due) == (good, code, due)
    assert place.reason


def test_A18_of_a_ladder_only_the_step_that_counts_is_due_and_the_good_come_first() -> None:
    low = grant("active", holds=True, ladder="level", rank=1)
    high = grant("active", holds=True, ladder="level", rank=2, group_id=OTHER, source_id="sub_2")
    given = StatementInput(as_of=NOW, links=Links(""), grants=(low, high))
    found = group_standings(given, [GROUP, OTHER])
    assert [(one.group_id, one.is_good) for one in found] == [(OTHER, True), (GROUP, False)]
