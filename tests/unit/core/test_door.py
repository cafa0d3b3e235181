"""Good or bad, and why: the answer to a door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from bridge.core.memberships.state import State
from bridge.core.model.reasons import Hold
from bridge.core.model.rights import Grant
from bridge.core.rules.ladders import winners
from bridge.core.telling.place_words import place_words
from bridge.core.telling.places import GroupName, Known, of_groups
from bridge.core.telling.reasons import sentence, thing_of
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


LADDER = {1: GroupName("Supporters"), 2: GroupName("Patrons"), 3: GroupName("Founders")}
RIGHTS = st.builds(
    lambda number, step, reason, by_hand, days: grant(
        reason,
        holds=reason in ("active", "trial"),
        group_id=step,
        rank=step,
        ladder="level",
        source_id=f"{'hand' if by_hand else 'sub'}_{number}",
        until_at=NOW + timedelta(days=days) if days else None,
    ),
    st.integers(1, 9),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["active", "trial", "canceled", "unpaid"]),
    st.booleans(),
    st.integers(0, 3),
)


@for_all(st.lists(RIGHTS, max_size=5, unique_by=lambda one: one.source_id))
def test_A4_who_is_not_on_a_step_is_never_told_that_what_gives_it_is_active(
    rights: list[Grant],
) -> None:
    known = Known(grants=tuple(rights), groups=LADDER)
    won = winners(rights)
    given = {one.group_id for one in won}
    for place in group_standings(known, [*LADDER]):
        holding = [one for one in rights if one.group_id == place.group_id and one.holds]
        if not holding or place.group_id in given:
            assert place.code != "outranked"
            continue
        (step,) = given
        assert (place.code, place.reason) == ("outranked", f"{LADDER[step].name} takes its place.")
        (told,) = of_groups(known, [place.group_id])
        words = place_words(told, lambda names: names[0].name, str, "en-GB")
        assert told.state == State.OUT
        assert words.endswith(place.reason)
        for one in holding:
            assert sentence(one, thing_of(one, {})) not in words


def test_A4_a_step_without_a_known_name_is_a_step() -> None:
    low = grant("active", holds=True, ladder="level", rank=1)
    high = grant("active", holds=True, ladder="level", rank=2, group_id=OTHER, source_id="sub_2")
    (place,) = group_standings(Known(grants=(low, high)), [GROUP])
    assert place.reason == "Another step of the same ladder takes its place."
