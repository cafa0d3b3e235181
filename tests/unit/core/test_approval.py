"""Approval before a payment counts (A62): who waits, who does not, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.memberships.decision import WantedMembership, decide
from bridge.core.memberships.member import Member
from bridge.core.memberships.situation import situation
from bridge.core.model.reasons import UNDECIDED, Reason
from bridge.core.model.rights import Facts, Grant, HandGrant, Seat
from bridge.core.model.steps import MemberStep, StepKind
from bridge.core.model.stripe import Price, Product, Purchase, Subscription
from bridge.core.rights.approval import due_steps
from bridge.core.rights.grants import grants
from bridge.core.rights.offers import Offer
from bridge.core.rules.law import Catalogue, Law
from bridge.core.telling.next_steps import next_steps, would_wait
from bridge.core.telling.of_member import Addresses, statement_input
from bridge.core.telling.replies import Situation, reply
from bridge.core.telling.stands import Buyer, Standing
from bridge.core.telling.statement import Statement, build
from tests.unit.core.shop import (
    DAY,
    GROUPS,
    MEMBERS,
    NOW,
    PATRONS,
    POLICY,
    START,
    hand,
    held,
    patrons,
    purchase,
    rules_of,
    subscription,
)

ASKING = patrons(approval="2026-03-01")  # the day on which everything below begins
LATER = patrons(approval="2026-04-01")
Made = tuple[StepKind, datetime]


def steps(*made: Made) -> tuple[MemberStep, ...]:
    return tuple(
        MemberStep(
            id=f"step:{number}", user_id=7, kind=kind, at=at, known_at=at, reason="r", actor="mod"
        )
        for number, (kind, at) in enumerate(made)
    )


def judged(facts: Facts, rules: object = ASKING, now: datetime = NOW) -> tuple[Grant, ...]:
    return grants(facts, rules, POLICY, now)  # type: ignore[arg-type] # Rules, by another name


def of(*sources: Subscription | Purchase | HandGrant, made: Sequence[Made] = ()) -> Facts:
    return Facts(
        tuple(one for one in sources if isinstance(one, Subscription)),
        tuple(one for one in sources if isinstance(one, Purchase)),
        tuple(one for one in sources if isinstance(one, HandGrant)),
        steps=steps(*made),
    )


BOUGHT = [subscription(), purchase()]
WAITS, DECLINED = Reason.APPROVAL_WAITS, Reason.APPROVAL_DECLINED
PAID = START
AFTER, BEFORE = PAID + DAY, PAID - DAY


@pytest.mark.parametrize("bought", BOUGHT)
@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ((), WAITS),
        ([("application", AFTER)], WAITS),
        ([("application", PAID), ("payment", PAID)], WAITS),
        ([("application", PAID), ("approval", AFTER)], None),
        ([("application", BEFORE), ("approval", BEFORE)], None),
        ([("application", PAID), ("decline", AFTER)], DECLINED),
        ([("decline", AFTER), ("application", AFTER + DAY), ("approval", AFTER + DAY)], None),
        ([("application", BEFORE - DAY), ("decline", BEFORE)], WAITS),
        ([("approval", BEFORE - DAY), ("cessation", BEFORE)], WAITS),
        ([("approval", BEFORE - DAY), ("cessation", AFTER)], None),
        ([("approval", AFTER), ("cessation", AFTER + DAY)], None),
        ([("cessation", BEFORE), ("application", PAID), ("approval", AFTER)], None),
    ],
)
def test_A62_what_was_paid_gives_nothing_until_a_moderator_approves_in_either_order(
    bought: Subscription | Purchase, made: list[Made], reason: Reason | None
) -> None:
    (found,) = judged(of(bought, made=made))
    assert (found.holds, found.reason if reason else None) == (reason is None, reason)
    assert found.because_at == (AFTER if reason == DECLINED else None)


def test_A62_a_step_that_was_taken_back_counts_no_more() -> None:
    approved = steps(("application", PAID), ("approval", AFTER))
    back = replace(approved[1], id="step:9", kind=None, corrects="step:1", at=AFTER + DAY)
    (found,) = judged(replace(of(purchase()), steps=(*approved, back)))
    assert found.reason == WAITS


def test_A62_members_from_before_the_day_need_no_approval_for_anything() -> None:
    old = purchase("cs_0:1", START - 400 * DAY)
    assert held(judged(of(old, subscription()))) == {PATRONS}
    assert all(one.holds for one in judged(of(old, subscription())))
    assert judged(of(subscription()), LATER)[0].holds
    never_paid = replace(subscription("incomplete_expired", id_="sub_0"), started_at=START - DAY)
    assert judged(of(never_paid, purchase()))[-1].reason == WAITS
    ceased = of(old, purchase(), made=[("cessation", BEFORE)])
    assert [one.holds for one in judged(ceased)] == [True, False]


@pytest.mark.parametrize(
    ("source", "reason"),
    [("payment", WAITS), ("import", Reason.BOUGHT), ("moderator", Reason.HAND)],
)
def test_A62_a_payment_by_hand_waits_and_what_a_moderator_gives_does_not(
    source: Literal["payment", "import", "moderator"], reason: Reason
) -> None:
    given = replace(hand(), group_id=PATRONS, source=source)
    assert judged(of(given))[0].reason == reason
    assert judged(of(replace(given, group_id=MEMBERS)))[0].holds
    before = replace(given, id="hand_0", from_at=BEFORE, until_at=PAID)
    is_known = source != "moderator"
    assert judged(of(before, purchase()))[0].holds is is_known


def test_A62_a_gift_and_a_seat_wait_for_the_one_who_gets_it() -> None:
    gift = replace(purchase(), beneficiary_id=7)
    assert judged(of(gift))[0].reason == WAITS
    seated = replace(Facts(seats=(Seat(subscription(), PAID),)), steps=())
    assert judged(seated)[0].reason == WAITS
    assert judged(replace(seated, steps=steps(("approval", AFTER))))[0].holds
    giver = Facts(given_purchases=(replace(purchase(), beneficiary_id=9),))
    assert judged(giver)[0].reason == Reason.GIVEN


def test_A62_what_is_wrong_with_a_payment_is_told_before_that_it_waits() -> None:
    assert judged(of(subscription("unpaid")))[0].reason == Reason.UNPAID
    refunded = replace(purchase(), refunded_minor=5000, refunded_at=NOW)
    assert judged(of(refunded))[0].reason == Reason.REFUNDED


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["application", "approval", "decline", "payment", "cessation"]),
            st.integers(-9, 9),
        ),
        max_size=6,
    ),
    st.sampled_from(BOUGHT),
)
def test_A62_nobody_who_has_a_group_loses_it_by_switching_approval_on(
    made: list[tuple[StepKind, int]], bought: Subscription | Purchase
) -> None:
    facts = of(bought, made=[(kind, PAID + timedelta(days=days)) for kind, days in made])
    before = decide({}, judged(facts, rules_of()), situation(POLICY, ASKING, (), NOW, NOW))
    wanted: dict[int, WantedMembership] = {one.group_id: one for one in before.memberships}
    verdicts = judged(facts)
    after = decide(wanted, verdicts, situation(POLICY, ASKING, verdicts, NOW, NOW))
    now = wanted | {one.group_id: one for one in after.memberships}
    if verdicts[0].reason != DECLINED:
        assert now[PATRONS].wanted or now[PATRONS].hold == "approval_waits"


def test_A62_waiting_is_undecided_and_gives_nothing_new() -> None:
    verdicts = judged(of(purchase()))
    assert WAITS in UNDECIDED
    assert DECLINED not in UNDECIDED
    assert not decide({}, verdicts, situation(POLICY, ASKING, verdicts, NOW, NOW)).memberships


def due(facts: Facts, now: datetime = NOW) -> list[tuple[str, datetime]]:
    return [(one.kind, one.at) for one in due_steps(judged(facts, now=now), facts, ASKING, now)]


PAYING: list[Made] = [("application", PAID), ("payment", PAID)]


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (of(purchase()), PAYING),
        (of(subscription()), PAYING),
        (of(subscription("trialing")), PAYING[:1]),
        (Facts(seats=(Seat(subscription(), PAID),)), PAYING),
        (Facts(seats=(Seat(subscription("trialing"), PAID),)), PAYING[:1]),
        (of(replace(purchase(), beneficiary_id=7)), PAYING),
        (of(purchase(), made=PAYING[:1]), PAYING[1:]),
        (of(purchase(), made=PAYING), []),
        (of(purchase(), made=[*PAYING, ("approval", AFTER)]), []),
        (of(purchase(), made=[("application", BEFORE), ("approval", BEFORE)]), PAYING[1:]),
        (of(purchase(), made=[*PAYING, ("decline", AFTER)]), []),
        (of(purchase(), made=[("application", BEFORE - DAY), ("decline", BEFORE)]), PAYING),
        (of(purchase("cs_0:1", BEFORE), purchase()), []),
        (of(replace(purchase(), product_id="prod_m", price_id="price_m")), []),
        (of(purchase(), made=[("approval", BEFORE)]), []),  # a register that cannot be
    ],
)
def test_A62_paying_is_recorded_as_application_and_payment_once(
    facts: Facts, found: list[Made]
) -> None:
    assert due(facts) == found


def test_A62_no_step_is_recorded_ahead_of_its_time_or_before_what_it_follows() -> None:
    early = PAID - timedelta(seconds=30)
    assert due(of(purchase()), now=early) == [("application", early), ("payment", early)]
    late = of(subscription(), made=[("application", AFTER), ("decline", AFTER)])
    again = of(subscription(), purchase(paid_at=AFTER + DAY), made=[*PAYING, ("decline", AFTER)])
    assert due(late) == []
    assert due(again) == [("application", AFTER + DAY), ("payment", AFTER + DAY)]


# --- what is told of it -------------------------------------------------------------------------

SHARE = Product("prod_p", "Share")
ONCE = Price("price_p", "prod_p", "eur", 5000)
MONTHLY = Price("price_m", "prod_p", "eur", 500, "month")
TELLING = rules_of(
    {
        "prod_p": {
            "discourse_approval": "2026-03-01",
            "discourse_kind": "share",
        }
    }
)
LAW = Law(POLICY, TELLING, Catalogue.of([SHARE], [ONCE, MONTHLY]))


def member(facts: Facts) -> Member:
    return Member(user_id=7, facts=facts, groups=GROUPS)


def told(facts: Facts) -> Statement:
    given = statement_input(member(facts), LAW, Addresses("", "", ""), NOW)
    return build(given)


def buyer(facts: Facts) -> Buyer:
    known = statement_input(member(facts), LAW, Addresses("", "", ""), NOW)
    return Buyer.of(member(facts), LAW, known)


def offer(price: Price = ONCE) -> Offer:
    return Offer(SHARE, price, TELLING.rule_for(price.id, "prod_p"), (GROUPS[PATRONS],))


def test_A62_the_statement_says_that_an_application_waits_and_counts_no_share_yet() -> None:
    waits = told(of(purchase()))
    assert (waits.is_applying, waits.has_place, bool(waits.contributions)) == (True, False, False)
    assert reply(waits.places, []).situation == Situation.WAITING
    approved = told(of(purchase(), made=[("approval", AFTER)]))
    assert (approved.is_applying, approved.has_place) == (False, True)
    assert [str(one) for one in approved.contributions.shares] == ["1 share"]
    declined = told(of(purchase(), made=[*PAYING, ("decline", AFTER)]))
    assert not any((declined.is_applying, declined.has_place, declined.contributions))


@pytest.mark.parametrize(
    ("source", "price", "standing"),
    [
        (purchase(), ONCE, Standing.APPLIED),
        (subscription(), MONTHLY, Standing.APPLIED),
        (subscription("past_due"), MONTHLY, Standing.FAILED),
    ],
)
def test_A62_what_waits_is_not_sold_again_but_a_failed_payment_is_told_first(
    source: Subscription | Purchase, price: Price, standing: Standing
) -> None:
    stand = buyer(of(source)).stand([offer(price)])
    assert (stand.standing, stand.can_buy) == (standing, False)
    declined = buyer(of(purchase(), made=[*PAYING, ("decline", AFTER)])).stand([offer()])
    assert declined.can_buy


@pytest.mark.parametrize(
    ("who", "waits"),
    [
        (None, True),
        (buyer(Facts()), True),
        (buyer(of(made=[("application", BEFORE), ("approval", BEFORE)])), False),
        (buyer(of(purchase("cs_0:1", BEFORE))), False),
    ],
)
def test_A62_an_offer_says_beforehand_whether_it_would_wait(who: Buyer | None, waits: bool) -> None:  # noqa: FBT001 - a table
    assert would_wait(offer(), who, NOW) is waits
    assert would_wait(replace(offer(), rule=None), who, NOW) is False
    assert would_wait(offer(), None, BEFORE) is False
    assert next_steps(offer(), NOW, waits=waits).needs_approval is waits
