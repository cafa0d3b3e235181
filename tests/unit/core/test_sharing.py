from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Facts, Seat
from bridge.core.model.stripe import Purchase, Subscription, SubscriptionItem
from bridge.core.rights.grants import grants
from bridge.core.rights.sharing import places, seat_item
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.rules.policy import Policy
from bridge.core.rules.values import Term
from bridge.core.telling.reasons import sentence

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = Rule(id="prod", product_id="prod", group_ids=(41,))
RULES = Rules(by_product={"prod": RULE})
ITEM = SubscriptionItem("si_1", "price", "prod", 1, NOW - DAY, NOW + 29 * DAY)
OWN = Subscription("sub_1", "cus_1", "active", (ITEM,), NOW - DAY, NOW - DAY)
GIFT = replace(OWN, beneficiary_id=7)
ORDER = Purchase("cs_1:li_1", "cus_1", "price", "prod", 1, NOW - DAY, 1000, "eur")


def test_E52_what_is_given_holds_nothing_for_the_giver_and_all_for_the_beneficiary() -> None:
    (giver,) = grants(Facts(given=(GIFT,)), RULES, Policy(), NOW)
    assert (giver.holds, giver.reason, giver.group_id) == (False, Reason.GIVEN, 41)
    (taker,) = grants(Facts(subscriptions=(GIFT,)), RULES, Policy(), NOW)
    assert (taker.holds, taker.share) == (True, "gift")
    assert sentence(taker, "yearly membership") == "Your gifted yearly membership is active."


def test_E52_a_gift_that_is_over_is_no_news_to_its_giver() -> None:
    ended = replace(GIFT, status="canceled", ended_at=NOW)
    assert grants(Facts(given=(ended,)), RULES, Policy(), NOW) == ()


def test_E52_only_the_payer_has_bills_of_a_gift() -> None:
    assert Facts(subscriptions=(GIFT,)).paid_by_user == ()
    assert Facts(subscriptions=(OWN,), given=(GIFT,)).paid_by_user == (OWN, GIFT)


def test_E23_E52_terms_stack_on_gifts_and_not_on_what_was_given_away() -> None:
    rule = replace(RULE, term=Term(days=30))
    rules = Rules(by_product={"prod": rule})
    gift = replace(ORDER, id="cs_2:li_1", paid_at=NOW, beneficiary_id=7)
    taker = grants(Facts(purchases=(ORDER, gift)), rules, Policy(), NOW)
    assert [one.until_at for one in taker] == [NOW + 29 * DAY, NOW + 59 * DAY]
    own, given = grants(Facts(purchases=(ORDER,), given_purchases=(gift,)), rules, Policy(), NOW)
    assert (own.until_at, given.reason) == (NOW + 29 * DAY, Reason.GIVEN)


def test_E21_the_seats_are_those_of_the_greatest_quantity_less_the_buyers() -> None:
    team = replace(ITEM, id="si_2", quantity=5)
    both = replace(OWN, items=(ITEM, team))
    assert seat_item(both) == team
    assert [places(both), places(OWN), places(replace(OWN, items=()))] == [4, 0, 0]


def test_E21_a_seat_too_many_lasts_until_its_notice_is_over() -> None:
    team = replace(OWN, items=(replace(ITEM, quantity=2),))
    policy = Policy(seat_notice_days=7)
    kept, ending, over = (
        grants(Facts(seats=(Seat(team, NOW - DAY, since),)), RULES, policy, NOW)[0]
        for since in (None, NOW - DAY, NOW - 7 * DAY)
    )
    assert (kept.holds, kept.reason, kept.share) == (True, Reason.ACTIVE, "seat")
    assert (ending.holds, ending.reason) == (True, Reason.SEAT_ENDING)
    assert ending.until_at == ending.next_change_at == NOW + 6 * DAY
    assert (over.holds, over.reason) == (False, Reason.SEAT_OVER)


def test_E21_no_seat_outlives_its_subscription() -> None:
    ended = replace(OWN, status="canceled", ended_at=NOW, items=(replace(ITEM, quantity=2),))
    (seat,) = grants(Facts(seats=(Seat(ended, NOW - DAY),)), RULES, Policy(), NOW)
    assert (seat.holds, seat.reason) == (False, Reason.CANCELED)
