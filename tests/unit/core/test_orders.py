"""One order: combinations, totals, and trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price, Product
from bridge.core.rights.buyers import (
    Barred,
    Whereabouts,
    allowed_countries,
    always_allowed,
    barred,
    buyers_of,
    closed_to,
    countries_to_ask,
    not_sold_to,
    sold_elsewhere,
)
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, Order, misfit, paying_of, together, trial_of
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.rules.paying import Paying
from tests.unit.core.shop import START, item, subscription

NOBODY = Facts()


def an_offer(
    name: str = "a",
    amount: int | None = 500,
    interval: Any = "month",
    *,
    currency: str = "eur",
    product: str | None = None,
    count: int = 1,
    **rule: Any,
) -> Offer:
    product_id = product or f"prod_{name}"
    price = Price(f"price_{name}", product_id, currency, amount, interval, count)
    made = Rule(id=f"product:{product_id}", product_id=product_id, **rule)
    return Offer(Product(product_id, name.title()), price, made, ())


def rules_for(*offers: Offer) -> Rules:
    return Rules(by_product={one.product.id: one.rule for one in offers if one.rule})


CLASHES: dict[str, tuple[Offer, Offer]] = {
    "twice": (an_offer("a"), an_offer("a")),
    "ladder": (an_offer("a", ladder="level"), an_offer("b", ladder="level")),
    "currency": (an_offer("a"), an_offer("b", interval=None, currency="usd")),
    "interval": (an_offer("a"), an_offer("b", interval="year")),
}
MORE_CLASHES = {
    "twice": (an_offer("a"), an_offer("b", product="prod_a")),
    "ladder": (an_offer("a", ladder="level"), an_offer("b", interval=None, ladder="level")),
    "currency": (an_offer("a", interval=None), an_offer("b", interval=None, currency="jpy")),
    "interval": (an_offer("a"), an_offer("b", count=3)),
}


@pytest.mark.parametrize("clashes", [CLASHES, MORE_CLASHES])
@pytest.mark.parametrize("why", CLASHES)
@pytest.mark.parametrize("turned", [False, True])
def test_A50_each_pair_that_cannot_be_one_order_is_named(
    clashes: dict[str, tuple[Offer, Offer]], why: str, *, turned: bool
) -> None:
    pair = clashes[why][::-1] if turned else clashes[why]
    found = misfit(pair)
    assert found is not None
    assert found.why == why
    assert found.offers == pair


def test_A50_a_share_a_year_a_donation_and_two_subscriptions_of_a_rhythm_go_together() -> None:
    lines = [
        an_offer("share", interval=None),
        an_offer("year", interval="year", ladder="level"),
        an_offer("paper", interval="year"),
        an_offer("gift", None, None),
        an_offer("pass", interval=None, product="prod_passes"),
        an_offer("longer", interval=None, product="prod_passes"),
    ]
    assert misfit(lines) is None


@pytest.mark.parametrize(
    ("renewing", "once", "fits"),
    [(20, 20, True), (21, 0, False), (1, 21, False), (0, 100, True), (0, 101, False)],
)
def test_A50_stripes_limits_of_lines_are_kept(renewing: int, once: int, *, fits: bool) -> None:
    lines = [an_offer(f"r{number}") for number in range(renewing)]
    lines += [an_offer(f"o{number}", interval=None) for number in range(once)]
    found = misfit(lines)
    assert (found is None) == fits
    assert fits or (found is not None and found.why == "too_many")


def test_A51_what_is_due_today_and_what_renews() -> None:
    year = Line(an_offer("year", 2500, "year"), quantity=3)
    share = Line(an_offer("share", 10_000, None))
    gift = Line(an_offer("gift", None, None), chosen_minor=700)
    order = Order((share, year, gift))
    assert (order.today_minor, order.each_time_minor) == (18_200, 7500)
    trial = replace(order, trial_days=14)
    assert (trial.today_minor, trial.each_time_minor) == (10_700, 7500)
    open_yet = Order((share, Line(an_offer("gift", None, None))))
    assert open_yet.today_minor is None
    assert order.price == year.offer.price


SWITCHES = ("automatic_tax", "tax_ids", "terms", "phone")
ALLOWED = ("promotion_codes", "saved_cards")
PAYING = st.builds(
    Paying,
    **dict.fromkeys((*SWITCHES, *ALLOWED), st.booleans()),
    billing_address=st.sampled_from(["auto", "required"]),
    text=st.sampled_from(["", "Hello."]),
    locale=st.sampled_from(["auto", "de"]),
)


@given(st.lists(PAYING, min_size=1, max_size=4))
def test_what_one_line_requires_is_asked_for_and_what_one_forbids_is_not_offered(
    each: list[Paying],
) -> None:
    whole = together(each)
    for name in SWITCHES:
        assert getattr(whole, name) == any(getattr(one, name) for one in each)
    for name in ALLOWED:
        assert getattr(whole, name) == all(getattr(one, name) for one in each)
    assert together([*each, *each]) == whole
    assert together(each[::-1]) == replace(
        whole, text=together(each[::-1]).text, locale=together(each[::-1]).locale
    )


# --- trials --------------------------------------------------------------------------------------

CLUB = an_offer("club", ladder="level", paying=Paying(trial_days=14))
BIG = an_offer("big", ladder="level", paying=Paying(trial_days=14))
PAPER = an_offer("paper", paying=Paying(trial_days=14))
LAW = rules_for(CLUB, BIG, PAPER)


def had(offer: Offer, *, trial: bool = True, **more: Any) -> Facts:
    ended = subscription("canceled", item(offer.product.id))
    one = replace(ended, trial_end_at=START if trial else None, **more)
    return Facts(subscriptions=(one,))


def days(*offers: Offer, facts: Facts = NOBODY) -> int:
    return trial_of([Line(one) for one in offers], facts, LAW)


def test_a_trial_is_given_once_for_a_ladder_and_once_for_a_product_on_none() -> None:
    assert days(CLUB) == days(PAPER) == 14
    assert days(CLUB, facts=had(CLUB)) == days(CLUB, facts=had(BIG)) == 0
    assert days(PAPER, facts=had(CLUB)) == 14
    assert days(PAPER, facts=had(PAPER)) == 0
    assert days(CLUB, facts=had(CLUB, trial=False)) == 14, "paying is no trial"
    assert days(CLUB, facts=had(CLUB, beneficiary_id=9)) == 14, "given to somebody else"


def test_an_order_has_a_trial_only_where_all_that_renews_has_the_same() -> None:
    once = an_offer("share", interval=None)
    plain = an_offer("plain")
    week = an_offer("week", paying=Paying(trial_days=7))
    assert days(CLUB, PAPER, once) == 14
    assert days(CLUB, plain) == days(CLUB, week) == days(once) == 0
    assert days(CLUB, PAPER, facts=had(PAPER)) == 0


# --- who may buy ---------------------------------------------------------------------------------


def test_A95_only_those_in_a_group_and_of_a_country_may_buy() -> None:
    closed = an_offer("a", paying=Paying(buyer_ids=frozenset({41, 42}), countries=("AT", "DE")))
    other = an_offer("b", paying=Paying(countries=("DE", "CH")))
    everybody = an_offer("c")
    assert closed_to([everybody, closed], {7}) is closed
    assert closed_to([everybody, closed], {42}) is None
    assert closed_to([everybody], ()) is None
    assert allowed_countries(map(paying_of, [closed, other, everybody])) == frozenset({"DE"})
    assert allowed_countries(map(paying_of, [everybody])) is None
    assert sold_elsewhere([everybody, closed], "CH") is closed
    assert sold_elsewhere([everybody, closed], "AT") is None


def test_A95_what_was_sold_abroad_is_named_and_what_is_sold_everywhere_is_not() -> None:
    home = an_offer("a", paying=Paying(countries=("AT", "DE")))
    alps = an_offer("b", paying=Paying(countries=("AT", "CH")))
    everybody = an_offer("c")
    rules = rules_for(home, alps, everybody)
    bought = [(one.price.id, one.product.id) for one in (home, alps, everybody, home)]
    assert not_sold_to(bought, "DE", rules) == ("prod_b",)
    assert not_sold_to(bought, "AT", rules) == ()
    assert not_sold_to([*bought, ("price_x", "prod_x")], "FR", rules) == ("prod_a", "prod_b")
    assert always_allowed(rules) == frozenset({"AT"})
    assert always_allowed(rules_for(everybody)) is None


CREW = an_offer("crew", paying=Paying(buyer_ids=frozenset({7, 8})))
HOME = an_offer("home", paying=Paying(countries=("AT", "DE")))
ALL = an_offer("all")


@pytest.mark.parametrize(
    ("bought", "group_ids", "country", "found"),
    [
        ([ALL], (), "FR", None),
        ([CREW], (7,), "FR", None),
        ([CREW], (9,), None, Barred("prod_crew", group_ids=frozenset({7, 8}))),
        ([CREW], (), None, Barred("prod_crew", group_ids=frozenset({7, 8}))),
        ([HOME], (), "AT", None),
        ([HOME], (), None, None),
        ([ALL, HOME], (), "FR", Barred("prod_home", country="FR")),
        ([HOME, CREW], (8,), "FR", Barred("prod_home", country="FR")),
        ([HOME, CREW], (), "DE", Barred("prod_crew", group_ids=frozenset({7, 8}))),
    ],
)
def test_A95_what_was_paid_without_a_page_is_held_against_buyers_and_countries(
    bought: list[Offer], group_ids: tuple[int, ...], country: str | None, found: Barred | None
) -> None:
    sold = [(one.price.id, one.product.id) for one in bought]
    rules = rules_for(ALL, CREW, HOME)
    assert barred([("price_x", "prod_x"), *sold], group_ids, country, rules) == found
    to_ask = frozenset({"AT", "DE"}) if HOME in bought and country is None else frozenset()
    assert countries_to_ask(sold, country, rules) == to_ask
    assert buyers_of(sold, rules) == (frozenset({7, 8}) if CREW in bought else frozenset())


@pytest.mark.parametrize(
    ("where", "country"),
    [
        (Whereabouts(billing="DE", card="US", ip="US"), "US"),
        (Whereabouts(billing="DE", card="US"), "DE"),
        (Whereabouts(card="US", ip="AT", said="AT"), "AT"),
        (Whereabouts(said="AT"), "AT"),
        (Whereabouts(), None),
    ],
)
def test_A72_the_country_is_what_most_of_the_evidence_names(
    where: Whereabouts, country: str | None
) -> None:
    assert where.country == country
