from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Facts, Grant, HandGrant
from bridge.core.rights.grants import grants
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.rules.ladders import winners
from bridge.core.rules.policy import Policy

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NO_RULES = Rules()
GIVEN = HandGrant("grant_1", 7, 41, NOW - DAY, NOW + DAY, "helps a lot", "maria")


def verdict(hand: HandGrant, rules: Rules = NO_RULES, now: datetime = NOW) -> Grant:
    (found,) = grants(Facts(hand_grants=(hand,)), rules, Policy(), now)
    return found


def test_A60_a_favour_is_told_as_one_and_ends_at_its_very_end() -> None:
    assert verdict(GIVEN).reason == Reason.HAND
    over = verdict(GIVEN, now=NOW + DAY)
    assert (over.holds, over.reason) == (False, Reason.HAND_OVER)


def test_A60_a_grant_is_over_once_it_was_taken_back_or_has_reached_its_end() -> None:
    assert not GIVEN.is_over(NOW)
    assert GIVEN.is_over(NOW + DAY)
    assert not replace(GIVEN, from_at=NOW + DAY, until_at=None).is_over(NOW), "it may begin later"
    assert replace(GIVEN, until_at=None, revoked_at=NOW).is_over(NOW)


@pytest.mark.parametrize("source", ["moderator", "payment", "import"])
def test_A106_a_grant_that_was_taken_back_stays_so_after_its_end_would_have_come(
    source: Literal["moderator", "payment", "import"],
) -> None:
    back = replace(GIVEN, source=source, revoked_at=NOW)
    for now in (NOW, NOW + DAY, NOW + 400 * DAY):
        found = verdict(back, now=now)
        assert (found.holds, found.reason) == (False, Reason.HAND_REVOKED)
        assert found.because_at == NOW
    for_good = replace(back, until_at=None)
    assert verdict(for_good).reason == Reason.HAND_REVOKED
    waiting = replace(back, from_at=NOW + DAY, until_at=NOW + 2 * DAY)
    assert verdict(waiting).reason == Reason.HAND_REVOKED


def test_A106_a_grant_that_had_ended_before_it_was_taken_back_has_ended() -> None:
    late = replace(GIVEN, revoked_at=NOW + 2 * DAY)
    assert verdict(late, now=NOW + 3 * DAY).reason == Reason.HAND_OVER


@pytest.mark.parametrize("source", ["payment", "import"])
def test_A59_what_was_paid_by_other_means_is_told_as_bought(
    source: Literal["payment", "import"],
) -> None:
    paid = replace(GIVEN, source=source)
    assert verdict(paid).reason == Reason.BOUGHT
    assert verdict(replace(paid, until_at=None)).holds
    assert verdict(paid, now=NOW + DAY).reason == Reason.TERM_OVER


def test_A4_a_grant_by_hand_stands_on_its_step_of_the_ladder() -> None:
    step = Rule(
        id="prod_gold",
        product_id="prod_gold",
        group_ids=(40, 41),
        ladder="level",
        ladder_group_ids=frozenset({41}),
        rank=2,
    )
    rules = Rules(by_product={"prod_gold": step})
    assert (verdict(GIVEN, rules).ladder, verdict(GIVEN, rules).rank) == ("level", 2)
    base = replace(GIVEN, group_id=40)
    assert (verdict(base, rules).ladder, verdict(base, rules).rank) == (None, 0)


def test_I3_what_steps_of_different_height_share_is_no_step_by_itself() -> None:
    def rule(number: int) -> Rule:
        both = (40, 40 + number)
        return Rule(
            id=f"prod_{number}",
            product_id=f"prod_{number}",
            group_ids=both,
            ladder="level",
            ladder_group_ids=frozenset(both),
            rank=number,
        )

    rules = Rules(by_product={f"prod_{number}": rule(number) for number in (1, 2)})
    assert rules.step_of(40) == (None, 0)
    assert rules.step_of(42) == ("level", 2)


def test_I3_a_part_of_a_step_that_is_given_by_hand_takes_nothing_of_the_whole() -> None:
    by_hand = replace(verdict(GIVEN), ladder="level", rank=1)
    base, step = (
        replace(by_hand, source="subscription", source_id="sub_1", group_id=id_, from_at=NOW - DAY)
        for id_ in (41, 42)
    )
    assert {one.group_id for one in winners((base, step, by_hand))} == {41, 42}
    alone = replace(by_hand, group_id=43)
    assert {one.group_id for one in winners((base, replace(alone, from_at=NOW)))} == {43}


@pytest.mark.parametrize(
    ("known", "given", "same"),
    [
        (None, None, True),
        (None, NOW, False),
        (NOW, None, False),
        (NOW, NOW, True),
        (NOW, NOW - timedelta(minutes=5), True),
        (NOW, NOW + timedelta(seconds=1), False),
        (NOW, NOW + timedelta(days=1), False),
        (NOW, NOW - timedelta(days=1), False),
    ],
)
def test_A60_the_same_grant_is_given_once_and_a_longer_one_as_well(
    known: datetime | None, given: datetime | None, *, same: bool
) -> None:
    one, other = (
        HandGrant("grant", 7, 3, NOW - timedelta(days=9), until_at, "Speaker", "mia")
        for until_at in (known, given)
    )
    assert one.is_same(other) is same
    assert not one.is_same(replace(other, group_id=4))
    assert not one.is_same(replace(other, source="payment"))
