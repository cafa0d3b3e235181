"""Changes within a ladder: targets, ways, and what ends after a new purchase."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import (
    ComingChange,
    PendingPayment,
    Price,
    Product,
    Subscription,
    SubscriptionItem,
)
from bridge.core.rights.switching import (
    Ending,
    PortalTerms,
    Switch,
    billed,
    can_call_off,
    endings,
    is_ending,
    switches,
)
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.policy import parse_policy
from tests.unit.core.shop import DAY, GROUPS, RENEWAL, item, subscription

LEVELS: dict[str, Any] = {"ladders": {"level": ["supporters", "patrons"]}}
PRODUCTS = (
    Product("prod_s", "Supporter", metadata={"discourse_groups": "supporters,members"}),
    Product("prod_p", "Patron", metadata={"discourse_groups": "patrons,members"}),
    Product("prod_m", "Choir", metadata={"discourse_groups": "members"}),
)
LADDER = tuple(
    replace(
        p, metadata={**p.metadata, "discourse_ladder": "level"} if p.id != "prod_m" else p.metadata
    )
    for p in PRODUCTS
)
SUPPORTER = Price("price_s", "prod_s", "eur", 1000, "month")
PATRON = Price("price_p", "prod_p", "eur", 5000, "month", lookup_key="patron")
YEARLY = Price("price_py", "prod_p", "eur", 50_000, "year")
DOLLARS = Price("price_pd", "prod_p", "usd", 5000, "month")
CHOIR = Price("price_m", "prod_m", "eur", 300, "month")
PRICES = (SUPPORTER, PATRON, CHOIR)
OLD = subscription("active", item("prod_s"), id_="sub_old")


def rules(products: tuple[Product, ...] = LADDER, **toml: Any) -> Rules:
    return compile_rules(products, [], parse_policy(toml or LEVELS), {}, GROUPS)


def found(
    *subscriptions: Subscription, prices: tuple[Price, ...] = PRICES, **more: Any
) -> tuple[Switch, ...]:
    facts = Facts(subscriptions=subscriptions, **more.pop("facts", {}))
    products = more.pop("products", LADDER)
    made = more.pop("rules", None) or rules(products)
    return switches(facts, made, products, prices, **more)


def ways(*subscriptions: Subscription, **more: Any) -> dict[str, str]:
    return {one.target.id: one.way for one in found(*subscriptions, **more)}


def test_A36_the_targets_are_the_other_prices_of_the_ladder_the_lowest_step_first() -> None:
    at_patron = subscription("active", item("prod_p"))
    prices = (YEARLY, PATRON, SUPPORTER, CHOIR)
    assert [one.target.id for one in found(at_patron, prices=prices)] == ["price_s", "price_py"]
    assert [one.is_up for one in found(at_patron, prices=prices)] == [False, False]
    (up,) = found(OLD)
    assert (up.current, up.target, up.is_up, up.way) == (SUPPORTER, PATRON, True, "in_place")


@pytest.mark.parametrize(
    "target",
    [
        replace(PATRON, active=False),
        replace(PATRON, interval=None),
        replace(PATRON, product_id="prod_unknown"),
    ],
    ids=["archived", "paid once", "of no product"],
)
def test_A36_what_is_not_sold_as_a_step_is_no_target(target: Price) -> None:
    assert found(OLD, prices=(SUPPORTER, target)) == ()


def test_A36_a_retired_product_is_no_target() -> None:
    retired = tuple(replace(p, active=p.id != "prod_p") for p in LADDER)
    assert found(OLD, products=retired) == ()


def test_A36_where_bridge_toml_names_the_steps_only_those_are_targets() -> None:
    named = rules(ladders={"level": ["supporters", "members"]})
    stranger = replace(
        LADDER[1], metadata={"discourse_groups": "patrons", "discourse_ladder": "level"}
    )
    one_off = (LADDER[0], stranger)
    made = rules(one_off, ladders={"level": ["supporters", "members"]})
    assert found(OLD, products=one_off, rules=made) == ()
    assert named.ladders == made.ladders
    unnamed = rules(one_off, site={})
    assert len(found(OLD, products=one_off, rules=unnamed)) == 1


def test_A36_on_a_ladder_that_follows_nothing_or_is_paid_twice_there_is_nothing_to_change() -> None:
    assert found(OLD, unfollowed={"level"}) == ()
    assert found(OLD, replace(OLD, id="sub_2")) == ()
    assert len(found(OLD, replace(OLD, id="sub_2", status="canceled"))) == 1


def test_A36_nobody_changes_what_is_anothers_or_gone() -> None:
    assert found(replace(OLD, beneficiary_id=7)) == ()
    assert found(OLD, facts={"deleted_customer_ids": frozenset({"cus_1"})}) == ()
    assert switches(Facts(given=(OLD,)), rules(), LADDER, PRICES) == ()


def test_a_price_that_is_not_known_any_more_is_left_to_people() -> None:
    assert found(OLD, prices=(PATRON,)) == ()


def with_choir(base: Subscription = OLD) -> Subscription:
    return replace(base, items=(*base.items, item("prod_m")))


def seats(base: Subscription = OLD) -> Subscription:
    return replace(base, items=(replace(base.items[0], quantity=3),))


@pytest.mark.parametrize(
    ("running", "target", "way"),
    [
        (OLD, PATRON, "in_place"),
        (replace(OLD, status="trialing"), PATRON, "in_place"),
        (seats(), PATRON, "in_place"),
        (OLD, DOLLARS, "anew"),
        (with_choir(), PATRON, "here"),
        (with_choir(seats()), PATRON, "here"),
        (with_choir(), replace(PATRON, interval="day"), "anew"),
        (with_choir(replace(OLD, cancel_at_period_end=True)), PATRON, "anew"),
        (replace(OLD, cancel_at_period_end=True), PATRON, "anew"),
        (replace(OLD, cancel_at=RENEWAL), PATRON, "anew"),
        (replace(OLD, status="past_due"), PATRON, "mend"),
        (replace(OLD, status="unpaid"), DOLLARS, "mend"),
        (with_choir(), DOLLARS, None),
        (seats(), DOLLARS, None),
        (replace(OLD, cancel_at=RENEWAL + 90 * DAY), PATRON, None),
        (replace(OLD, is_scheduled=True), PATRON, None),
        (replace(OLD, status="paused"), PATRON, None),
        (replace(OLD, status="something_new"), PATRON, None),
        (replace(OLD, pause_collection="void"), PATRON, None),
    ],
)
def test_A36_A88_the_way_is_in_place_where_stripe_can_else_a_purchase_or_a_persons(
    running: Subscription, target: Price, way: str | None
) -> None:
    expected = {} if way is None else {target.id: way}
    assert ways(running, prices=(SUPPORTER, CHOIR, target)) == expected


def planned(price_id: str, base: Subscription = OLD) -> Subscription:
    return replace(base, is_scheduled=True, next_change=ComingChange(RENEWAL, (price_id,)))


PATRONS = subscription("active", item("prod_p"), id_="sub_old")
DEARER = replace(PATRON, id="price_p2", amount_minor=6000)


@pytest.mark.parametrize(
    ("running", "may"),
    [
        (planned("price_s", PATRONS), True),
        (planned("price_p"), False),
        (planned("price_p2", PATRONS), False),
        (planned("price_unknown", PATRONS), False),
        (planned("price_pd", PATRONS), False),
        (PATRONS, False),
        (replace(PATRONS, is_scheduled=True), False),
        (replace(planned("price_s", PATRONS), cancel_at=RENEWAL), False),
        (replace(planned("price_s", PATRONS), status="past_due"), False),
        (with_choir(planned("price_s", PATRONS)), False),
        (replace(PATRONS, next_change=ComingChange(RENEWAL, ())), False),
    ],
)
def test_a_member_undoes_a_planned_step_down_and_nothing_else_that_is_planned(
    running: Subscription, *, may: bool
) -> None:
    prices = {one.id: one for one in (SUPPORTER, PATRON, DEARER, DOLLARS)}
    assert can_call_off(running, prices) == may


def test_from_a_year_back_to_a_month_is_undone_too() -> None:
    prices = {one.id: one for one in (PATRON, YEARLY)}
    yearly = subscription("active", replace(item("prod_p"), price_id="price_py"), id_="sub_old")
    assert can_call_off(planned("price_p", yearly), prices)
    assert can_call_off(planned("price_py", PATRONS), prices), "a year costs less a month"


def test_a_moderator_can_change_what_stripes_own_page_cannot() -> None:
    (several,) = found(with_choir())
    (dollars,) = found(OLD, prices=(SUPPORTER, DOLLARS))
    (cancelled,) = found(replace(OLD, cancel_at_period_end=True))
    (owing,) = found(replace(OLD, status="past_due"))
    assert [one.can_amend for one in (several, dollars, cancelled, owing)] == [
        True,
        False,
        False,
        False,
    ]


# --- when it is billed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("running", "target", "terms", "when"),
    [
        (OLD, PATRON, PortalTerms(), "next"),
        (OLD, PATRON, PortalTerms(proration="none"), "next"),
        (OLD, PATRON, PortalTerms(proration="always_invoice"), "now"),
        (OLD, YEARLY, PortalTerms(), "now"),
        (OLD, PATRON, PortalTerms(restarts=True), "now"),
        (replace(OLD, status="trialing"), PATRON, PortalTerms(), "now"),
        (replace(OLD, status="trialing"), PATRON, PortalTerms(ends_trial=False), "next"),
        (OLD, PATRON, PortalTerms(deferred=frozenset({"decreasing_item_amount"})), "next"),
    ],
)
def test_A36_stripes_settings_say_when_a_change_is_paid_for(
    running: Subscription, target: Price, terms: PortalTerms, when: str
) -> None:
    (switch,) = found(running, prices=(SUPPORTER, target))
    assert billed(switch, terms) == when


@pytest.mark.parametrize("condition", ["decreasing_item_amount", "shortening_interval"])
def test_A36_a_step_down_may_wait_for_the_end_of_the_period(condition: str) -> None:
    at_yearly = subscription("active", replace(item("prod_p"), price_id="price_py"))
    (down,) = found(at_yearly, prices=(YEARLY, SUPPORTER))
    assert billed(down, PortalTerms(deferred=frozenset({condition}))) == "later"


def test_only_listed_prices_are_offered_by_stripes_page() -> None:
    assert PortalTerms().offers(PATRON.id)
    assert not PortalTerms(prices=frozenset()).offers(PATRON.id)
    assert PortalTerms(prices=frozenset({"price_p"})).offers(PATRON.id)


# --- what ends ------------------------------------------------------------------------------------

NEW = subscription("active", item("prod_p"), id_="sub_new")
WORD = {"sub_new": "sub_old"}
KNOWN = {price.id: price for price in (*PRICES, DOLLARS)}


def ended(*own: Subscription, replaces: dict[str, str] | None = None) -> list[Ending]:
    return list(endings(own, WORD if replaces is None else replaces, KNOWN, rules()))


@pytest.mark.parametrize("status", ["active", "trialing"])
def test_A88_the_old_one_ends_with_a_credit_once_the_new_one_is_in_force(status: str) -> None:
    assert ended(OLD, replace(NEW, status=status)) == [
        Ending("sub_old", "sub_new", "now", (), is_credited=True)
    ]


@pytest.mark.parametrize(
    "status",
    ["incomplete", "incomplete_expired", "past_due", "unpaid", "paused", "canceled", "new"],
)
def test_A88_nothing_ends_while_the_new_one_is_not_in_force(status: str) -> None:
    assert ended(OLD, replace(NEW, status=status)) == []


def test_A88_nothing_ends_while_the_payment_of_the_new_one_is_under_way() -> None:
    debit = PendingPayment("in_1", "Patron", 5000, "eur", RENEWAL)
    assert ended(OLD, replace(NEW, pending=(debit,))) == []


def test_A88_nothing_ends_without_a_word_or_by_a_word_on_something_else() -> None:
    assert ended(OLD, NEW, replaces={}) == []
    assert ended(OLD, NEW, replaces={"sub_new": "sub_of_somebody_else"}) == []
    assert ended(OLD, NEW, replaces={"sub_new": "sub_new"}) == []
    choir = subscription("active", item("prod_m"), id_="sub_old")
    assert ended(choir, NEW) == [], "it is on no ladder of the new one"


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired", "incomplete"])
def test_A88_what_has_ended_is_not_ended_again(status: str) -> None:
    assert ended(replace(OLD, status=status), NEW) == []


@pytest.mark.parametrize(
    "old",
    [
        replace(OLD, status="past_due"),
        replace(OLD, status="trialing"),
        replace(OLD, pause_collection="void"),
    ],
)
def test_A88_what_was_not_paid_is_not_credited(old: Subscription) -> None:
    assert ended(old, NEW) == [Ending("sub_old", "sub_new", "now", (), is_credited=False)]


def test_A88_other_things_in_the_same_subscription_go_on() -> None:
    assert ended(with_choir(), NEW) == [
        Ending("sub_old", "sub_new", "items", ("si_prod_s",), is_credited=True)
    ]
    both = replace(OLD, items=(item("prod_s"), replace(item("prod_p"), id="si_2")))
    assert [one.how for one in ended(both, NEW)] == ["now"]


def in_dollars(**changed: Any) -> Subscription:
    paid: SubscriptionItem = replace(item("prod_p"), price_id="price_pd")
    return replace(NEW, items=(paid,), **changed)


def test_A88_in_another_currency_the_old_one_is_used_up_and_not_billed_again() -> None:
    assert ended(OLD, in_dollars()) == [
        Ending("sub_old", "sub_new", "at_period_end", (), is_credited=False)
    ]
    told = replace(OLD, cancel_at_period_end=True)
    assert is_ending(told)
    assert ended(told, in_dollars()) == []
    owing = replace(OLD, status="past_due")
    assert [one.how for one in ended(owing, in_dollars())] == ["now"], "nothing is paid to use up"


def test_a_price_of_which_the_currency_is_not_known_is_taken_for_another() -> None:
    (only,) = endings([OLD, NEW], WORD, {}, rules())
    assert only.how == "at_period_end"
    assert replace(OLD, cancel_at=RENEWAL + timedelta(0)).cancel_at == RENEWAL
