"""Goals: as they are written, and how far a community is with them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.stripe import Price, Subscription
from bridge.core.rules.compiled import Rule
from bridge.core.rules.goals import Goal, Per, read_goal
from bridge.core.telling.goals import bought, groups_of, progress, renewing
from tests.unit.core.shop import item, purchase, subscription

MONTHLY = Price("price_p", "prod_p", "eur", 500, "month")


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("none", None),
        ("200 members", Goal(Decimal(200))),
        ("1 member", Goal(Decimal(1))),
        ("5000 eur/month", Goal(Decimal(5000), "eur", "month")),
        ("5000 eur / month", Goal(Decimal(5000), "eur", "month")),
        ("60000eur/year", Goal(Decimal(60_000), "eur", "year")),
        ("12000 eur", Goal(Decimal(12_000), "eur")),
        ("99.50 usd", Goal(Decimal("99.50"), "usd")),
    ],
)
def test_a_goal_is_read_as_it_is_meant(text: str, goal: Goal | None) -> None:
    assert read_goal(text) == goal


NO_GOALS = (
    *("", "5000", "0 eur", "0 members", "-5 eur", "5.5 members", "5000 euro", "5000 eur/day"),
    *("5000 eur/month/year", "many members", "5,000 eur", "9999999999 eur"),
)


@pytest.mark.parametrize("text", NO_GOALS)
def test_what_is_no_goal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_goal(text)


def paid_each(per: Per, *subscriptions: Subscription, price: Price = MONTHLY) -> int:
    return renewing(subscriptions, "prod_p", {price.id: price}, "eur", per)


@pytest.mark.parametrize(
    ("interval", "count", "amount", "a_month"),
    [
        ("month", 1, 500, 500),
        ("month", 3, 1500, 500),
        ("year", 1, 6000, 500),
        ("year", 1, 5000, 416),
        ("week", 1, 100, 434),
        ("day", 1, 10, 304),
    ],
)
def test_each_interval_counts_for_what_it_pays_a_month(
    interval: str, count: int, amount: int, a_month: int
) -> None:
    price = Price("price_p", "prod_p", "eur", amount, interval, count)  # type: ignore[arg-type] # by table
    assert paid_each("month", subscription(), price=price) == a_month


def test_only_those_who_pay_now_count_with_all_their_seats() -> None:
    three = replace(item(), quantity=3)
    running = [subscription(), subscription("active", three)]
    idle = [subscription(one) for one in ("trialing", "past_due", "unpaid", "canceled", "paused")]
    paused = replace(subscription(), pause_collection="void")
    other = subscription("active", item("prod_s"))
    assert paid_each("month", *running, *idle, paused, other) == 500 + 1500
    assert paid_each("year", *running) == 12 * 2000


def test_another_currency_and_an_open_amount_are_never_added_up() -> None:
    dollars = replace(MONTHLY, currency="usd")
    assert paid_each("month", subscription(), price=dollars) == 0
    assert paid_each("month", subscription(), price=replace(MONTHLY, amount_minor=None)) == 0
    assert paid_each("month", subscription(), price=replace(MONTHLY, interval=None)) == 0
    assert renewing([subscription()], "prod_p", {}, "eur", "month") == 0


def test_what_was_bought_once_counts_less_what_was_given_back() -> None:
    halved = replace(purchase("cs_2:1"), refunded_minor=2500)
    lost = replace(purchase("cs_3:1"), disputed="lost")
    other = purchase("cs_4:1", product_id="prod_s")
    dollars = replace(purchase("cs_5:1"), currency="usd")
    assert bought([purchase(), halved, lost, other, dollars], "prod_p", "eur") == 5000 + 2500


def test_on_a_ladder_the_step_s_own_group_counts_and_not_what_all_share() -> None:
    step = Rule(id="x", group_ids=(1, 2), ladder="level", ladder_group_ids=frozenset({2}))
    assert groups_of(step) == {2}
    assert groups_of(Rule(id="x", group_ids=(1, 2))) == {1, 2}


@pytest.mark.parametrize(
    ("goal", "reached", "percent", "words"),
    [
        (Goal(Decimal(200)), 150, 75, ("150", "200")),
        (Goal(Decimal(5000), "eur", "month"), 320_050, 64, ("€3,200", "€5,000")),
        (Goal(Decimal(5000), "eur"), 499_999, 99, ("€4,999", "€5,000")),
        (Goal(Decimal(5000), "eur"), 500_000, 100, ("€5,000", "€5,000")),
        (Goal(Decimal(5000), "eur"), 900_000, 100, ("€9,000", "€5,000")),
        (Goal(Decimal(5000), "eur"), -100, 0, ("€0", "€5,000")),
        (Goal(Decimal(500_000), "jpy"), 250_000, 50, ("JP¥250,000", "JP¥500,000")),
    ],
)
def test_progress_is_told_in_round_figures_and_is_reached_only_when_it_is(
    goal: Goal, reached: int, percent: int, words: tuple[str, str]
) -> None:
    found = progress(goal, reached)
    assert found.percent == percent
    assert found.words("en-GB") == words


@given(st.integers(-(10**9), 10**12), st.integers(1, 10**9))
def test_a_bar_is_never_shorter_than_nothing_or_longer_than_all(reached: int, wanted: int) -> None:
    found = progress(Goal(Decimal(wanted), "eur"), reached)
    assert 0 <= found.percent <= 100
    assert (found.percent == 100) == (reached >= wanted * 100)
