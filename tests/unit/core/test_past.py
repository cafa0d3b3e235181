"""The state at a time, as known today and as known then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.memberships.past import (
    HandRecord,
    Past,
    SeatLine,
    purchase_at,
    seats_after,
    subscription_at,
)
from bridge.core.model.rights import Facts, HandGrant
from bridge.core.model.steps import MemberStep
from bridge.core.model.stripe import PeriodPayment, Purchase, Subscription, SubscriptionItem

DAY = timedelta(days=1)
START = datetime(2027, 3, 1, tzinfo=UTC)
SUB = Subscription(
    id="sub_1",
    customer_id="cus_1",
    status="active",
    items=(SubscriptionItem("si_1", "price_1", "prod_1", 1, START, START + 30 * DAY),),
    created_at=START,
    started_at=START,
)
ENDED = replace(SUB, status="canceled", ended_at=START + 5 * DAY, canceled_at=START + 5 * DAY)


def was(readings: list[tuple[int, Subscription]], day: float) -> Subscription | None:
    """The subscription as it was on a day, from readings made on these days."""
    dated = [(START + number * DAY, one) for number, one in readings]
    return subscription_at(dated, readings[-1][1], START + day * DAY)


def status(readings: list[tuple[int, Subscription]], day: float) -> str:
    found = was(readings, day)
    assert found is not None
    return found.status


def test_before_it_was_made_there_was_no_subscription() -> None:
    assert was([(0, SUB)], -1) is None


def test_an_end_counts_from_when_stripe_says_and_not_from_when_it_was_read() -> None:
    readings = [(0, SUB), (9, ENDED)]
    assert [status(readings, day) for day in (4, 5, 8, 9)] == [
        "active",
        "canceled",
        "canceled",
        "canceled",
    ]


def test_what_was_first_read_after_its_end_was_active_before_it() -> None:
    found = was([(9, ENDED)], 3)
    assert found is not None
    assert (found.status, found.ended_at, found.canceled_at) == ("active", None, None)


def test_a_missed_payment_counts_from_its_due_date() -> None:
    late = replace(SUB, status="past_due", past_due_since_at=START + 3 * DAY)
    readings = [(0, SUB), (6, late)]
    assert [status(readings, day) for day in (2, 3, 5, 6)] == ["active", *["past_due"] * 3]
    assert status([(6, late)], 2) == "active"


def test_a_subscription_that_paid_again_was_past_due_in_between() -> None:
    late = replace(SUB, status="past_due", past_due_since_at=START + 3 * DAY)
    readings = [(0, SUB), (4, late), (6, SUB)]
    assert [status(readings, day) for day in (2, 3.5, 5, 7)] == [
        "active",
        "past_due",
        "past_due",
        "active",
    ]


def test_in_its_trial_it_was_trialing() -> None:
    after = replace(SUB, trial_end_at=START + 7 * DAY)
    assert (status([(9, after)], 3), status([(9, after)], 8)) == ("trialing", "active")


def test_a_change_that_stripe_does_not_date_counts_from_the_first_reading_of_it() -> None:
    moved = replace(SUB, items=(replace(SUB.items[0], price_id="price_2"),))
    before, after = was([(0, SUB), (5, moved)], 4), was([(0, SUB), (5, moved)], 5)
    assert before is not None
    assert after is not None
    assert (before.items[0].price_id, after.items[0].price_id) == ("price_1", "price_2")


def test_a_refund_and_a_dispute_of_a_period_count_from_their_own_dates() -> None:
    paid = PeriodPayment(
        "in_1", START, START + 30 * DAY, 1000, 1000, START + 3 * DAY, "lost", START + 5 * DAY
    )
    known = replace(SUB, last_payment=paid)
    readings = [(0, SUB), (9, known)]

    def payment(day: int) -> tuple[int, str | None] | None:
        found = was(readings, day)
        assert found is not None
        one = found.last_payment
        return None if one is None else (one.refunded_minor, one.disputed)

    assert [payment(day) for day in (2, 3, 6)] == [None, (1000, None), (1000, "lost")]


def test_a_purchase_was_there_once_paid_and_whole_until_refunded() -> None:
    bought = Purchase(
        "cs_1",
        "cus_1",
        "price_1",
        "prod_1",
        1,
        START,
        500,
        "eur",
        refunded_minor=500,
        refunded_at=START + 2 * DAY,
        disputed="open",
        disputed_at=START + 3 * DAY,
    )
    assert purchase_at(bought, START - DAY) is None
    found = [purchase_at(bought, START + number * DAY) for number in (1, 2, 3)]
    assert [(one.refunded_minor, one.disputed) for one in found if one] == [
        (0, None),
        (500, None),
        (500, "open"),
    ]


def past() -> Past:
    grant = HandGrant("grant_1", 7, 1, START, None, "thanks", "maria")
    return Past(
        now=Facts(subscriptions=(ENDED,), hand_grants=()),
        readings={"sub_1": [(START, SUB), (START + 9 * DAY, ENDED)]},
        links=[
            (START + DAY, "cus_1", True),
            (START + 20 * DAY, "cus_1", False),
        ],
        deleted={"cus_1": START + 30 * DAY},
        hand=[HandRecord(grant, START + 2 * DAY, START + 4 * DAY)],
    )


@pytest.mark.parametrize(
    ("day", "known", "was"),
    [
        (0.5, None, "active"),
        (3, "active", "active"),
        (7, "active", "canceled"),
        (21, None, "canceled"),
    ],
)
def test_what_was_known_is_told_from_how_it_was(day: float, known: str | None, was: str) -> None:
    at = START + day * DAY
    found = past().known_at(at).subscriptions
    assert [one.status for one in found] == ([known] if known else [])
    assert [one.status for one in past().was_at(at).subscriptions] == [was]


def test_a_grant_by_hand_is_known_once_recorded_and_over_once_taken_back() -> None:
    def in_force(found: Facts) -> list[bool]:
        return [one.revoked_at is None for one in found.hand_grants]

    days = (1, 3, 5)
    known = [in_force(past().known_at(START + day * DAY)) for day in days]
    was = [in_force(past().was_at(START + day * DAY)) for day in days]
    assert (known, was) == ([[], [True], [False]], [[True], [True], [False]])


def test_a_grant_by_hand_that_nobody_had_recorded_yet_did_not_wait_for_its_beginning() -> None:
    before = START - DAY
    assert past().was_at(before).hand_grants == ()
    (record,) = past().hand
    early = replace(record, recorded_at=before - DAY)
    assert len(replace(past(), hand=[early]).was_at(before).hand_grants) == 1


def test_a_deleted_customer_was_there_until_it_was_deleted() -> None:
    assert past().was_at(START + 29 * DAY).deleted_customer_ids == frozenset()
    theirs = replace(past(), links=past().links[:1])
    assert theirs.known_at(START + 29 * DAY).deleted_customer_ids == frozenset()
    assert theirs.known_at(START + 31 * DAY).deleted_customer_ids == {"cus_1"}
    assert past().known_at(START + 31 * DAY).deleted_customer_ids == frozenset()


def test_the_moments_are_all_at_which_something_was_learnt() -> None:
    days = [(at - START).days for at in past().moments(START, START + 20 * DAY)]
    assert days == [1, 2, 4, 9, 20]


def test_E52_a_gift_is_its_beneficiarys_and_the_giver_has_given_it_since_it_was_read_so() -> None:
    given = replace(SUB, beneficiary_id=8)
    readings = {"sub_1": [(START, SUB), (START + 2 * DAY, given)]}
    giver = replace(past(), user_id=7, now=Facts(given=(given,)), readings=readings)
    before, after = (giver.known_at(START + day * DAY) for day in (1.5, 3))
    assert (len(before.subscriptions), before.given) == (1, ())
    assert (after.subscriptions, after.given) == ((), (given,))
    other = Past(user_id=8, now=Facts(subscriptions=(given,)), readings=readings)
    known = [len(other.known_at(START + day * DAY).subscriptions) for day in (1.5, 3)]
    was = [len(other.was_at(START + day * DAY).subscriptions) for day in (-1, 1.5, 3)]
    assert (known, was) == ([0, 1], [0, 1, 1])
    assert other.was_at(START + 1.5 * DAY).subscriptions == (given,)
    assert [len(giver.was_at(START + day * DAY).given) for day in (-1, 3)] == [0, 1]


def test_a_gift_to_oneself_is_none() -> None:
    readings = {"sub_1": [(START, replace(SUB, beneficiary_id=7))]}
    found = replace(past(), user_id=7, readings=readings).known_at(START + 3 * DAY)
    assert (found.subscriptions, found.given) == ((SUB,), ())


def seat_line(day: float, action: str, **had: Any) -> SeatLine:
    return SeatLine(START + day * DAY, f"seat_{action}", "sub_1", 8, **had)


def test_E21_a_seat_is_theirs_from_its_assigning_to_its_taking_back_both_ways() -> None:
    lines = [
        seat_line(1, "assigned"),
        seat_line(3, "too_many"),
        seat_line(4, "again"),
        seat_line(5, "unassigned"),
    ]
    seated = Past(
        user_id=8, readings={"sub_1": [(START, SUB), (START + 9 * DAY, ENDED)]}, seats=lines
    )
    for found in (seated.known_at, seated.was_at):
        seats = [found(START + day * DAY).seats for day in (0.5, 2, 3, 4, 5)]
        assert [len(one) for one in seats] == [0, 1, 1, 1, 0]
        assert seats[2][0].over_since_at == START + 3 * DAY
        assert (seats[3][0].assigned_at, seats[3][0].over_since_at) == (START + DAY, None)
    assert [(at - START).days for at in seated.moments(START, START + 5 * DAY)] == [1, 3, 4, 5]


def test_E21_the_subscription_behind_a_seat_is_the_one_of_that_date() -> None:
    readings = {"sub_1": [(START, SUB), (START + 9 * DAY, ENDED)]}
    seated = Past(user_id=8, readings=readings, seats=[seat_line(1, "assigned")])
    at = START + 7 * DAY
    assert [one.subscription.status for one in seated.known_at(at).seats] == ["active"]
    assert [one.subscription.status for one in seated.was_at(at).seats] == ["canceled"]


def test_a_seat_that_came_from_another_account_keeps_its_place_in_the_order() -> None:
    came = seat_line(6, "assigned", assigned_at=START, over_since_at=START + DAY)
    assert seats_after([came]) == {("sub_1", 8): (START, START + DAY)}


def test_a_seat_that_is_nobodys_any_more_is_neither_too_many_nor_there_again() -> None:
    over = [seat_line(1, "assigned"), seat_line(2, "unassigned"), seat_line(3, "too_many")]
    assert seats_after(over) == {}


def test_entitlements_were_what_was_first_read_of_them_and_are_known_since_then() -> None:
    said = [(START + 2 * DAY, frozenset({"forum"})), (START + 4 * DAY, frozenset[str]())]
    found = replace(past(), entitlements={"cus_1": said, "cus_2": said})
    days = (1.5, 3, 5)
    known = [found.known_at(START + day * DAY).entitlements for day in days]
    assert known == [{}, {"cus_1": frozenset({"forum"})}, {"cus_1": frozenset()}]
    was = [found.was_at(START + day * DAY).entitlements["cus_1"] for day in days]
    assert was == [frozenset({"forum"}), frozenset({"forum"}), frozenset()]
    assert START + 4 * DAY in found.moments(START, START + 5 * DAY)


def test_A62_steps_of_a_membership_are_as_they_were_and_as_they_were_known() -> None:
    def step(id_: str, at: datetime, known_at: datetime, **more: Any) -> MemberStep:
        about: dict[str, Any] = {"user_id": 7, "kind": "approval", "reason": "r", "actor": "mod"}
        about |= more
        return MemberStep(id=id_, at=at, known_at=known_at, **about)

    early, late = START + DAY, START + 9 * DAY
    approved = step("step:1", early, late)
    corrected = step("step:2", late + DAY, late + DAY, kind=None, corrects="step:1")
    past = Past(now=Facts(steps=(approved, corrected)))
    assert past.known_at(early).steps == ()
    assert past.known_at(late).steps == (approved,)
    assert past.known_at(late + DAY).steps == (approved, corrected)
    # What was taken back never was, by all that is known today.
    assert past.was_at(early).steps == (approved, corrected)
    assert {late, late + DAY} <= set(past.moments(START, late + 2 * DAY))
