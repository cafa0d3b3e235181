"""Renewing early: the rest of the old term counts, and no group has a gap (A67)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.memberships.member import Member
from bridge.core.model.rights import Facts, Grant, HandGrant
from bridge.core.model.stripe import CONTINUES, Price, Product, Purchase, Subscription
from bridge.core.rights.grants import grants
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, Order, had_trial
from bridge.core.rights.renewing import LEAST_WAIT, no_sooner, paid_until, renewal_of
from bridge.core.rules.law import Catalogue, Law
from bridge.core.rules.mapping import compile_rules
from bridge.core.rules.values import Term
from bridge.core.telling.of_member import Addresses, statement_input
from bridge.core.telling.renewals import Renewable, renewables
from bridge.core.telling.stands import Buyer, Standing
from bridge.core.telling.subscription_cards import Standing as CardStanding
from bridge.core.telling.subscription_cards import subscription_cards
from tests.unit.core.shop import (
    DAY,
    GROUPS,
    MEMBERS,
    NOW,
    PATRONS,
    POLICY,
    START,
    SUPPORTERS,
    item,
    judged,
    purchase,
    rules_of,
    subscription,
)

PRODUCTS = (
    Product("prod_p", "Pass", metadata={"discourse_groups": "patrons", "discourse_term": "1y"}),
    Product("prod_s", "Supporter", metadata={"discourse_groups": "patrons,supporters"}),
    Product("prod_m", "Member", metadata={"discourse_groups": "members"}),
)
PRICES = (
    Price("price_p", "prod_p", "eur", 2500),
    Price("price_s", "prod_s", "eur", 500, "month"),
    Price("price_m", "prod_m", "eur", 2500, "year"),
)
PASS = rules_of({"prod_p": {"discourse_term": "1y"}})
LEFT = datetime(2026, 8, 6, 23, 59, 59, tzinfo=UTC)


def law(*prices: Price) -> Law:
    sold = prices or PRICES
    return Law(
        POLICY, compile_rules(PRODUCTS, sold, POLICY, {}, GROUPS), Catalogue.of(PRODUCTS, sold)
    )


def before(
    until_at: datetime | None = LEFT, group_id: int = PATRONS, source: str = "import"
) -> HandGrant:
    """A grant from an imported register."""
    return HandGrant("hand_1", 7, group_id, START, until_at, "2026", "alice", source)  # type: ignore[arg-type] # by table


def offer(price_id: str) -> Offer:
    price = next(one for one in PRICES if one.id == price_id)
    product = next(one for one in PRODUCTS if one.id == price.product_id)
    return Offer(product, price, law().rules.rule_for(price_id, product.id), ())


def until(found: tuple[Grant, ...], source: str = "purchase") -> datetime | None:
    return next(one.until_at for one in found if one.source == source)


def member(*sources: Purchase | HandGrant | Subscription) -> Member:
    facts = Facts(
        tuple(one for one in sources if isinstance(one, Subscription)),
        tuple(one for one in sources if isinstance(one, Purchase)),
        tuple(one for one in sources if isinstance(one, HandGrant)),
    )
    return Member(user_id=7, facts=facts, groups=GROUPS)


def ends_soon(known: Member, at: datetime, by: Law | None = None) -> tuple[Renewable, ...]:
    by = by or law()
    about = statement_input(known, by, Addresses("https://forum", "https://me", "https://join"), at)
    return renewables(known, by, about, at)


# --- a term after a term --------------------------------------------------------------------------


def test_A67_a_pass_bought_by_a_legacy_member_begins_where_the_old_register_ends() -> None:
    bought = purchase(paid_at=START + 10 * DAY)
    assert until(judged(before(), bought, rules=PASS)) == LEFT.replace(year=2027)


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (before(source="moderator"), "a favour is no payment"),
        (before(group_id=MEMBERS), "it was of another group"),
        (replace(before(), revoked_at=START + 11 * DAY), "it was taken back"),
        (replace(before(), from_at=START + 20 * DAY), "it began after the purchase"),
        (before(until_at=START + 5 * DAY), "it had ended"),
        (before(until_at=None), "it has no end"),
    ],
)
def test_A67_only_what_was_paid_of_this_group_and_was_left_is_honoured(
    left: HandGrant, why: str
) -> None:
    at = START + 10 * DAY
    found = judged(left, purchase(paid_at=at), rules=PASS)
    assert until(found) == at.replace(year=2027), why


def test_A67_of_several_groups_the_first_to_end_counts_and_one_that_is_missing_says_no() -> None:
    both = rules_of({"prod_p": {"discourse_groups": "patrons,members", "discourse_term": "1y"}})
    bought, other = purchase(paid_at=START + DAY), replace(before(LEFT + 9 * DAY, MEMBERS), id="h2")
    assert until(judged(before(), other, bought, rules=both)) == LEFT.replace(year=2027)
    assert until(judged(before(), bought, rules=both)) == bought.paid_at.replace(year=2027)


def test_A67_a_pass_that_was_refunded_is_no_ground_for_the_next() -> None:
    gone = replace(purchase(), refunded_minor=5000, refunded_at=START + DAY)
    found = judged(gone, purchase("cs_2:1", START + 9 * DAY), rules=PASS)
    assert found[-1].until_at == (START + 9 * DAY).replace(year=2027)


@given(st.integers(0, 800), st.integers(1, 800))
def test_A67_what_is_said_beforehand_is_what_comes_of_it(bought: int, left: int) -> None:
    old, at = before(START + left * DAY), START + bought * DAY
    first = purchase(paid_at=START)
    facts = Facts((), (first,), (old,))
    said = renewal_of(offer("price_p"), facts, PASS, POLICY, at)
    paid = replace(facts, purchases=(first, purchase("cs_9:1", at)))
    ends = [one for one in grants(paid, PASS, POLICY, at) if one.source_id == "cs_9:1"]
    assert ends[0].until_at == (said.until_at if said else Term(months=12).end(at))
    assert said is None or said.had_until_at >= at


def test_A67_nothing_is_renewed_of_what_is_for_life_or_renews_itself() -> None:
    facts = member(purchase(), before()).facts
    assert renewal_of(offer("price_s"), facts, PASS, POLICY, NOW) is None
    for_life = replace(offer("price_p"), rule=rules_of().rule_for("price_p", "prod_p"))
    assert renewal_of(for_life, facts, rules_of(), POLICY, NOW) is None


# --- a subscription after a term ------------------------------------------------------------------


def test_A67_a_subscription_waits_until_all_of_its_groups_were_paid_for() -> None:
    verdicts = judged(before(), rules=PASS)
    assert paid_until([offer("price_s")], verdicts) is None, "supporters are not paid for"
    two = judged(before(), replace(before(LEFT + DAY, SUPPORTERS), id="h2"), rules=PASS)
    assert paid_until([offer("price_s")], two) == LEFT
    assert paid_until([offer("price_p")], two) is None, "a term follows the other automatically"
    favour = judged(before(group_id=MEMBERS, source="moderator"), rules=PASS)
    assert paid_until([offer("price_m")], favour) is None
    for_life = judged(before(None, MEMBERS), rules=PASS)
    assert paid_until([offer("price_m")], for_life) is None


def test_A67_an_order_that_waits_costs_nothing_today_but_what_is_bought_once() -> None:
    lines = (Line(offer("price_s")), Line(offer("price_p")))
    assert Order(lines, continues_at=LEFT).today_minor == 2500
    assert Order(lines).today_minor == 3000


def test_A67_stripe_is_asked_to_wait_two_days_at_least() -> None:
    assert no_sooner(NOW + timedelta(hours=1), NOW) == NOW + LEAST_WAIT
    assert no_sooner(LEFT, NOW) == LEFT


def continuing(at: datetime = LEFT) -> Subscription:
    waits = subscription("trialing", item("prod_m", NOW, at))
    return replace(waits, trial_end_at=at, metadata={CONTINUES: at.isoformat()})


@pytest.mark.parametrize("trial", ["grant", "wait"])
def test_A67_a_subscription_that_waits_for_its_first_payment_is_in_force_and_no_trial(
    trial: str,
) -> None:
    rules = rules_of({"prod_m": {"discourse_trial": trial}})
    found = judged(before(group_id=MEMBERS), continuing(), rules=rules)
    (own,) = [one for one in found if one.source == "subscription"]
    assert (own.holds, own.reason, own.renews_at) == (True, "active", LEFT)
    paid_now = replace(continuing(), status="active")
    (own,) = judged(paid_now, rules=rules, now=LEFT + timedelta(minutes=1))
    assert own.holds, "Stripe takes the money an hour after it says active"
    assert not had_trial(offer("price_m"), Facts((continuing(),)), rules)


def test_A67_a_term_that_was_refunded_leaves_no_free_subscription_behind() -> None:
    rules = rules_of()
    (own,) = judged(continuing(), rules=rules)
    assert (own.holds, own.reason, own.because_at) == (False, "continues_later", LEFT)
    assert own.next_change_at == LEFT - LEAST_WAIT
    (own,) = judged(continuing(), rules=rules, now=LEFT - LEAST_WAIT)
    assert own.holds


def test_A67_its_card_and_its_offer_say_when_it_is_paid_next() -> None:
    known = member(before(group_id=MEMBERS), continuing())
    about = statement_input(
        known, law(), Addresses("https://forum", "https://me", "https://join"), NOW
    )
    (card,) = subscription_cards(known, law(), about, NOW)
    assert (card.standing, card.at) == (CardStanding.ACTIVE, LEFT)
    stand = Buyer.of(known, law(), about).stand([offer("price_m")])
    assert (stand.standing, stand.at) == (Standing.YOURS, LEFT)


# --- where it is offered --------------------------------------------------------------------------


def test_A67_what_ends_soon_is_offered_with_what_renewing_adds() -> None:
    known = member(before())
    assert ends_soon(known, LEFT - 91 * DAY) == ()
    (one,) = ends_soon(known, LEFT - 90 * DAY, law(PRICES[0]))
    assert (one.name, one.key, one.until_at) == ("Pass", "prod_p", LEFT)
    assert one.adds
    assert one.adds.until_at == LEFT.replace(year=2027)
    assert [group.name for group in one.groups] == ["patrons"]
    (one,) = ends_soon(known, LEFT - DAY)
    assert (one.name, one.key, one.adds) == ("membership", None, None), "two products lead to it"


def test_A67_an_archived_price_is_renewed_by_what_is_sold_of_its_product_now() -> None:
    old = replace(purchase(), price_id="price_old")
    gone = Price("price_old", "prod_p", "eur", 2000, active=False)
    end = START.replace(year=2027)
    (one,) = ends_soon(member(old), end - DAY, law(gone, PRICES[0]))
    assert (one.key, one.name) == ("prod_p", "Pass")
    assert ends_soon(member(old), end - DAY, law(gone)) == (), "nothing leads there any more"


@pytest.mark.parametrize(
    "known",
    [
        member(replace(purchase(), refunded_minor=5000, refunded_at=START)),
        member(before(source="moderator")),
        member(before(None)),
        member(before(group_id=MEMBERS), continuing()),
    ],
    ids=["refunded", "a favour", "for life", "goes on"],
)
def test_A67_nothing_is_offered_where_there_is_nothing_to_renew(known: Member) -> None:
    assert ends_soon(known, LEFT - DAY) == ()


def test_A67_who_was_taken_over_from_a_register_has_it_for_a_term_and_no_favour() -> None:
    known = member(before())
    about = statement_input(
        known, law(), Addresses("https://forum", "https://me", "https://join"), NOW
    )
    stand = Buyer.of(known, law(), about).stand([offer("price_p")])
    assert (stand.standing, stand.at, stand.can_buy) == (Standing.TERM, LEFT, True)
