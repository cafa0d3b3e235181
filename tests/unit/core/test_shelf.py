"""The offers, and a reader's standing for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.memberships.member import Member
from bridge.core.model.rights import Facts, HandGrant, Seat
from bridge.core.model.stripe import Price, Product, Purchase, Subscription
from bridge.core.rights.offers import Offer, find_offers, listed_offers
from bridge.core.rules.law import Catalogue, Law
from bridge.core.rules.mapping import compile_rules
from bridge.core.telling.of_member import Addresses, statement_input
from bridge.core.telling.shelf import Card, card, shelf
from bridge.core.telling.stands import Buyer, Standing
from tests.unit.core.shop import (
    DAY,
    GROUPS,
    NOW,
    PATRONS,
    POLICY,
    RENEWAL,
    START,
    hand,
    item,
    purchase,
    subscription,
)


def product(id_: str, name: str, *, active: bool = True, **said: str) -> Product:
    metadata = {f"discourse_{key}": value for key, value in said.items()}
    return Product(id_, name, active, metadata=metadata)


PRODUCTS = (
    product("prod_p", "Patron", groups="patrons", ladder="level", rank="2"),
    product("prod_s", "Supporter", groups="supporters", ladder="level", rank="1"),
    product("prod_m", "Member", groups="members", highlight="yes"),
    product("prod_d", "Coffee", kind="donation"),
    product("prod_h", "Hidden", groups="members", listed="no"),
    product("prod_x", "Broken", groups="nobody"),
    product("prod_o", "Over", groups="members", offer="no"),
    product("prod_a", "Archived", active=False, groups="members"),
    product("prod_i", "An invoice of another business"),
)
PRICES = (
    Price("price_py", "prod_p", "eur", 15_000, "year"),
    Price("price_p", "prod_p", "eur", 1500, "month"),
    Price("price_s", "prod_s", "eur", 500, "month", lookup_key="supporter"),
    Price("price_m", "prod_m", "eur", 9000),
    Price("price_old", "prod_m", "eur", 8000, active=False),
    Price("price_d", "prod_d", "eur", 300),
    *(Price(f"price_{one}", f"prod_{one}", "eur", 100) for one in "hxoai"),
)
RULES = compile_rules(PRODUCTS, PRICES, POLICY, {}, GROUPS)
LAW = Law(POLICY, RULES, Catalogue.of(PRODUCTS, PRICES))


def offers(prices: Iterable[Price] = PRICES) -> list[Offer]:
    return [
        Offer(product, price, rule, tuple(GROUPS[id_] for id_ in rule.group_ids))
        for product, price, rule in listed_offers(PRODUCTS, prices, RULES)
    ]


def buyer(*sources: Subscription | Purchase | HandGrant | Seat, now: datetime = NOW) -> Buyer:
    facts = Facts(
        tuple(one for one in sources if isinstance(one, Subscription)),
        tuple(one for one in sources if isinstance(one, Purchase)),
        tuple(one for one in sources if isinstance(one, HandGrant)),
        seats=tuple(one for one in sources if isinstance(one, Seat)),
    )
    member = Member(user_id=7, facts=facts, groups=GROUPS)
    return Buyer.of(member, LAW, statement_input(member, LAW, Addresses("", "", ""), now))


def cards(who: Buyer | None = None) -> dict[str, Card]:
    return {one.product.id: one for section in shelf(offers(), who) for one in section.cards}


def stand_of(product_id: str, *sources: Subscription | Purchase | HandGrant | Seat) -> Standing:
    stand = cards(buyer(*sources))[product_id].stand
    assert stand is not None
    return stand.standing


# --- several in one order, and trials -------------------------------------------------------------


def together(who: Buyer | None = None) -> set[str]:
    return {
        tag.price.id for card in cards(who).values() for tag in card.tags if tag.goes_with_others
    }


def test_A50_what_can_be_ordered_with_something_else_can_be_ticked() -> None:
    assert together() == {"price_py", "price_p", "price_s", "price_m", "price_d"}
    only = {one.product.id: one for one in shelf(offers(PRICES[:3]))[0].cards}
    assert not any(tag.goes_with_others for one in only.values() for tag in one.tags), "one ladder"


def test_A50_what_one_has_or_would_change_to_is_not_ticked_but_the_rest_is() -> None:
    assert together(buyer(subscription("active", item("prod_p")))) == {"price_m", "price_d"}


def trial(who: Buyer | None, *, days: str = "14") -> dict[str, int]:
    products = tuple(
        replace(one, metadata={**one.metadata, "discourse_trial_days": days})
        if one.id in ("prod_s", "prod_p", "prod_d")
        else one
        for one in PRODUCTS
    )
    rules = compile_rules(products, PRICES, POLICY, {}, GROUPS)
    law = Law(POLICY, rules, Catalogue.of(products, PRICES))
    found = [Offer(*one, ()) for one in listed_offers(products, PRICES, rules)]
    who = replace(who, law=law) if who else None
    return {
        tag.price.id: tag.trial_days
        for section in shelf(found, who)
        for card in section.cards
        for tag in card.tags
    }


def test_a_trial_is_said_on_the_card_of_somebody_who_may_have_it() -> None:
    every = {"price_s": 14, "price_p": 14, "price_py": 14, "price_m": 0, "price_d": 0}
    assert trial(None) == every, "a stranger may be new"
    assert trial(buyer()) == every
    over = replace(subscription("canceled", item("prod_s")), trial_end_at=START)
    assert set(trial(buyer(over)).values()) == {0}, "one for each ladder"


def test_a_change_within_a_ladder_has_no_trial() -> None:
    assert trial(buyer(subscription("active", item("prod_s"))))["price_p"] == 0


# --- the shelf ------------------------------------------------------------------------------------


def test_a_ladder_stands_from_low_to_high_and_before_the_rest() -> None:
    found = [(one.ladder, [card.product.name for card in one.cards]) for one in shelf(offers())]
    assert found == [("level", ["Supporter", "Patron"]), (None, ["Member", "Coffee"])]


def test_what_is_not_listed_is_sold_by_its_link_all_the_same() -> None:
    assert "prod_h" not in cards()
    assert [price.id for _, price, _ in find_offers("prod_h", PRODUCTS, PRICES, RULES)] == [
        "price_h"
    ]


@pytest.mark.parametrize("product_id", ["prod_x", "prod_o", "prod_a", "prod_i"])
def test_what_is_halted_over_archived_or_not_meant_for_sale_is_not_on_the_shelf(
    product_id: str,
) -> None:
    assert product_id not in cards()


def test_the_prices_of_a_card_stand_from_the_shortest_interval_to_the_longest_then_once() -> None:
    tags = cards()["prod_p"].tags
    assert [tag.price.interval for tag in tags] == ["month", "year"]
    assert [tag.price.id for tag in cards()["prod_m"].tags] == ["price_m"], "the other is archived"


def test_a_year_says_what_it_saves_against_twelve_months() -> None:
    monthly, yearly = cards()["prod_p"].tags
    assert monthly.saving is None
    assert yearly.saving is not None
    assert (yearly.saving.amount_minor, yearly.saving.percent) == (3000, 16)


@pytest.mark.parametrize(
    ("price", "saved"),
    [
        (Price("price_py", "prod_p", "eur", 18_000, "year"), None),
        (Price("price_py", "prod_p", "eur", 20_000, "year"), None),
        (Price("price_py", "prod_p", "usd", 100, "year"), None),
        (Price("price_py", "prod_p", "eur", None, "year"), None),
        (Price("price_py", "prod_p", "eur", 4000, "month", 3), 500),
        (Price("price_py", "prod_p", "eur", 100, "week", 52), None),
        (Price("price_py", "prod_p", "eur", 100), None),
    ],
)
def test_only_what_costs_less_than_by_the_month_saves_anything(
    price: Price, saved: int | None
) -> None:
    both = [one for one in offers([PRICES[1], price]) if one.product.id == "prod_p"]
    (saving,) = [tag.saving for tag in card(both).tags if tag.price.id == "price_py"]
    assert (saving.amount_minor if saving else None) == saved


def test_the_recommended_one_is_marked() -> None:
    assert [one.product.id for one in cards().values() if one.is_recommended] == ["prod_m"]


def test_a_card_of_one_price_is_called_by_its_lookup_key_and_of_several_by_the_product() -> None:
    found = cards()
    assert [found[id_].key for id_ in ("prod_s", "prod_m", "prod_p")] == [
        "supporter",
        "price_m",
        "prod_p",
    ]


# --- the reader -----------------------------------------------------------------------------------

P = "prod_p"
CANCELLED = replace(subscription(), cancel_at_period_end=True)
SCHEDULED = replace(CANCELLED, is_scheduled=True)
PAUSED = replace(subscription(), pause_collection="void", pause_resumes_at=RENEWAL)
LATE = replace(subscription("past_due"), past_due_since_at=NOW - DAY)
GIFT = replace(subscription(), beneficiary_id=7)
SEAT = Seat(subscription(id_="sub_9"), START)
SUPPORTS = subscription("active", item("prod_s"), id_="sub_3")


@pytest.mark.parametrize(
    ("sources", "standing"),
    [
        ((), Standing.OPEN),
        ((subscription(),), Standing.YOURS),
        ((replace(subscription("trialing"), trial_end_at=RENEWAL),), Standing.TRIAL),
        ((CANCELLED,), Standing.ENDING),
        ((LATE,), Standing.FAILED),
        ((subscription("unpaid"),), Standing.FAILED),
        ((PAUSED,), Standing.PAUSED),
        ((subscription("paused"),), Standing.PAUSED),
        ((subscription("canceled"),), Standing.OPEN),
        ((subscription("incomplete"),), Standing.OPEN),
        ((purchase(),), Standing.FOR_LIFE),
        ((GIFT,), Standing.PRESENT),
        ((SEAT,), Standing.PRESENT),
        ((SUPPORTS,), Standing.CHANGE),
        ((subscription("past_due", item("prod_s")),), Standing.CHANGE),
        ((subscription("paused", item("prod_s")),), Standing.BESIDE),
        ((replace(hand(), group_id=PATRONS),), Standing.GIVEN),
        ((subscription(), replace(hand(), group_id=PATRONS)), Standing.YOURS),
        (
            (subscription("active", item("prod_s")), replace(hand(), group_id=PATRONS)),
            Standing.GIVEN,
        ),
    ],
)
def test_each_state_of_a_member_is_told_on_the_card(
    sources: tuple[Subscription | Purchase | HandGrant | Seat, ...], standing: Standing
) -> None:
    assert stand_of(P, *sources) == standing


def test_a_failed_payment_says_until_when_access_lasts_and_none_once_it_is_over() -> None:
    stand = buyer(LATE).stand([one for one in offers() if one.product.id == P])
    assert stand.at == NOW - DAY + timedelta(days=7)
    over = replace(LATE, past_due_since_at=NOW - 8 * DAY)
    assert buyer(over).stand([one for one in offers() if one.product.id == P]).at is None


def test_only_what_the_member_cancelled_themselves_can_be_kept() -> None:
    of_p = [one for one in offers() if one.product.id == P]
    kept, planned = buyer(CANCELLED).stand(of_p), buyer(SCHEDULED).stand(of_p)
    assert (kept.at, kept.can_keep) == (RENEWAL, True)
    assert (planned.at, planned.can_keep) == (RENEWAL, False)


def test_a_moderators_grant_says_until_when_and_may_be_paid_beyond() -> None:
    of_m = [one for one in offers() if one.product.id == "prod_m"]
    ends, for_life = buyer(hand(RENEWAL)).stand(of_m), buyer(hand()).stand(of_m)
    assert (ends.standing, ends.at, ends.can_buy) == (Standing.GIVEN, RENEWAL, True)
    assert (for_life.standing, for_life.at, for_life.can_buy) == (Standing.GIVEN, None, False)


def test_somebody_who_pays_monthly_can_change_to_the_year_on_the_same_card() -> None:
    found = cards(buyer(subscription()))["prod_p"]
    assert found.stand is not None
    assert found.stand.price_id == "price_p"
    assert [tag.switch is not None for tag in found.tags] == [False, True]


def test_what_is_owed_comes_before_what_runs_well() -> None:
    other = replace(subscription("unpaid"), id="sub_2")
    assert stand_of(P, subscription(), other) == Standing.FAILED


def test_somebody_not_yet_in_the_group_is_told_so_beside_their_standing() -> None:
    found = cards(buyer(subscription()))["prod_p"].stand
    assert found is not None
    assert [place.state for place in found.unsettled] == ["arriving"]


def test_a_stranger_s_card_says_nothing_of_anybody() -> None:
    assert [one.stand for one in cards().values()] == [None] * 4


EVERYTHING = [subscription(), CANCELLED, LATE, PAUSED, GIFT, SEAT, purchase(), hand(RENEWAL)]
SOURCES = st.lists(
    st.sampled_from([*EVERYTHING, hand(), SUPPORTS, subscription("trialing")]),
    max_size=4,
    unique_by=repr,
)


@given(SOURCES)
def test_nobody_is_offered_to_buy_what_they_pay_for_or_have_for_life(
    sources: list[Subscription | Purchase | HandGrant | Seat],
) -> None:
    who = buyer(*sources)
    paid = {
        item.product_id
        for one in who.facts.subscriptions
        if one.beneficiary_id is None
        for item in one.items
    }
    for product_id, found in cards(who).items():
        assert found.stand is not None
        assert not (found.stand.can_buy and product_id in paid)
        assert not (found.stand.can_buy and found.stand.standing is Standing.FOR_LIFE)
