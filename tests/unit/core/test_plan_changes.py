"""Plans that change, prices without a rule, ladders that do not follow, seats, clocks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from bridge.core.memberships.decision import Situation, WantedMembership, decide
from bridge.core.model.reasons import UNDECIDED
from bridge.core.model.rights import HandGrant
from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.rules.ladders import staying, winners
from bridge.core.rules.policy import Policy, parse_policy
from tests.unit.core.shop import (
    DAY,
    MEMBERS,
    NOW,
    PATRONS,
    SUPPORTERS,
    hand,
    held,
    item,
    judged,
    only,
    purchase,
    rules_of,
    subscription,
)

CONFIRM = DAY / 1440
UNFOLLOWED: dict[str, object] = {
    "ladders": {"level": {"groups": ["supporters", "patrons"], "follow": False}}
}
STEPS = {
    "prod_s": {"discourse_groups": "members,supporters", "discourse_ladder": "level"},
    "prod_p": {"discourse_groups": "members,patrons", "discourse_ladder": "level"},
}
LEVELS: dict[str, object] = {"ladders": {"level": ["supporters", "patrons"]}}


def lives(
    before: Mapping[int, WantedMembership],
    *sources: Subscription | Purchase | HandGrant,
    now: datetime = NOW,
    toml: dict[str, object] | None = None,
    metadata: dict[str, dict[str, str]] | None = None,
) -> dict[int, WantedMembership]:
    """The memberships after one decision."""
    policy = parse_policy(toml or LEVELS)
    rules = rules_of(metadata or STEPS, **(toml or LEVELS))
    found = judged(*sources, rules=rules, now=now, policy=policy)
    doubtful = {g.source_id: g.reason for g in found if not g.holds and g.reason in UNDECIDED}
    at = Situation(
        now,
        now,
        CONFIRM,
        held_sources=doubtful,
        unfollowed_ladders=policy.unfollowed_ladders,
    )
    return {
        **before,
        **{membership.group_id: membership for membership in decide(before, found, at).memberships},
    }


def wanted(memberships: Mapping[int, WantedMembership]) -> set[int]:
    return {membership.group_id for membership in memberships.values() if membership.wanted}


def gone(memberships: Mapping[int, WantedMembership]) -> set[int]:
    """Groups that may be taken at this moment."""
    return {
        membership.group_id
        for membership in memberships.values()
        if not membership.wanted
        and (membership.confirmed_at or membership.swap_to)
        and not membership.hold
    }


# --- A34: a price without a rule ------------------------------------------------------------------


def test_A34_an_unmapped_price_holds_what_its_subscription_gave() -> None:
    before = lives({}, subscription("active", item("prod_s")))
    after = lives(before, subscription("active", item("prod_new")))
    assert wanted(after) == {MEMBERS, SUPPORTERS}
    assert {membership.hold for membership in after.values()} == {"no_rule"}


def test_A34_the_site_may_let_an_unmapped_price_end_it() -> None:
    toml: dict[str, object] = {**LEVELS, "site": {"unmapped": "end"}}
    before = lives({}, subscription("active", item("prod_s")), toml=toml)
    moved = subscription("active", item("prod_new"))
    after = lives(before, moved, toml=toml)
    assert wanted(after) == gone(after) == set(), "an end like any other: after a second reading"
    after = lives(after, moved, toml=toml, now=NOW + CONFIRM)
    assert gone(after) == {MEMBERS, SUPPORTERS}
    (why,) = judged(moved, rules=rules_of(STEPS), policy=Policy(unmapped="end"))
    assert why.reason == "no_rule_ends", "and never silently"


# --- A30, A43, A24: changes of plan ---------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [("prod_s", "prod_p"), ("prod_p", "prod_s")])
def test_A30_A43_D14_a_changed_plan_swaps_the_level_and_leaves_the_base_group(
    old: str, new: str
) -> None:
    low_to_high = {"prod_s": SUPPORTERS, "prod_p": PATRONS}
    before = lives({}, subscription("active", item(old)))
    after = lives(before, subscription("active", item(new)), now=NOW + DAY)
    assert wanted(after) == {MEMBERS, low_to_high[new]}
    base = after[MEMBERS]
    assert base == replace(before[MEMBERS], rule_id=base.rule_id), "not touched at all"
    assert gone(after) == {low_to_high[old]}
    assert after[low_to_high[old]].swap_to == low_to_high[new], "only once the new one is held"


def test_A24_E18_a_downgrade_counts_when_the_renewal_carries_it() -> None:
    """A schedule keeps the higher item in force until its phase is over."""
    before = lives({}, subscription("active", item("prod_p")))
    assert wanted(before) == {MEMBERS, PATRONS}
    renewed = subscription("active", item("prod_s", NOW, NOW + 30 * DAY))
    assert wanted(lives(before, renewed)) == {MEMBERS, SUPPORTERS}


# --- A35: a ladder that does not follow -----------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [("prod_s", "prod_p"), ("prod_p", "prod_s")])
def test_A35_where_levels_do_not_follow_a_changed_plan_touches_no_group(old: str, new: str) -> None:
    before = lives({}, subscription("active", item(old)), toml=UNFOLLOWED)
    after = lives(before, subscription("active", item(new)), toml=UNFOLLOWED)
    assert after == {
        group_id: replace(membership, rule_id=after[group_id].rule_id)
        for group_id, membership in before.items()
    }


@pytest.mark.parametrize("in_between", [True, False])
def test_A35_A42_cancelled_and_bought_again_stays_on_its_step_too(*, in_between: bool) -> None:
    memberships = lives({}, subscription("active", item("prod_s")), toml=UNFOLLOWED)
    old = subscription("canceled", item("prod_s"))
    if in_between:
        memberships = lives(memberships, old, toml=UNFOLLOWED)
        assert wanted(memberships) == set()
    new = subscription("active", item("prod_p"), id_="sub_2")
    memberships = lives(memberships, old, new, toml=UNFOLLOWED, now=NOW + CONFIRM / 2)
    assert wanted(memberships) == {MEMBERS, SUPPORTERS}


def test_A35_when_nothing_of_the_ladder_is_paid_any_more_it_ends() -> None:
    memberships = lives({}, subscription("active", item("prod_s")), toml=UNFOLLOWED)
    over = subscription("canceled", item("prod_p"))
    memberships = lives(memberships, over, toml=UNFOLLOWED)
    memberships = lives(memberships, over, toml=UNFOLLOWED, now=NOW + CONFIRM)
    assert gone(memberships) == {MEMBERS, SUPPORTERS}
    again = subscription("active", item("prod_p"), id_="sub_2")
    memberships = lives(memberships, again, toml=UNFOLLOWED, now=NOW + DAY)
    assert wanted(memberships) == {MEMBERS, PATRONS}, "whoever begins anew begins where they pay"


def test_A35_a_moderator_moves_somebody_for_as_long_as_the_grant_lasts() -> None:
    paid = only(subscription("active", item("prod_s")))
    on_ladder = replace(paid, ladder="level", rank=1)
    by_hand = replace(
        on_ladder, source="hand", source_id="h", rule_id="hand", group_id=PATRONS, rank=2
    )
    for stands_on in (SUPPORTERS, PATRONS):
        found = staying((on_ladder, by_hand), {"level": {stands_on}})
        assert {one.group_id for one in winners(found)} == {PATRONS}
    over = replace(by_hand, holds=False)
    assert {one.group_id for one in winners(staying((on_ladder, over), {"level": {PATRONS}}))} == {
        SUPPORTERS
    }


def test_A35_other_ladders_and_groups_follow_as_ever() -> None:
    found = judged(
        subscription("active", item("prod_s"), item("prod_p"), item("prod_m")), rules=rules_of()
    )
    assert staying(found, {"level": {SUPPORTERS}}) == found


# --- E21: seats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", [1, 5])
def test_E21_of_seats_that_are_bought_one_is_the_buyers_own(quantity: int) -> None:
    seats = subscription("active", replace(item(), quantity=quantity))
    assert held([only(seats)]) == {PATRONS}


def test_E21_without_a_seat_there_is_no_group() -> None:
    grant = only(subscription("active", replace(item(), quantity=0)))
    assert (grant.holds, grant.reason) == (False, "no_seats")


# --- E47: clocks ----------------------------------------------------------------------------------


def test_E47_what_the_clock_ends_is_taken_only_after_a_margin_even_on_a_ladder() -> None:
    metadata = {**STEPS, "prod_p": {**STEPS["prod_p"], "discourse_term": "10d"}}
    sources = (subscription("active", item("prod_s")), purchase(product_id="prod_p"))
    ends_at = sources[1].paid_at + 10 * DAY
    early = lives({}, *sources, now=ends_at - DAY, metadata=metadata)
    assert wanted(early) == {MEMBERS, PATRONS}
    just_over = lives(early, *sources, now=ends_at, metadata=metadata)
    assert (wanted(just_over), gone(just_over)) == ({MEMBERS, SUPPORTERS}, set())
    later = lives(just_over, *sources, now=ends_at + CONFIRM / 2, metadata=metadata)
    assert gone(later) == set(), "our clock may be fast"
    later = lives(just_over, *sources, now=ends_at + CONFIRM, metadata=metadata)
    assert gone(later) == {PATRONS}


def test_E47_what_a_moderator_gave_until_a_day_ends_with_the_same_margin() -> None:
    ends_at = NOW + DAY
    memberships = lives({}, hand(ends_at))
    memberships = lives(memberships, hand(ends_at), now=ends_at)
    assert gone(memberships) == set()
    assert gone(lives(memberships, hand(ends_at), now=ends_at + CONFIRM)) == {MEMBERS}
