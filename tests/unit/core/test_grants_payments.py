from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from bridge.core.rights.grants import next_change
from tests.unit.core.shop import (
    DAY,
    LAST,
    NOW,
    RENEWAL,
    START,
    collection_paused,
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

# --- Instalments --------------------------------------------------------------------------------


def test_A20_instalments_that_are_all_paid_follow_the_choice() -> None:
    done = instalments("canceled", ended_at=LAST)
    later = LAST + 400 * DAY
    assert only(done, now=LAST).reason == "canceled"
    for_life = only(done, patrons(after_instalments="lifetime"), later)
    assert (for_life.holds, for_life.reason, for_life.until_at) == (
        True,
        "instalments_done",
        None,
    )
    year = only(done, patrons(after_instalments="1y"), LAST + DAY)
    assert (year.holds, year.until_at) == (True, LAST + 365 * DAY)
    assert next_change([year], LAST) == LAST + 365 * DAY
    over = only(done, patrons(after_instalments="1y"), later)
    assert (over.holds, over.reason) == (False, "instalments_over")


def test_A20_while_instalments_run_their_end_is_not_announced_as_the_members() -> None:
    running = instalments()
    assert only(running).until_at == LAST
    assert only(running, patrons(after_instalments="lifetime")).until_at is None
    assert only(running, patrons(after_instalments="1y")).until_at == LAST + 365 * DAY


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"ended_at": LAST - 40 * DAY}, id="ended early"),
        pytest.param({"canceled_at": NOW, "ended_at": LAST}, id="the end was set later"),
        pytest.param({"cancel_at": None, "ended_at": LAST}, id="no end was set"),
        pytest.param({"ended_at": LAST, "past_due_since_at": NOW}, id="one was never paid"),
        pytest.param({"cancel_at_period_end": True, "ended_at": LAST}, id="at the period's end"),
        pytest.param(
            {"items": (item(),), "cancel_at": RENEWAL, "ended_at": RENEWAL},
            id="cancelled in the first period",
        ),
        pytest.param({"canceled_at": None, "ended_at": None}, id="nobody knows when"),
    ],
)
def test_A20_who_cancels_has_not_paid_all_instalments(known: dict[str, object]) -> None:
    ended = instalments("canceled", **known)
    grant = only(ended, patrons(after_instalments="lifetime"), LAST)
    assert (grant.holds, grant.reason) == (False, "canceled")


@pytest.mark.parametrize("wished_at", [None, LAST])
def test_A20_a_plan_whose_wish_has_no_moment_of_its_own_counts(wished_at: datetime | None) -> None:
    done = instalments("canceled", ended_at=LAST, canceled_at=wished_at)
    assert only(done, patrons(after_instalments="lifetime"), LAST).holds


# --- Paused collection --------------------------------------------------------------------------


def test_E12_paused_collection_keeps_or_ends_by_policy() -> None:
    kept = only(collection_paused())
    assert (kept.holds, kept.reason, kept.renews_at) == (True, "collection_paused", None)
    ended = only(collection_paused(), patrons(on_pause_collection="end"))
    assert (ended.holds, ended.reason) == (False, "collection_paused_ended")


def test_E12_paused_collection_may_end_with_what_was_paid_however_periods_roll_on() -> None:
    rules = patrons(on_pause_collection="period_end")
    rolled = item(start=RENEWAL, end=RENEWAL + 30 * DAY)
    paused = collection_paused(items=(rolled,), last_payment=payment())
    before, after = only(paused, rules), only(paused, rules, RENEWAL)
    assert (before.reason, before.until_at, before.next_change_at) == (
        "collection_paused_paid",
        RENEWAL,
        RENEWAL,
    )
    assert (after.holds, after.reason) == (False, "collection_paused_ended")


def test_E12_without_knowing_what_was_paid_paused_collection_keeps() -> None:
    grant = only(collection_paused(), patrons(on_pause_collection="period_end"))
    assert (grant.holds, grant.reason) == (True, "collection_paused")


def test_E12_an_announced_end_before_the_paid_one_comes_first() -> None:
    ending = collection_paused(cancel_at=NOW + DAY, canceled_at=NOW, last_payment=payment())
    grant = only(ending, patrons(on_pause_collection="period_end"))
    assert grant.until_at == NOW + DAY


# --- What is known against a subscription's payment -----------------------------------------------


def test_E24_a_refund_leaves_the_subscription_to_its_status() -> None:
    refunded = replace(subscription(), last_payment=payment(refunded_minor=5000))
    assert only(refunded).reason == "active"


def test_E24_a_refund_may_end_at_once_or_at_the_end_of_what_was_paid() -> None:
    paid = payment(refunded_minor=5000, refunded_at=NOW)
    refunded = replace(subscription(), last_payment=paid)
    at_once = only(refunded, patrons(on_refund="end"))
    assert (at_once.holds, at_once.reason, at_once.because_at) == (False, "refunded", NOW)
    later = only(refunded, patrons(on_refund="period_end"))
    assert (later.holds, later.reason, later.until_at) == (True, "refunded_paid", RENEWAL)
    over = only(refunded, patrons(on_refund="period_end"), RENEWAL)
    assert (over.holds, over.reason) == (False, "refunded")


def test_E25_a_partial_refund_counts_from_its_percentage_on() -> None:
    half = replace(subscription(), last_payment=payment(refunded_minor=2500))
    assert only(half, patrons(on_refund="end")).holds
    assert only(half, patrons(on_refund="end", on_partial_refund="51%")).holds
    assert not only(half, patrons(on_refund="end", on_partial_refund="50%")).holds


def test_E26_E30_a_later_paid_invoice_mends_what_was_against_an_older_one() -> None:
    rules = patrons(on_refund="end", on_dispute="suspend")
    lost = replace(subscription(), last_payment=payment(disputed="lost", disputed_at=NOW))
    assert (only(lost, rules).reason, only(lost, rules).because_at) == ("dispute_lost", NOW)
    paid_again = replace(lost, last_payment=payment(invoice_id="in_2", paid_at=RENEWAL))
    assert only(paid_again, rules).reason == "active"


def test_E28_E29_an_open_dispute_keeps_or_suspends_and_one_that_is_won_never_was() -> None:
    suspend = patrons(on_dispute="suspend")
    is_open = replace(subscription(), last_payment=payment(disputed="open"))
    won = replace(subscription(), last_payment=payment(disputed="won"))
    assert only(is_open).reason == "active"
    assert only(is_open, suspend).reason == "disputed"
    assert only(won, suspend) == only(subscription(), suspend)


def test_D8_nothing_against_a_payment_can_revive_what_is_over() -> None:
    refunded = replace(subscription("canceled"), last_payment=payment(refunded_minor=5000))
    assert only(refunded).reason == "canceled"


def test_A106_a_refund_that_ended_it_stays_the_reason_after_stripe_ended_the_subscription() -> None:
    paid = payment(refunded_minor=5000, refunded_at=NOW)
    over = replace(subscription("canceled"), last_payment=paid, ended_at=NOW + DAY)
    assert only(over, patrons(on_refund="end"), NOW + 2 * DAY).reason == "refunded"
    assert only(over, patrons(on_refund="keep"), NOW + 2 * DAY).reason == "canceled"
    earlier = replace(over, ended_at=NOW - DAY)
    assert only(earlier, patrons(on_refund="end"), NOW + 2 * DAY).reason == "canceled"
    lost = replace(over, last_payment=payment(disputed="lost", disputed_at=NOW))
    assert only(lost, now=NOW + 2 * DAY).reason == "dispute_lost"


@pytest.mark.parametrize("on_refund", ["end", "period_end"])
def test_A106_a_refund_stays_the_reason_after_the_term_would_have_ended(on_refund: str) -> None:
    rules = patrons(term="30d", on_refund=on_refund)
    refunded = replace(purchase(), refunded_minor=5000, refunded_at=START + 5 * DAY)
    for day in (30, 31, 400):
        grant = only(refunded, rules, START + day * DAY)
        assert (grant.holds, grant.reason) == (False, "refunded")
        assert grant.because_at == START + 5 * DAY
    late = replace(refunded, refunded_at=START + 40 * DAY)
    assert only(late, rules, START + 50 * DAY).reason == "term_over"
    assert only(refunded, patrons(term="30d", on_refund="keep"), START + 31 * DAY).reason == (
        "term_over"
    )


@pytest.mark.parametrize(("disputed", "reason"), [("lost", "dispute_lost"), ("open", "disputed")])
def test_A106_a_dispute_stays_the_reason_after_the_term_and_a_later_one_is_none(
    disputed: Literal["open", "lost"], reason: str
) -> None:
    rules = patrons(term="30d", on_dispute="suspend")
    against = replace(purchase(), disputed=disputed, disputed_at=START + 5 * DAY)
    for day in (6, 30, 31, 400):
        grant = only(against, rules, START + day * DAY)
        assert (grant.holds, grant.reason) == (False, reason)
        assert grant.because_at == START + 5 * DAY
    late = replace(against, disputed_at=START + 40 * DAY)
    assert only(late, rules, START + 50 * DAY).reason == "term_over"


# --- One-off purchases --------------------------------------------------------------------------


def test_E22_a_purchase_is_for_life_unless_it_has_a_term() -> None:
    grant = only(purchase(), now=START + 9000 * DAY)
    assert (grant.holds, grant.reason, grant.until_at) == (True, "bought", None)
    assert (grant.source, grant.source_id, grant.from_at) == ("purchase", "cs_1:1", START)


def test_E23_a_term_ends_to_the_second() -> None:
    end = START + 30 * DAY
    before = only(purchase(), patrons(term="30d"), end - timedelta(seconds=1))
    after = only(purchase(), patrons(term="30d"), end)
    assert (before.holds, before.until_at, before.next_change_at) == (True, end, end)
    assert (after.holds, after.reason, after.next_change_at) == (False, "term_over", None)


def test_E23_E39_terms_stack_over_all_customers_of_the_user_in_the_order_of_paying() -> None:
    second = replace(purchase("cs_2:1", START + 10 * DAY), customer_id="cus_2")
    late = purchase("cs_3:1", START + 100 * DAY)
    found = judged(late, second, purchase(), rules=patrons(term="30d"))
    ends = {grant.source_id: grant.until_at for grant in found}
    assert ends == {
        "cs_1:1": START + 30 * DAY,
        "cs_2:1": START + 60 * DAY,
        "cs_3:1": START + 130 * DAY,
    }


def test_E23_each_line_counts_once_and_each_product_by_itself() -> None:
    rules = rules_of({"prod_p": {"discourse_term": "1mo"}, "prod_m": {"discourse_term": "1mo"}})
    lines = purchase("cs_1:1"), replace(purchase("cs_1:2"), quantity=3)
    found = judged(*lines, purchase("cs_1:3", product_id="prod_m"), rules=rules)
    assert [grant.until_at for grant in found] == [
        datetime(2026, 4, 1, 12, tzinfo=UTC),
        datetime(2026, 5, 1, 12, tzinfo=UTC),
        datetime(2026, 4, 1, 12, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "against",
    [
        pytest.param({"refunded_minor": 5000}, id="refunded"),
        pytest.param({"disputed": "lost"}, id="charged back"),
    ],
)
@pytest.mark.parametrize("on_refund", ["end", "keep", "period_end"])
def test_E23_E30_what_was_given_back_is_no_ground_to_stack_on(
    against: dict[str, object], on_refund: str
) -> None:
    gone = replace(purchase(), **against)  # type: ignore[arg-type] # the table names its own fields
    later = purchase("cs_2:1", START + 10 * DAY)
    _, second = judged(gone, later, rules=patrons(term="30d", on_refund=on_refund))
    assert (second.holds, second.until_at) == (True, START + 40 * DAY)


def test_E28_a_disputed_purchase_is_ground_to_stack_on_until_it_is_lost() -> None:
    disputed = replace(purchase(), disputed="open", disputed_at=NOW)
    later = purchase("cs_2:1", START + 10 * DAY)
    first, second = judged(disputed, later, rules=patrons(term="30d", on_dispute="suspend"))
    assert (first.holds, first.reason, first.because_at) == (False, "disputed", NOW)
    assert (second.holds, second.until_at) == (True, START + 60 * DAY)


@pytest.mark.parametrize(
    ("said", "holds", "reason"),
    [
        ({}, False, "refunded"),
        ({"on_refund": "keep"}, True, "bought"),
        ({"on_refund": "period_end"}, False, "refunded"),
        ({"on_refund": "period_end", "term": "30d"}, True, "refunded_paid"),
    ],
)
def test_E24_a_refunded_purchase_follows_the_policy(
    said: dict[str, str],
    holds: bool,  # noqa: FBT001 - a column of the table
    reason: str,
) -> None:
    refunded = replace(purchase(), refunded_minor=5000, refunded_at=NOW)
    grant = only(refunded, patrons(**said))
    assert (grant.holds, grant.reason) == (holds, reason)


def test_E25_E27_a_part_keeps_and_a_refund_that_failed_restores() -> None:
    part = replace(purchase(), refunded_minor=4999)
    assert only(part).holds
    assert not only(part, patrons(on_partial_refund="60%")).holds
    assert only(replace(part, refunded_minor=0), patrons(on_partial_refund="60%")).holds


def test_a_refund_is_measured_by_the_line_where_the_payment_is_not_known() -> None:
    assert not only(replace(purchase(), payment_minor=0, refunded_minor=5000)).holds


@pytest.mark.parametrize(
    ("disputed", "choice", "holds"),
    [
        ("open", "keep", True),
        ("open", "suspend", False),
        ("won", "suspend", True),
        ("lost", "keep", False),
    ],
)
def test_E28_E29_E30_disputes_of_a_purchase(
    disputed: Literal["open", "won", "lost"],
    choice: str,
    holds: bool,  # noqa: FBT001 - a column of the table
) -> None:
    grant = only(replace(purchase(), disputed=disputed), patrons(on_dispute=choice))
    assert grant.holds is holds
