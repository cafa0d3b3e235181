from dataclasses import replace
from datetime import datetime

import pytest

from bridge.core.model.reasons import UNDECIDED
from bridge.core.model.rights import NO_GROUP
from bridge.core.model.stripe import Product
from bridge.core.rights.grants import next_change
from bridge.core.rules.mapping import compile_rules
from bridge.core.rules.policy import parse_policy
from tests.unit.core.shop import (
    DAY,
    GROUPS,
    LAST,
    MEMBERS,
    NOW,
    PATRONS,
    RENEWAL,
    START,
    SUPPORTERS,
    hand,
    held,
    instalments,
    item,
    judged,
    only,
    patrons,
    payment,
    purchase,
    rules_of,
    subscription,
)

# --- Statuses -----------------------------------------------------------------------------------


def test_E4_active_grants_until_nobody_knows_when() -> None:
    grant = only(subscription())
    assert (grant.group_id, grant.holds, grant.reason) == (PATRONS, True, "active")
    assert (grant.from_at, grant.until_at, grant.renews_at) == (START, None, RENEWAL)
    assert (grant.source, grant.source_id, grant.rule_id) == (
        "subscription",
        "sub_1",
        "product:prod_p",
    )
    assert (grant.product_id, grant.price_id) == ("prod_p", "price_p")
    assert next_change([grant], NOW) is None


def test_E1_D7_a_trial_grants_with_its_own_reason() -> None:
    grant = only(replace(subscription("trialing"), trial_end_at=RENEWAL))
    assert (grant.holds, grant.reason, grant.renews_at) == (True, "trial", RENEWAL)


def test_E1_a_trial_waits_where_the_policy_says_so() -> None:
    grant = only(subscription("trialing"), patrons(trial="wait"))
    assert (grant.holds, grant.reason) == (False, "trial_waits")


@pytest.mark.parametrize(
    ("status", "paid_at", "due", "reason"),
    [
        ("active", None, 0, "active"),
        ("active", START - 3 * DAY, 0, "trial_waits"),
        ("active", START, 0, "active"),
        ("past_due", None, 0, "trial_waits"),
        ("past_due", None, 31, "grace"),
        ("past_due", START - 3 * DAY, 31, "trial_waits"),
        ("past_due", START, 0, "grace"),
    ],
)
def test_E1_a_trial_that_waits_goes_on_waiting_until_something_is_paid(
    status: str, paid_at: datetime | None, due: int, reason: str
) -> None:
    paid = None if paid_at is None else payment(paid_at=paid_at)
    one = replace(subscription(status), trial_end_at=START, last_payment=paid)
    owed = replace(one, past_due_since_at=START + due * DAY)
    assert only(owed, patrons(trial="wait"), START + (due + 1) * DAY).reason == reason
    assert only(owed, now=START + (due + 1) * DAY).holds


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param("incomplete", "incomplete", id="E2"),
        pytest.param("incomplete_expired", "incomplete_expired", id="E3"),
        pytest.param("unpaid", "unpaid", id="E8_D8_D15"),
        pytest.param("canceled", "canceled", id="E9"),
        pytest.param("paused", "paused", id="E10"),
    ],
)
def test_a_status_that_does_not_grant(status: str, reason: str) -> None:
    grant = only(subscription(status))
    assert (grant.holds, grant.reason) == (False, reason)
    assert grant.reason not in UNDECIDED


def test_E8_what_was_unpaid_comes_back_when_it_is_paid() -> None:
    assert not only(subscription("unpaid")).holds
    assert only(subscription("active")).holds


def test_E10_a_pause_keeps_where_the_policy_says_so() -> None:
    grant = only(subscription("paused"), patrons(on_pause="keep"))
    assert (grant.holds, grant.reason) == (True, "paused_kept")


def test_E11_a_resumption_that_waits_for_its_payment_stays_paused() -> None:
    resuming = replace(subscription("paused"), pause_resumes_at=NOW - DAY)
    assert not only(resuming).holds


def test_an_unknown_status_gives_nothing_new_and_asks_to_hold_what_was() -> None:
    grant = only(subscription("hibernating"))
    assert (grant.group_id, grant.holds, grant.reason) == (PATRONS, False, "unknown_status")
    assert grant.reason in UNDECIDED


# --- Grace --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "grace", "holds"),
    [(0, "7d", True), (6, "7d", True), (7, "7d", False), (0, "0", False), (13, "14d", True)],
)
def test_E5_past_due_grants_until_grace_ends(days: int, grace: str, holds: bool) -> None:  # noqa: FBT001 - a column of the table
    due = replace(subscription("past_due"), past_due_since_at=START)
    grant = only(due, patrons(grace=grace), START + days * DAY)
    assert grant.holds is holds
    assert grant.reason == ("grace" if holds else "grace_over")
    assert grant.because_at == START
    assert grant.until_at == START + int(grace.rstrip("d")) * DAY
    assert grant.next_change_at == (grant.until_at if holds else None)


def test_E7_retries_and_new_periods_do_not_move_the_end_of_grace() -> None:
    renewed = item(start=RENEWAL, end=RENEWAL + 30 * DAY)
    due = replace(subscription("past_due", renewed), past_due_since_at=START)
    assert not only(due, now=RENEWAL).holds


def test_E6_E36_without_a_known_due_date_grace_counts_from_the_period() -> None:
    grant = only(subscription("past_due"), now=START + 2 * DAY)
    assert (grant.reason, grant.until_at) == ("grace", START + 7 * DAY)


# --- Announced ends -----------------------------------------------------------------------------


def test_E13_an_end_at_the_period_is_shown_and_unsetting_it_clears_it() -> None:
    ending = replace(subscription(), cancel_at_period_end=True)
    grant = only(ending)
    assert (grant.holds, grant.reason, grant.until_at) == (True, "ending", RENEWAL)
    assert grant.renews_at is None
    assert only(replace(ending, cancel_at_period_end=False)).until_at is None


def test_A19_E14_only_the_status_ends_a_subscription_never_the_clock() -> None:
    ending = replace(subscription(), cancel_at=NOW, canceled_at=NOW - DAY)
    before, after = only(ending, now=NOW - DAY), only(ending, now=NOW + DAY)
    assert before.next_change_at == NOW
    assert (after.holds, after.next_change_at) == (True, None)
    ended = replace(ending, status="canceled", ended_at=NOW)
    assert (only(ended).holds, only(ended).because_at) == (False, NOW)


def test_an_end_after_the_next_renewal_still_shows_that_renewal() -> None:
    ending = replace(subscription(), cancel_at=RENEWAL + 90 * DAY, canceled_at=NOW)
    grant = only(ending)
    assert (grant.reason, grant.renews_at) == ("ending", RENEWAL)


# --- Several at once ----------------------------------------------------------------------------


def test_E19_D9_every_item_grants_by_its_own_rule_and_period() -> None:
    two = subscription("active", item("prod_p"), item("prod_m", end=RENEWAL + 300 * DAY))
    found = judged(two)
    assert held(found) == {PATRONS, MEMBERS}
    assert [grant.renews_at for grant in found] == [RENEWAL, RENEWAL + 300 * DAY]


def test_A21_D5_ending_one_subscription_ends_only_what_it_gave() -> None:
    both = (subscription(), subscription("active", item("prod_m"), id_="sub_2"))
    ended = (subscription("canceled"), both[1])
    assert held(judged(*both)) == {PATRONS, MEMBERS}
    assert held(judged(*ended)) == {MEMBERS}


def test_D5_D17_E41_the_end_of_one_of_two_alike_ends_nothing() -> None:
    found = judged(subscription("canceled"), subscription(id_="sub_2"))
    assert held(found) == {PATRONS}
    assert [grant.holds for grant in found] == [False, True]


def test_A3_products_in_two_ladders_are_both_held_and_end_each_for_itself() -> None:
    rules = rules_of(
        {
            "prod_p": {"discourse_ladder": "level", "discourse_rank": "2"},
            "prod_m": {"discourse_ladder": "club", "discourse_rank": "1"},
        }
    )
    first, second = judged(
        subscription(), subscription("active", item("prod_m"), id_="sub_2"), rules=rules
    )
    assert (first.ladder, first.rank, second.ladder, second.rank) == ("level", 2, "club", 1)
    ended = judged(
        subscription("canceled"), subscription("active", item("prod_m"), id_="sub_2"), rules=rules
    )
    assert held(ended) == {MEMBERS}


def test_A5_a_second_free_product_does_not_touch_the_paid_one() -> None:
    free = replace(purchase(product_id="prod_s"), amount_minor=0, payment_minor=0)
    paid = subscription()
    assert judged(paid, free)[0] == only(paid)
    assert held(judged(paid, free)) == {PATRONS, SUPPORTERS}


def test_A43_a_base_group_is_outside_of_the_ladder() -> None:
    said = {"prod_p": {"discourse_groups": "members,patrons", "discourse_ladder": "level"}}
    products = [Product("prod_p", "P", metadata=said["prod_p"])]
    policy = parse_policy({"ladders": {"level": ["supporters", "patrons"]}})
    rules = compile_rules(products, [], policy, {}, GROUPS)
    base, step = judged(subscription(), rules=rules)
    assert (base.group_id, base.ladder, base.rank) == (MEMBERS, None, 0)
    assert (step.group_id, step.ladder, step.rank) == (PATRONS, "level", 2)


def test_A25_A27_E33_E34_what_was_charged_never_matters_only_that_it_is_active() -> None:
    free = payment(amount_minor=0)
    assert only(replace(subscription(), last_payment=free)) == only(subscription())
    refunding_nothing = patrons(on_refund="end", on_partial_refund="1%")
    assert only(replace(subscription(), last_payment=free), refunding_nothing).holds


def test_A39_A41_an_end_belongs_to_its_subscription_and_is_no_end_of_the_next() -> None:
    old = replace(subscription("canceled"), ended_at=NOW, cancel_at=NOW, canceled_at=START)
    new = subscription(id_="sub_2")
    first, second = judged(old, new)
    assert (first.until_at, second.until_at) == (NOW, None)
    assert second == only(new)


def test_A45_a_lapsed_paid_product_leaves_what_is_free() -> None:
    free = replace(purchase(product_id="prod_m"), amount_minor=0, payment_minor=0)
    assert held(judged(subscription("canceled"), free)) == {MEMBERS}


def test_A46_an_upgrade_whose_payment_fails_leaves_the_old_level() -> None:
    old = subscription("active", item("prod_s"))
    new = subscription("incomplete", item("prod_p"), id_="sub_2")
    assert held(judged(old, new)) == {SUPPORTERS}


def test_A47_an_unrelated_purchase_does_not_clear_a_true_cancellation() -> None:
    ending = replace(subscription(), cancel_at_period_end=True)
    first, _ = judged(ending, purchase(product_id="prod_m"))
    assert (first.until_at, first.reason) == (RENEWAL, "ending")


def test_D14_E16_E17_only_the_items_in_force_count() -> None:
    assert held(judged(subscription("active", item("prod_p")))) == {PATRONS}
    assert held(judged(subscription("active", item("prod_s")))) == {SUPPORTERS}


def test_D16_E52_what_somebody_else_gets_does_not_end_the_givers_own() -> None:
    gift = purchase("cs_gift:1", product_id="prod_gift")
    rules = rules_of({"prod_gift": {"discourse_groups": "none"}})
    assert judged(subscription(), gift, rules=rules) == judged(subscription(), rules=rules)


def test_D1_D3_D23_a_source_without_a_claim_says_nothing_about_other_groups() -> None:
    found = judged(subscription("canceled"), subscription("active", item("prod_m"), id_="sub_2"))
    assert {grant.group_id for grant in found if not grant.holds} == {PATRONS}


# --- Rules that are missing or halted -----------------------------------------------------------


def test_A34_a_price_without_a_rule_is_a_verdict_of_its_own() -> None:
    grant = only(subscription("active", item("prod_other")))
    assert (grant.group_id, grant.holds, grant.reason) == (NO_GROUP, False, "no_rule")
    assert (grant.rule_id, grant.price_id) == ("", "price_other")
    assert grant.reason in UNDECIDED


def test_A34_what_has_no_rule_and_ends_is_simply_over() -> None:
    grant = only(subscription("canceled", item("prod_other")))
    assert (grant.group_id, grant.reason) == (NO_GROUP, "canceled")
    due = replace(subscription("past_due", item("prod_other")), past_due_since_at=NOW - DAY)
    policy = parse_policy({"defaults": {"grace": "3d"}})
    (waiting,) = judged(due, policy=policy)
    assert (waiting.reason, waiting.next_change_at) == ("no_rule", NOW + 2 * DAY)
    (over,) = judged(due, policy=policy, now=NOW + 2 * DAY)
    assert over.reason == "grace_over"


def test_a_purchase_without_a_rule_is_a_verdict_of_its_own() -> None:
    assert only(purchase(product_id="prod_other")).reason == "no_rule"


def test_A80_a_product_that_says_none_is_no_source_of_groups() -> None:
    rules = rules_of({"prod_gift": {"discourse_groups": "none"}})
    assert judged(purchase(product_id="prod_gift"), rules=rules) == ()


@pytest.mark.parametrize("status", ["active", "canceled"])
def test_A93_a_halted_rule_decides_nothing_whatever_the_status(status: str) -> None:
    found = judged(subscription(status), rules=patrons(grace="soon"))
    assert [grant.group_id for grant in found] == [PATRONS, NO_GROUP]
    assert {(grant.holds, grant.reason) for grant in found} == {(False, "rule_halted")}
    assert {grant.rule_id for grant in found} == {"product:prod_p"}
    assert next_change(found, NOW) is None


def test_a_halted_rule_of_a_purchase_decides_nothing() -> None:
    found = judged(purchase(), rules=patrons(term="long"))
    assert {grant.reason for grant in found} == {"rule_halted"}


# --- Deleted customers and hand grants ------------------------------------------------------------


def test_E37_a_deleted_customer_ends_its_subscriptions_and_not_its_purchases() -> None:
    other = replace(subscription(id_="sub_2"), customer_id="cus_2")
    first, second, bought = judged(subscription(), other, purchase(), deleted=["cus_1"])
    assert (first.holds, first.reason) == (False, "customer_deleted")
    assert second.holds
    assert bought.holds


def test_E37_instalments_that_were_paid_are_a_purchase_and_stand() -> None:
    done = instalments("canceled", ended_at=LAST)
    (grant,) = judged(
        done, rules=patrons(after_instalments="lifetime"), deleted=["cus_1"], now=LAST
    )
    assert grant.holds


def test_A60_a_hand_grant_holds_from_its_beginning_to_its_end() -> None:
    for_ever = only(hand())
    assert (for_ever.group_id, for_ever.holds, for_ever.reason) == (MEMBERS, True, "hand")
    assert (for_ever.source, for_ever.source_id, for_ever.rule_id) == ("hand", "hand_1", "hand")
    waiting = only(hand(from_at=NOW + DAY))
    assert (waiting.holds, waiting.reason) == (False, "hand_waits")
    assert waiting.next_change_at == NOW + DAY
    running = only(hand(NOW + DAY))
    assert (running.holds, running.until_at, running.next_change_at) == (
        True,
        NOW + DAY,
        NOW + DAY,
    )
    over = only(hand(NOW))
    assert (over.holds, over.reason, over.next_change_at) == (False, "hand_over", None)


def test_D5_a_hand_grant_outlives_the_subscription() -> None:
    member = subscription("canceled", item("prod_m"))
    assert held(judged(member, hand())) == {MEMBERS}
