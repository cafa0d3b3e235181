from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.memberships.decision import Decision, Situation, WantedMembership, decide
from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts, Grant, HandGrant
from bridge.core.model.stripe import Price, Product, Subscription, SubscriptionItem
from bridge.core.rights.grants import grants
from bridge.core.rules.ladders import winners
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.policy import Policy, parse_policy

LOW, HIGH, BASE, EXTRA = 41, 42, 43, 44
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
RENEWAL = datetime(2026, 4, 1, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
CONFIRM = timedelta(seconds=60)


def grant(group_id: int, source_id: str = "sub_1", **more: object) -> Grant:
    made = Grant(group_id, "subscription", source_id, f"rule-{source_id}", True, "active", START)  # noqa: FBT003 - the field `holds`
    return replace(made, **more)  # type: ignore[arg-type] # the tests name its own fields


def step(group_id: int, rank: int, source: str = "sub_1", **more: object) -> Grant:
    return grant(group_id, source, ladder="level", rank=rank, **more)


def situation(now: datetime = NOW, **more: object) -> Situation:
    made = Situation(now=now, reading_at=now, confirm=CONFIRM)
    return replace(made, **more)  # type: ignore[arg-type] # the tests name its own fields


def after(
    before: Mapping[int, WantedMembership], decision: Decision
) -> dict[int, WantedMembership]:
    return {**before, **{membership.group_id: membership for membership in decision.memberships}}


def decided(
    *found: Grant, before: Mapping[int, WantedMembership] | None = None, **at: object
) -> dict[int, WantedMembership]:
    known = before or {}
    return after(known, decide(known, found, situation(**at)))  # type: ignore[arg-type] # Situation's fields


def wanted(memberships: Mapping[int, WantedMembership]) -> set[int]:
    return {group_id for group_id, membership in memberships.items() if membership.wanted}


def actions(decision: Decision) -> list[tuple[str, int]]:
    return [(shift.action, shift.membership.group_id) for shift in decision.shifts]


# --- What is wanted: the union of all grants ------------------------------------------------------


def test_a_grant_makes_its_group_wanted_at_once_with_its_reason() -> None:
    decision = decide({}, [grant(LOW, until_at=RENEWAL, reason="ending")], situation())
    (membership,) = decision.memberships
    assert (membership.wanted, membership.wanted_since, membership.wanted_until) == (
        True,
        START,
        RENEWAL,
    )
    assert (membership.reason, membership.rule_id, membership.sources) == (
        "ending",
        "rule-sub_1",
        ("sub_1",),
    )
    assert actions(decision) == [("wanted", LOW)]


@pytest.mark.parametrize("reason", ["unpaid", "canceled", "incomplete", "trial_waits"])
def test_what_grants_nothing_makes_nothing_wanted(reason: str) -> None:
    assert decided(grant(LOW, holds=False, reason=reason)) == {}


def test_the_same_decision_twice_moves_nothing() -> None:
    before = decided(grant(LOW))
    assert decide(before, [grant(LOW)], situation(NOW + MINUTE)) == Decision((), (), None)


def test_E41_two_subscriptions_to_one_group_are_one_membership_of_two_sources() -> None:
    membership = decided(grant(LOW, "sub_1"), grant(LOW, "sub_2"))[LOW]
    assert membership.sources == ("sub_1", "sub_2")


@pytest.mark.parametrize(
    ("untils", "until"),
    [
        ([RENEWAL, RENEWAL + DAY], RENEWAL + DAY),
        ([RENEWAL, None], None),
        ([RENEWAL + DAY, RENEWAL], RENEWAL + DAY),
    ],
)
def test_a_group_is_held_as_long_as_any_of_its_grants_lasts(
    untils: list[datetime | None], until: datetime | None
) -> None:
    found = [grant(LOW, f"sub_{n}", until_at=at) for n, at in enumerate(untils)]
    assert decided(*found)[LOW].wanted_until == until


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_D5_the_end_of_one_subscription_leaves_what_another_or_a_human_grants(
    order: tuple[int, int],
) -> None:
    others = [grant(LOW, "sub_2"), grant(LOW, "hand_1", source="hand", rule_id="hand")]
    before = decided(grant(LOW, "sub_1"), *others)
    ended = grant(LOW, "sub_1", holds=False, reason="canceled")
    found = [ended, others[order[0]], others[order[1]]]
    decision = decide(before, found, situation())
    assert actions(decision) == [("changed", LOW)]
    assert decision.memberships[0].sources == ("hand_1", "sub_2")


def test_D1_one_source_that_gives_nothing_says_nothing_of_other_groups() -> None:
    before = decided(grant(LOW, "sub_1"), grant(EXTRA, "sub_2"), grant(BASE, "sub_3"))
    found = [grant(LOW, "sub_1", holds=False), grant(EXTRA, "sub_2"), grant(BASE, "sub_3")]
    assert wanted(decided(*found, before=before)) == {EXTRA, BASE}


def test_A41_an_end_date_goes_with_its_subscription() -> None:
    before = decided(grant(LOW, "sub_1", until_at=RENEWAL, reason="ending"))
    assert decided(grant(LOW, "sub_2"), before=before)[LOW].wanted_until is None


def test_A39_a_stale_end_is_cleared_when_the_new_subscription_begins() -> None:
    before = decided(grant(LOW, "sub_1"))
    before = decided(grant(LOW, "sub_1", holds=False, reason="canceled"), before=before)
    membership = decided(grant(LOW, "sub_2", from_at=NOW), before=before, now=NOW + SECOND)[LOW]
    told = (membership.unwanted_at, membership.confirmed_at, membership.swap_to)
    assert (membership.wanted, *told) == (True, None, None, None)


@pytest.mark.parametrize("first", ["old", "new"])
def test_D17_cancelling_the_old_never_ends_the_new_in_either_order(first: str) -> None:
    old_over = grant(LOW, "sub_1", holds=False, reason="canceled")
    new = grant(LOW, "sub_2", from_at=NOW)
    before = decided(grant(LOW, "sub_1"))
    middle = [old_over] if first == "old" else [grant(LOW, "sub_1"), new]
    before = decided(*middle, before=before, now=NOW)
    assert wanted(decided(old_over, new, before=before, now=NOW + SECOND)) == {LOW}


# --- Ladders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "groups"),
    [
        ([step(LOW, 1), step(HIGH, 2, "sub_2")], {HIGH}),
        ([step(HIGH, 2), step(LOW, 1, "sub_2", from_at=NOW)], {HIGH}),
        ([step(LOW, 1), step(HIGH, 1, "sub_2", from_at=NOW)], {HIGH}),  # equal: the latest start
        ([step(LOW, 1, from_at=NOW), step(HIGH, 1, "sub_2")], {LOW}),
        ([step(LOW, 1), step(HIGH, 2, "sub_2", holds=False)], {LOW}),
        ([step(LOW, 1), grant(HIGH, "sub_2")], {LOW, HIGH}),  # the other is in no ladder
        ([step(LOW, 1), grant(HIGH, "sub_2", ladder="door", rank=9)], {LOW, HIGH}),  # A3
        ([step(LOW, 1), grant(EXTRA, "sub_2")], {LOW, EXTRA}),  # A5: a free one beside it
        ([step(LOW, 1), grant(LOW, "sub_2"), step(HIGH, 2, "sub_3")], {LOW, HIGH}),
    ],
)
def test_A3_A4_A5_of_a_ladder_exactly_one_step_is_held(
    found: list[Grant], groups: set[int]
) -> None:
    assert wanted(decided(*found)) == groups
    assert wanted(decided(*reversed(found))) == groups


def test_A3_ending_one_ladder_leaves_the_other() -> None:
    door = grant(EXTRA, "sub_2", ladder="door", rank=1)
    before = decided(step(LOW, 1), door)
    assert wanted(decided(step(LOW, 1, holds=False), door, before=before)) == {EXTRA}


def test_a_step_of_several_groups_is_taken_whole() -> None:
    found = [step(HIGH, 2), step(EXTRA, 2), step(LOW, 1, "sub_2")]
    assert {one.group_id for one in winners([replace(g, rule_id="r") for g in found])} >= {
        HIGH, EXTRA,
    }  # fmt: skip
    assert wanted(decided(*found)) == {HIGH, EXTRA}


def test_A44_twenty_levels_and_the_highest_is_held() -> None:
    found = [step(100 + rank, rank, f"sub_{rank}") for rank in range(20)]
    assert wanted(decided(*found)) == {119}


def test_E41_two_subscriptions_at_one_step_are_both_named_and_the_later_end_counts() -> None:
    found = [step(LOW, 1), step(LOW, 1, "sub_2", from_at=NOW, until_at=RENEWAL, reason="ending")]
    membership = decided(*found)[LOW]
    assert (membership.sources, membership.wanted_until) == (("sub_1", "sub_2"), None)


def leveled(**toml: object) -> Rules:
    """Two levels, each with the base group beside it."""
    products = [
        Product(f"prod_{n}", f"Level {n}", metadata={
            "discourse_groups": f"base,level{n}", "discourse_ladder": "level", **more,
        })
        for n, more in ((1, {"discourse_rank": "1"}), (2, {"discourse_rank": "2"}))
    ]  # fmt: skip
    names = {BASE: Group(BASE, "base"), LOW: Group(LOW, "level1"), HIGH: Group(HIGH, "level2")}
    return compile_rules(products, [], parse_policy(toml), {}, names)


def on_level(number: int, id_: str = "sub_1", status: str = "active") -> Subscription:
    item = SubscriptionItem(f"si_{id_}", f"price_{number}", f"prod_{number}", 1, START, RENEWAL)
    return Subscription(id_, "cus_1", status, (item,), START, START)


def judged(rules: Rules, *found: Subscription, now: datetime = NOW) -> tuple[Grant, ...]:
    return grants(Facts(found), rules, Policy(), now)


@pytest.mark.parametrize("toml", [{}, {"ladders": {"level": ["level1", "level2"]}}])
@pytest.mark.parametrize(("up", "groups"), [((1, 2), {BASE, HIGH}), ((2, 1), {BASE, LOW})])
def test_A43_D14_the_base_group_stays_and_the_level_is_swapped(
    toml: dict[str, object], up: tuple[int, int], groups: set[int]
) -> None:
    rules = leveled(**toml)
    before = decided(*judged(rules, on_level(up[0])))
    decision = decide(before, judged(rules, on_level(up[1])), situation())
    now_wanted = after(before, decision)
    assert wanted(now_wanted) == groups
    assert {group for _, group in actions(decision)} == {LOW, HIGH}
    gone = LOW if up == (1, 2) else HIGH
    assert now_wanted[gone].swap_to == ({LOW: HIGH, HIGH: LOW}[gone])


@pytest.mark.parametrize("written", ["base,level2", "level2,base"])
def test_A43_the_old_level_waits_for_the_new_one_and_not_for_the_base(written: str) -> None:
    rules = leveled()
    products = [Product("prod_2", "Level 2", metadata={
        "discourse_groups": written, "discourse_ladder": "level", "discourse_rank": "2",
    })]  # fmt: skip
    names = {BASE: Group(BASE, "base"), HIGH: Group(HIGH, "level2")}
    upper = compile_rules(products, [], Policy(), {}, names)
    before = decided(*judged(rules, on_level(1)))
    memberships = decided(*judged(upper, on_level(2)), before=before)
    assert memberships[LOW].swap_to == HIGH
    again = decided(*judged(upper, on_level(2)), before=memberships, now=NOW + SECOND)
    assert again[LOW].swap_to == HIGH


@pytest.mark.parametrize("way", ["in place", "cancel and create"])
def test_A42_an_update_in_place_and_a_new_subscription_end_the_same(way: str) -> None:
    rules = leveled()
    before = decided(*judged(rules, on_level(1)))
    if way == "in place":
        found = judged(rules, on_level(2))
    else:
        found = judged(rules, on_level(1, status="canceled"), on_level(2, "sub_2"))
    memberships = decided(*found, before=before)
    assert wanted(memberships) == {BASE, HIGH}
    assert memberships[LOW].swap_to == HIGH


def test_A46_an_upgrade_whose_payment_fails_leaves_the_old_level() -> None:
    rules = leveled()
    before = decided(*judged(rules, on_level(1)))
    found = judged(rules, on_level(1), on_level(2, "sub_2", status="incomplete"))
    assert decide(before, found, situation()).shifts == ()


def test_A45_a_paid_product_that_lapses_leaves_the_free_group() -> None:
    before = decided(grant(BASE, "sub_free"), grant(LOW, "sub_paid"))
    found = [grant(BASE, "sub_free"), grant(LOW, "sub_paid", holds=False, reason="unpaid")]
    assert wanted(decided(*found, before=before)) == {BASE}


# --- Taking away: only with proof -----------------------------------------------------------------


def ended(now: datetime = NOW) -> dict[int, WantedMembership]:
    return decided(grant(LOW, holds=False), before=decided(grant(LOW)), now=now, reading_at=now)


def test_the_first_reading_without_a_grant_proves_nothing_yet() -> None:
    membership = ended()[LOW]
    assert (membership.wanted, membership.unwanted_at, membership.confirmed_at) == (
        False,
        NOW,
        None,
    )
    decision = decide(decided(grant(LOW)), [], situation())
    assert actions(decision) == [("unwanted", LOW)]
    assert decision.next_at == NOW + CONFIRM


@pytest.mark.parametrize(
    ("reading_after", "proven"),
    [
        (timedelta(0), False),
        (CONFIRM - SECOND, False),
        (CONFIRM, True),
        (CONFIRM + DAY, True),
    ],
)
def test_a_reading_begun_a_confirm_window_later_proves_it(
    reading_after: timedelta, *, proven: bool
) -> None:
    began_at = NOW + reading_after
    at = situation(began_at + 5 * SECOND, reading_at=began_at)
    decision = decide(ended(), [grant(LOW, holds=False)], at)
    assert (("confirmed", LOW) in actions(decision)) is proven
    assert after(ended(), decision)[LOW].confirmed_at == (began_at if proven else None)


def test_a_stale_reading_never_proves_an_end_however_late_it_is_decided() -> None:
    at = {"now": NOW + DAY, "reading_at": NOW - MINUTE}
    assert decided(before=ended(), **at)[LOW].confirmed_at is None


def test_proof_is_asked_for_once_and_kept() -> None:
    proven = decided(before=ended(), now=NOW + CONFIRM)
    assert decide(proven, [], situation(NOW + DAY)) == Decision((), (), None)


def test_E11_a_right_that_comes_back_within_the_window_wipes_the_first_reading() -> None:
    back = decided(grant(LOW), before=ended(), now=NOW + 30 * SECOND)
    again = decided(before=back, now=NOW + 50 * SECOND)[LOW]
    assert (again.unwanted_at, again.confirmed_at) == (NOW + 50 * SECOND, None)
    assert decided(before={LOW: again}, now=NOW + 70 * SECOND)[LOW].confirmed_at is None


def test_a_place_that_was_lost_again_is_no_reason_to_give_way() -> None:
    before = decided(step(LOW, 1))
    swapped = decided(step(HIGH, 2, "sub_2"), before=before)
    assert swapped[LOW].swap_to == HIGH
    lost = decided(before=swapped, now=NOW + SECOND)
    assert (lost[LOW].swap_to, lost[LOW].confirmed_at) == (None, None)


def test_a_stored_reading_judged_by_a_changed_rule_is_no_proof_that_a_step_was_left() -> None:
    at = {"now": NOW, "reading_at": NOW - DAY}
    stale = decided(step(HIGH, 2), before=decided(step(LOW, 1)), **at)
    assert wanted(stale) == {HIGH}
    assert stale[LOW].swap_to is None
    read = decided(step(HIGH, 2), before=stale, now=NOW + SECOND, reading_at=NOW + SECOND)
    assert read[LOW].swap_to == HIGH


def test_a_held_removal_asks_the_clock_for_nothing() -> None:
    halted = situation(NOW + CONFIRM, halted_group_ids=frozenset({LOW}))
    assert decide(ended(), [], halted).next_at is None


def test_a_member_whom_the_bridge_never_wanted_is_left_alone() -> None:
    seen = {LOW: WantedMembership(LOW)}
    assert decide(seen, [], situation(halted_group_ids=frozenset({LOW}))) == Decision((), (), None)


def test_a_downgrade_back_within_the_window_wants_the_old_group_again() -> None:
    swapped = decided(step(HIGH, 2), before=decided(step(LOW, 1)))
    back = decided(step(LOW, 1), before=swapped, now=NOW + SECOND)
    assert wanted(back) == {LOW}
    assert (back[LOW].swap_to, back[HIGH].swap_to) == (None, LOW)


# --- Holds: whatever cannot be taken as an end ----------------------------------------------------


@pytest.mark.parametrize("reason", ["no_rule", "unknown_status", "rule_halted", "vanished"])
def test_A34_a_source_that_is_not_understood_ends_nothing(reason: str) -> None:
    decision = decide(decided(grant(LOW)), [], situation(held_sources={"sub_1": reason}))
    (membership,) = decision.memberships
    assert (membership.wanted, membership.hold, membership.unwanted_at) == (True, reason, None)
    assert actions(decision) == [("held", LOW)]
    assert decision.next_at is None


def test_A93_a_halted_rule_takes_nobody_out_of_its_groups_and_others_run() -> None:
    before = decided(grant(LOW), grant(EXTRA, "sub_2"))
    decision = decide(before, [], situation(halted_group_ids=frozenset({LOW})))
    assert actions(decision) == [("held", LOW), ("unwanted", EXTRA)]


def test_A34_the_end_of_another_source_takes_nothing_that_one_in_doubt_gave_too() -> None:
    before = decided(grant(LOW, "sub_1"), grant(LOW, "sub_2"))
    doubt = {"held_sources": {"sub_2": "no_rule"}}
    before = decided(grant(LOW, "sub_1"), before=before, **doubt)
    assert (before[LOW].sources, before[LOW].hold) == (("sub_1", "sub_2"), None)
    ended = decided(grant(LOW, "sub_1", holds=False), before=before, **doubt)
    assert (ended[LOW].wanted, ended[LOW].hold) == (True, "no_rule")


def test_a_hold_ends_with_its_cause() -> None:
    held = decided(before=decided(grant(LOW)), halted_group_ids=frozenset({LOW}))
    released = decide(held, [grant(LOW)], situation(NOW + DAY))
    assert actions(released) == [("released", LOW)]
    over = decide(held, [grant(LOW, holds=False)], situation(NOW + DAY))
    assert actions(over) == [("unwanted", LOW)]
    assert over.memberships[0].unwanted_at == NOW + DAY


def test_A93_a_rule_that_breaks_within_the_confirm_window_stops_the_removal() -> None:
    broken = decided(before=ended(), now=NOW + CONFIRM, halted_group_ids=frozenset({LOW}))
    assert (broken[LOW].hold, broken[LOW].confirmed_at) == ("rule_halted", None)
    mended = decided(before=broken, now=NOW + DAY)
    assert (mended[LOW].hold, mended[LOW].confirmed_at) == (None, NOW + DAY)


def test_A93_a_rule_that_breaks_after_the_proof_stops_a_removal_that_was_not_sent_yet() -> None:
    proven = decided(before=ended(), now=NOW + CONFIRM)
    broken = decided(before=proven, now=NOW + DAY, halted_group_ids=frozenset({LOW}))
    assert broken[LOW].hold == "rule_halted"


def test_a_hold_on_the_old_step_does_not_keep_the_new_one_out() -> None:
    before = decided(step(LOW, 1))
    memberships = decided(step(HIGH, 2, "sub_2"), before=before, held_sources={"sub_1": "no_rule"})
    assert wanted(memberships) == {LOW, HIGH}
    assert memberships[LOW].hold == "no_rule"


def test_A34_a_kept_lower_step_gives_way_to_a_higher_one_whatever_is_in_doubt() -> None:
    kept = replace(step(LOW, 1, "grant_1"), source="hand")
    doubt = {"sub_1": "no_rule"}
    before = decided(kept, before=decided(step(LOW, 1)), held_sources=doubt)
    memberships = decided(kept, step(HIGH, 2, "sub_2"), before=before, held_sources=doubt)
    assert (wanted(memberships), memberships[LOW].hold) == ({HIGH}, None)
    back = decided(kept, before=memberships, held_sources=doubt)
    assert wanted(back) == {LOW}, "the moderator's grant still counts"


@pytest.mark.parametrize("hold", ["rule_halted", "no_rule", "unknown_status", "vanished"])
@pytest.mark.parametrize("higher", [(), (step(HIGH, 2, "sub_2"),)])
def test_A34_every_hold_ends_when_a_moderator_lets_it_go(
    hold: str, higher: tuple[Grant, ...]
) -> None:
    halted = frozenset({LOW} if hold == "rule_halted" else ())
    doubt: dict[str, Any] = {"held_sources": {"sub_1": hold}, "halted_group_ids": halted}
    held = decided(*higher, before=decided(step(LOW, 1)), **doubt)
    assert held[LOW].hold == hold
    let_go = held | {LOW: replace(held[LOW], sources=(), hold=None)}
    ended = decided(*higher, before=let_go, **doubt)
    assert (ended[LOW].wanted, ended[LOW].hold) == (False, None)
    later = decided(*higher, before=ended, now=NOW + DAY, **doubt)
    assert (later[LOW].hold, later[LOW].confirmed_at) == (None, NOW + DAY)


@pytest.mark.parametrize("reason", [None, "active"])
def test_A93_A116_what_was_taken_over_is_held_while_its_rule_is_halted(reason: str | None) -> None:
    """Nothing gave it, so it has neither source nor reason; a moderator's end leaves the reason."""
    taken_over = WantedMembership(LOW, wanted=True, wanted_since=START, reason=reason)
    halted = {"halted_group_ids": frozenset({LOW})}
    membership = decided(before={LOW: taken_over}, **halted)[LOW]
    assert membership.hold == ("rule_halted" if reason is None else None)
    assert membership.wanted is (reason is None)


def test_A93_a_lower_step_whose_rule_is_halted_is_held_beside_the_higher_one() -> None:
    kept = replace(step(LOW, 1, "grant_1"), source="hand")
    halted = {"halted_group_ids": frozenset({LOW})}
    memberships = decided(kept, step(HIGH, 2, "sub_2"), before=decided(kept), **halted)
    assert memberships[LOW].hold == "rule_halted"


# --- When the clock alone asks for more -----------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "next_at"),
    [
        ([], None),
        ([grant(LOW)], None),
        ([grant(LOW, next_change_at=NOW + DAY)], NOW + DAY),
        ([grant(LOW, next_change_at=NOW + DAY), grant(EXTRA, "sub_2", next_change_at=NOW + SECOND)],
         NOW + SECOND),
        ([grant(LOW, next_change_at=NOW)], None),
        ([grant(LOW, holds=False, next_change_at=NOW + MINUTE)], NOW + MINUTE),
    ],
)  # fmt: skip
def test_the_next_look_is_when_the_first_verdict_changes(
    found: Iterable[Grant], next_at: datetime | None
) -> None:
    assert decide({}, found, situation()).next_at == next_at


def test_the_next_look_is_no_later_than_the_confirm_window() -> None:
    found = [grant(EXTRA, "sub_2", next_change_at=NOW + DAY)]
    assert decide(decided(grant(LOW)), found, situation()).next_at == NOW + CONFIRM


def test_a_hand_grant_that_has_not_begun_is_looked_at_when_it_does() -> None:
    hand = HandGrant("hand_1", 7, LOW, NOW + DAY, NOW + 2 * DAY, "help", "mod")
    found = grants(Facts(hand_grants=(hand,)), Rules(), Policy(), NOW)
    assert decide({}, found, situation()) == Decision((), (), NOW + DAY)
    begun = grants(Facts(hand_grants=(hand,)), Rules(), Policy(), NOW + DAY)
    assert wanted(decided(*begun, now=NOW + DAY)) == {LOW}


def test_prices_are_told_apart_from_their_product_when_a_rule_says_so() -> None:
    products = [Product("prod_1", "Level", metadata={"discourse_groups": "level1"})]
    prices = [Price("price_2", "prod_1", "eur", 1, metadata={"discourse_groups": "level2"})]
    names = {LOW: Group(LOW, "level1"), HIGH: Group(HIGH, "level2")}
    rules = compile_rules(products, prices, Policy(), {}, names)
    item = SubscriptionItem("si_1", "price_2", "prod_1", 1, START, RENEWAL)
    found = judged(rules, replace(on_level(1), items=(item,)))
    assert wanted(decided(*found)) == {HIGH}
