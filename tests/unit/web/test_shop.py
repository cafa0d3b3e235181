"""The offers of a link, and readers who have them already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Membership
from bridge.core.memberships.owned import already_owned
from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price, Product, Subscription, SubscriptionItem
from bridge.core.rights.offers import Offer, find_offers, rivals
from bridge.core.rules.compiled import Rule, Rules, Sale

ENDED = Sale(offer="no")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOLD = Product("prod_gold", "Gold")
SILVER = Product("prod_silver", "Silver")
YEARLY = Price("price_year", "prod_gold", "eur", 2500, "year", lookup_key="gold")
MONTHLY = Price("price_month", "prod_gold", "eur", 300, "month")
ONCE = Price("price_once", "prod_gold", "eur", 9000)
RULES = Rules(
    by_product={
        "prod_gold": Rule(id="product:prod_gold", group_ids=(41,), ladder="levels"),
        "prod_silver": Rule(id="product:prod_silver", group_ids=(42,), ladder="levels"),
    }
)


def given(**wanted: Any) -> Membership:
    known = {"wanted": True, "sources": ("cs_1",)}
    return Membership(membership=WantedMembership(41, **{**known, **wanted}))


def keys_found(key: str, *prices: Price, products: tuple[Product, ...] = (GOLD,)) -> list[str]:
    return [price.id for _, price, _ in find_offers(key, products, prices, RULES)]


def test_a_link_names_a_price_a_lookup_key_or_a_product() -> None:
    assert keys_found("price_month", YEARLY, MONTHLY) == ["price_month"]
    assert keys_found("gold", YEARLY, MONTHLY) == ["price_year"]
    assert keys_found("prod_gold", YEARLY, MONTHLY) == ["price_month", "price_year"]
    assert keys_found("nothing", YEARLY, MONTHLY) == []


def test_what_stripe_no_longer_sells_is_not_offered() -> None:
    archived = Price("price_old", "prod_gold", "eur", 100, "year", active=False)
    assert keys_found("price_old", archived) == []
    assert keys_found("prod_gold", YEARLY, archived) == ["price_year"]
    retired = Product("prod_gold", "Gold", active=False)
    assert keys_found("price_year", YEARLY, products=(retired,)) == []
    assert keys_found("price_year", YEARLY, products=()) == []


def test_what_nothing_is_said_of_is_not_for_sale_even_with_its_id() -> None:
    secret = Product("prod_secret", "An invoice of another business")
    price = Price("price_secret", "prod_secret", "eur", 100, lookup_key="secret")
    for key in ("price_secret", "secret", "prod_secret"):
        assert keys_found(key, price, products=(secret,)) == []


def test_a_sale_that_was_ended_is_over_though_the_price_leads_to_a_group() -> None:
    rules = Rules(by_product={"prod_gold": Rule(id="x", group_ids=(41,), sale=ENDED)})
    assert find_offers("price_year", (GOLD,), (YEARLY,), rules) == []


def offer(price: Price, product: Product = GOLD) -> Offer:
    rule = RULES.rule_for(price.id, product.id)
    return Offer(product, price, rule, (Group(41, "gold"),))


def subscription(status: str, product_id: str = "prod_gold") -> Subscription:
    item = SubscriptionItem("si_1", "price_x", product_id, 1, NOW, NOW)
    return Subscription("sub_1", "cus_1", status, (item,), NOW, NOW)


@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "unpaid", "paused"])
def test_a_running_subscription_to_the_product_is_not_sold_twice(status: str) -> None:
    owned = already_owned(offer(MONTHLY), Facts((subscription(status),)), {})
    assert owned is not None
    assert owned.owes == (status in ("past_due", "unpaid"))


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired", "incomplete"])
def test_a_subscription_that_is_over_can_be_bought_again(status: str) -> None:
    assert already_owned(offer(MONTHLY), Facts((subscription(status),)), {}) is None


def test_a_one_off_price_can_be_bought_beside_a_subscription() -> None:
    assert already_owned(offer(ONCE), Facts((subscription("active"),)), {}) is None


def test_groups_held_for_life_need_not_be_bought() -> None:
    assert already_owned(offer(ONCE), Facts(), {41: given()}) is not None
    assert already_owned(offer(YEARLY), Facts(), {41: given()}) is not None


@pytest.mark.parametrize(
    "row",
    [given(wanted=False), given(wanted_until=NOW), given(sources=("sub_1",)), given(sources=())],
)
def test_groups_held_for_a_time_may_be_bought_for_longer(row: Membership) -> None:
    assert already_owned(offer(ONCE), Facts(), {41: row}) is None


def test_what_leads_to_no_group_can_be_bought_again_and_again() -> None:
    coffee = Offer(GOLD, ONCE, None, ())
    assert already_owned(coffee, Facts(), {}) is None


def test_another_step_of_the_ladder_is_named_before_it_is_paid_beside() -> None:
    silver = subscription("active", "prod_silver")
    assert rivals(offer(YEARLY), Facts((silver,)), RULES) == (silver,)
    assert rivals(offer(YEARLY), Facts((subscription("canceled", "prod_silver"),)), RULES) == ()
    assert rivals(offer(ONCE), Facts((silver,)), RULES) == ()
