"""A73: prices in several currencies: a buyer sees theirs, and what it leads to is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price, Product
from bridge.core.rights.offers import Offer, billed_in, currencies_of
from bridge.core.rights.switching import switches
from bridge.stripe_api.reader import read_price, read_subscription
from tests.unit.core.shop import hand, item, rules_of, subscription

PRICE = Price(
    "price_p", "prod_p", "eur", 1500, "month", currency_options={"eur": 1500, "usd": 1600}
)
OTHER = Price("price_s", "prod_s", "eur", 500, "month", currency_options={"eur": 500, "chf": 550})
LADDER = {"discourse_ladder": "level"}
RULES = rules_of(
    {"prod_s": {**LADDER, "discourse_rank": "1"}, "prod_p": {**LADDER, "discourse_rank": "2"}}
)
PRODUCTS = (Product("prod_s", "Supporter"), Product("prod_p", "Patron"))


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("usd", ("usd", 1600)), ("eur", ("eur", 1500)), ("chf", ("eur", 1500)), (None, ("eur", 1500))],
)
def test_A73_a_price_is_shown_in_a_currency_that_it_is_sold_in(
    currency: str | None, shown: tuple[str, int]
) -> None:
    price = PRICE.in_currency(currency)
    assert (price.currency, price.amount_minor) == shown
    assert (price.id, price.product_id, price.interval) == ("price_p", "prod_p", "month")


def test_A73_the_rule_of_an_offer_is_the_same_in_every_currency() -> None:
    rule = RULES.rule_for("price_p", "prod_p")
    offer = Offer(PRODUCTS[1], PRICE, rule, ())
    assert offer.in_currency("usd").rule is rule
    assert currencies_of([offer, Offer(PRODUCTS[0], OTHER, None, ())]) == ("chf", "eur", "usd")


PRICES = {PRICE.id: PRICE, OTHER.id: OTHER}
IN_DOLLARS = replace(subscription(), currency="usd")


@pytest.mark.parametrize(
    ("facts", "currency"),
    [
        (Facts(), None),
        (Facts(hand_grants=(hand(),)), None),
        (Facts((subscription(),)), "eur"),
        (Facts((IN_DOLLARS,)), "usd"),
        (Facts((IN_DOLLARS, subscription("active", item("prod_s"), id_="sub_2"))), None),
        (Facts((replace(IN_DOLLARS, status="canceled"),)), None),
        (Facts((subscription("active", item("prod_m")),)), None),
    ],
)
def test_A73_somebody_who_pays_already_sees_what_they_pay_in(
    facts: Facts, currency: str | None
) -> None:
    assert billed_in(facts, PRICES) == currency


def test_A73_a_subscription_in_another_currency_is_changed_in_that_currency() -> None:
    up = replace(PRICE, currency_options={"chf": 1700})
    held = replace(subscription("active", item("prod_s")), currency="chf")
    (switch,) = switches(Facts((held,)), RULES, PRODUCTS, (OTHER, up))
    assert (switch.current.amount_minor, switch.current.currency) == (550, "chf")
    assert (switch.target.amount_minor, switch.target.currency) == (1700, "chf")
    assert switch.way == "in_place"
    (anew,) = switches(Facts((held,)), RULES, PRODUCTS, (OTHER, PRICE))
    assert anew.target.currency == "eur"
    assert anew.way == "anew", "Stripe bills a subscription in one currency"


def test_A73_stripe_s_options_are_read_with_their_amounts() -> None:
    raw = {"id": "price_1", "product": "prod_1", "currency": "eur", "unit_amount": 500}
    options = {
        "usd": {"unit_amount": 550},
        "eur": {"unit_amount": 500},
        "jpy": {"unit_amount": None},
    }
    assert read_price(raw).currency_options is None
    assert read_price({**raw, "currency_options": options}).currency_options == {"usd": 550}


@pytest.mark.parametrize(("billed", "kept"), [("usd", "usd"), ("eur", None), (None, None)])
def test_A73_a_subscription_says_what_it_is_billed_in_where_that_differs(
    billed: str | None, kept: str | None
) -> None:
    price = {"id": "price_1", "product": "prod_1", "currency": "eur", "unit_amount": 500}
    rows = [{"id": "si_1", "price": price, "quantity": 1}]
    raw = {
        "id": "sub_1",
        "customer": "cus_1",
        "status": "active",
        "created": 1,
        "items": {"data": rows},
    }
    assert read_subscription({**raw, "currency": billed}).currency == kept
