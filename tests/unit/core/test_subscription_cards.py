"""A member's subscriptions as cards: the state of each, and its actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.memberships.member import Member
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import (
    Billing,
    ComingChange,
    ComingCharge,
    Means,
    PendingPayment,
    Price,
    Product,
    Subscription,
)
from bridge.core.rules.law import Catalogue, Law
from bridge.core.rules.mapping import compile_rules
from bridge.core.rules.policy import Policy
from bridge.core.telling.of_member import Addresses, statement_input
from bridge.core.telling.refusals import Refusal, refusal_of
from bridge.core.telling.subscription_cards import SubscriptionCard, subscription_cards
from tests.unit.core.shop import (
    DAY,
    GROUPS,
    LAST,
    NOW,
    RENEWAL,
    START,
    collection_paused,
    instalments,
    item,
    subscription,
)

PRODUCTS = (
    Product(
        "prod_p",
        "Patron",
        metadata={
            "discourse_groups": "patrons",
            "discourse_ladder": "level",
            "discourse_rank": "2",
        },
    ),
    Product(
        "prod_s",
        "Supporter",
        metadata={
            "discourse_groups": "supporters",
            "discourse_ladder": "level",
            "discourse_rank": "1",
        },
    ),
    Product("prod_m", "Member", metadata={"discourse_groups": "members"}),
)
PRICES = (
    Price("price_p", "prod_p", "eur", 1500, "month"),
    Price("price_s", "prod_s", "eur", 500, "month"),
    Price("price_m", "prod_m", "eur", 9000, "year"),
    Price("price_old", "prod_m", "eur", 8000, "year", active=False),
)
OPEN = PendingPayment("in_1", "Patron", 1500, "eur", START, next_try_at=NOW + DAY)
CHARGE = ComingCharge(RENEWAL, "eur", 1500)


def law(**site: Any) -> Law:
    policy = Policy(**site)
    rules = compile_rules(PRODUCTS, PRICES, policy, {}, GROUPS)
    return Law(policy, rules, Catalogue.of(PRODUCTS, PRICES))


def cards(
    *paid: Subscription, billing: Billing | None = None, now: Any = NOW, **site: Any
) -> tuple[SubscriptionCard, ...]:
    member = Member(user_id=7, facts=Facts(paid), groups=GROUPS, billing=billing or Billing())
    in_force = law(**site)
    known = statement_input(
        member, in_force, Addresses("https://f.example", "https://b", "https://b/join"), now
    )
    return subscription_cards(member, in_force, known, now)


def only(*paid: Subscription, **more: Any) -> SubscriptionCard:
    (card,) = cards(*paid, **more)
    return card


def running(**known: Any) -> Subscription:
    return replace(subscription(), next_charge=CHARGE, **known)


def actions(card: SubscriptionCard) -> set[str]:
    may = {"keep": card.can_keep, "cancel": card.can_cancel, "pause": card.can_pause}
    offered = {"change": bool(card.targets), "back": bool(card.back), "pay": bool(card.refused)}
    return {name for name, is_so in (may | offered).items() if is_so}


STANDINGS: dict[str, tuple[Subscription, str, Any, set[str]]] = {
    "it runs": (running(), "active", RENEWAL, {"cancel", "change"}),
    "a trial": (
        replace(running(), status="trialing", trial_end_at=RENEWAL),
        "trial",
        RENEWAL,
        {"cancel", "change"},
    ),
    "cancelled for the end of the period": (
        replace(subscription(), cancel_at_period_end=True),
        "ending",
        RENEWAL,
        {"keep", "change"},
    ),
    "cancelled as the portal does it": (
        replace(subscription(), cancel_at=RENEWAL, canceled_at=NOW),
        "ending",
        RENEWAL,
        {"keep", "change"},
    ),
    "instalments, in their last period": (instalments(), "instalments", LAST, {"change"}),
    "a failed payment": (
        replace(subscription("past_due"), pending=(OPEN,), past_due_since_at=START),
        "failed",
        None,
        {"cancel", "pay"},
    ),
    "unpaid": (replace(subscription("unpaid"), pending=(OPEN,)), "failed", None, {"cancel", "pay"}),
    "a bank debit is under way": (
        replace(subscription("incomplete"), pending=(OPEN,)),
        "unfinished",
        None,
        set(),
    ),
    "paused": (subscription("paused"), "paused", None, {"cancel"}),
    "payments are paused": (
        collection_paused(pause_resumes_at=RENEWAL),
        "paused",
        RENEWAL,
        {"cancel"},
    ),
    "it follows a plan at Stripe": (
        running(is_scheduled=True, next_change=ComingChange(RENEWAL, ("price_s",))),
        "active",
        RENEWAL,
        set(),
    ),
    "a plan at Stripe ends it": (
        replace(subscription(), is_scheduled=True, next_change=ComingChange(RENEWAL)),
        "ending",
        RENEWAL,
        set(),
    ),
    "it has ended": (
        replace(subscription("canceled"), ended_at=NOW - DAY),
        "ended",
        NOW - DAY,
        {"back"},
    ),
}


@pytest.mark.parametrize(("paid", "standing", "at", "may"), STANDINGS.values(), ids=STANDINGS)
def test_A79_each_card_offers_what_makes_sense_now(
    paid: Subscription, standing: str, at: Any, may: set[str]
) -> None:
    card = only(paid)
    assert (str(card.standing), card.at) == (standing, at)
    assert actions(card) == may


def test_A79_a_card_tells_what_it_costs_keeps_and_is_paid_with() -> None:
    visa = Means("card", "visa", "4242", 12, 2034)
    card = only(running(), billing=Billing(means={"sub_1": visa}))
    assert (card.name, card.amount_minor, card.currency) == ("Patron", 1500, "eur")
    assert [group.name for group in card.groups] == ["patrons"]
    assert card.means == visa
    assert [(one.name, one.price.id, one.is_up) for one in card.targets] == [
        ("Supporter", "price_s", False)
    ]


def test_A79_a_failed_payment_tells_its_amount_reason_next_try_and_how_long_access_lasts() -> None:
    failed = replace(subscription("past_due"), pending=(OPEN,), past_due_since_at=START)
    card = only(failed, billing=Billing(refused={"in_1": "expired_card"}), now=START + DAY)
    assert card.owed == OPEN
    assert card.refused == Refusal.EXPIRED
    assert card.kept_until == START + 7 * DAY
    assert [group.name for group in card.groups] == ["patrons"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("insufficient_funds", "funds"),
        ("authentication_required", "consent"),
        ("stolen_card", "declined"),
        ("fraudulent", "declined"),
        ("a_code_of_next_year", "declined"),
        (None, "declined"),
    ],
)
def test_A79_what_banks_tell_in_confidence_is_a_refusal_like_any_other(
    code: str | None, kind: str
) -> None:
    assert refusal_of(code) == kind


def test_A79_pausing_is_offered_only_where_the_site_says_so_and_it_runs() -> None:
    assert not only(running()).can_pause
    assert only(running(), pausing="yes").can_pause
    for paid, standing, _, _ in STANDINGS.values():
        if standing != "active" or paid.is_scheduled:
            assert not only(paid, pausing="yes").can_pause


def test_A79_what_was_replaced_or_bought_again_or_ended_long_ago_is_no_card() -> None:
    old = replace(subscription("canceled", id_="sub_0"), ended_at=NOW - DAY)
    step = replace(old, items=(item("prod_s"),))
    assert [one.id for one in cards(running(), old)] == ["sub_1"], "the same product"
    assert [one.id for one in cards(running(), step)] == ["sub_1"], "another step of its ladder"
    assert cards(replace(old, ended_at=NOW - timedelta(days=366))) == ()
    twice = replace(old, id="sub_00", ended_at=NOW - 9 * DAY)
    assert [one.id for one in cards(twice, old)] == ["sub_0"], "the latest of each"


def test_A79_the_way_back_is_the_same_price_or_what_is_sold_now_or_none() -> None:
    gone = replace(subscription("canceled", item("prod_m")), ended_at=NOW - DAY)
    assert only(gone).back == "price_m"
    archived = replace(gone, items=(replace(gone.items[0], price_id="price_old"),))
    assert only(archived).back == "prod_m"
    unknown = replace(gone, items=(replace(gone.items[0], price_id="p", product_id="q"),))
    assert only(unknown).back is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "active",
                    "trialing",
                    "past_due",
                    "unpaid",
                    "paused",
                    "incomplete",
                    "incomplete_expired",
                    "canceled",
                    "a_status_of_next_year",
                ]
            ),
            st.sampled_from(["prod_p", "prod_s", "prod_m", "prod_unknown"]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_A79_no_running_subscription_is_without_its_card_and_none_has_two(
    drawn: list[tuple[str, str, bool, bool]],
) -> None:
    paid = [
        replace(
            subscription(status, item(product), id_=f"sub_{number}"),
            cancel_at_period_end=ends,
            is_scheduled=scheduled,
            ended_at=NOW - DAY if status == "canceled" else None,
        )
        for number, (status, product, ends, scheduled) in enumerate(drawn)
    ]
    shown = [one.id for one in cards(*paid)]
    assert len(shown) == len(set(shown))
    over = ("canceled", "incomplete", "incomplete_expired")
    assert {one.id for one in paid if one.status not in over} <= set(shown)
    for card in cards(*paid):
        assert not (card.can_keep and card.can_cancel)
        assert not (card.is_over and (card.can_keep or card.can_cancel or card.can_pause))
