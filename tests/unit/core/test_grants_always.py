from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.reasons import UNDECIDED
from bridge.core.model.rights import Facts, HandGrant
from bridge.core.model.stripe import PeriodPayment, Purchase, Subscription
from bridge.core.rights.grants import grants, next_change
from bridge.core.rights.judge import STATUSES
from bridge.core.rules.mapping import Rules
from bridge.core.telling.reasons import sentence
from tests.unit.core.shop import (
    DAY,
    MEMBERS,
    PATRONS,
    POLICY,
    START,
    SUPPORTERS,
    held,
    item,
    rules_of,
)

TIMES = st.integers(0, 120).map(lambda days: START + days * DAY)
MAYBE = st.none() | TIMES
PRODUCTS = st.sampled_from(["prod_s", "prod_p", "prod_m", "prod_other", "prod_wrong"])
PAYMENTS = st.builds(
    PeriodPayment,
    invoice_id=st.just("in_1"),
    paid_at=TIMES,
    period_end_at=TIMES,
    amount_minor=st.sampled_from([0, 5000]),
    refunded_minor=st.sampled_from([0, 2500, 5000]),
    disputed=st.sampled_from([None, "open", "won", "lost"]),
)
SUBSCRIPTIONS = st.builds(
    Subscription,
    id=st.sampled_from(["sub_1", "sub_2", "sub_3"]),
    customer_id=st.sampled_from(["cus_1", "cus_2"]),
    status=st.sampled_from([*STATUSES, "hibernating"]),
    items=st.lists(st.builds(item, PRODUCTS, TIMES, TIMES), max_size=3).map(tuple),
    created_at=TIMES,
    started_at=TIMES,
    cancel_at=MAYBE,
    cancel_at_period_end=st.booleans(),
    canceled_at=MAYBE,
    ended_at=MAYBE,
    pause_collection=st.sampled_from([None, "void"]),
    past_due_since_at=MAYBE,
    last_payment=st.none() | PAYMENTS,
)
PURCHASES = st.builds(
    Purchase,
    id=st.integers(1, 9).map(lambda n: f"cs_{n}:1"),
    customer_id=st.sampled_from(["cus_1", "cus_2"]),
    price_id=st.just("price_any"),
    product_id=PRODUCTS,
    quantity=st.just(1),
    paid_at=TIMES,
    amount_minor=st.just(5000),
    currency=st.just("eur"),
    payment_minor=st.just(5000),
    refunded_minor=st.sampled_from([0, 2500, 5000]),
    disputed=st.sampled_from([None, "open", "won", "lost"]),
)
HANDS = st.builds(
    HandGrant,
    id=st.just("hand_1"),
    user_id=st.just(7),
    group_id=st.just(MEMBERS),
    from_at=TIMES,
    until_at=MAYBE,
    reason=st.just("helps out"),
    actor=st.just("alice"),
)
FACTS = st.builds(
    Facts,
    subscriptions=st.lists(SUBSCRIPTIONS, max_size=3).map(tuple),
    purchases=st.lists(PURCHASES, max_size=4, unique_by=lambda one: one.id).map(tuple),
    hand_grants=st.lists(HANDS, max_size=1).map(tuple),
    deleted_customer_ids=st.sampled_from([frozenset(), frozenset({"cus_1"})]),
)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "discourse_term": st.sampled_from(["30d", "1mo", "lifetime"]),
        "discourse_grace": st.sampled_from(["0", "7d", "30d"]),
        "discourse_trial": st.sampled_from(["grant", "wait"]),
        "discourse_on_pause": st.sampled_from(["end", "keep"]),
        "discourse_on_pause_collection": st.sampled_from(["keep", "end", "period_end"]),
        "discourse_on_refund": st.sampled_from(["keep", "end", "period_end"]),
        "discourse_on_partial_refund": st.sampled_from(["keep", "50%"]),
        "discourse_on_dispute": st.sampled_from(["keep", "suspend"]),
        "discourse_after_instalments": st.sampled_from(["end", "lifetime", "1mo"]),
    },
)
RULES = CHOICES.map(
    lambda said: rules_of(
        {"prod_p": said, "prod_s": said, "prod_wrong": {"discourse_groups": "nobody"}}
    )
)


@given(FACTS, RULES, TIMES, st.randoms(use_true_random=False))
def test_D18_A40_the_order_of_facts_never_matters(
    facts: Facts, rules: Rules, now: datetime, chance: Random
) -> None:
    other = replace(
        facts,
        subscriptions=tuple(chance.sample(facts.subscriptions, len(facts.subscriptions))),
        purchases=tuple(chance.sample(facts.purchases, len(facts.purchases))),
    )
    assert set(grants(facts, rules, POLICY, now)) == set(grants(other, rules, POLICY, now))


@given(FACTS, SUBSCRIPTIONS, RULES, TIMES)
def test_I3_another_subscription_never_takes_anything_away(
    facts: Facts, more: Subscription, rules: Rules, now: datetime
) -> None:
    both = replace(facts, subscriptions=(*facts.subscriptions, more))
    before, after = grants(facts, rules, POLICY, now), grants(both, rules, POLICY, now)
    assert set(before) <= set(after)


@given(FACTS, PURCHASES, RULES, TIMES)
def test_I3_another_purchase_never_takes_anything_away(
    facts: Facts, more: Purchase, rules: Rules, now: datetime
) -> None:
    both = replace(facts, purchases=(*facts.purchases, replace(more, id="cs_more:1")))
    before, after = grants(facts, rules, POLICY, now), grants(both, rules, POLICY, now)
    assert held(before) <= held(after)


@given(FACTS, RULES, TIMES, st.integers(1, 200 * 24 * 3600))
def test_until_the_next_change_the_clock_changes_nothing(
    facts: Facts, rules: Rules, now: datetime, seconds: int
) -> None:
    found = grants(facts, rules, POLICY, now)
    change = next_change(found, now)
    later = now + timedelta(seconds=seconds)
    if change is not None and later >= change:
        later = change - timedelta(microseconds=1)
    again = grants(facts, rules, POLICY, later)
    assert [(one.holds, one.reason, one.until_at) for one in found] == [
        (one.holds, one.reason, one.until_at) for one in again
    ]


@given(FACTS, RULES, TIMES)
def test_every_verdict_can_be_explained_and_only_mapped_groups_are_given(
    facts: Facts, rules: Rules, now: datetime
) -> None:
    for grant in grants(facts, rules, POLICY, now):
        assert sentence(grant, "membership")
        assert not grant.holds or grant.group_id in {SUPPORTERS, PATRONS, MEMBERS}
        assert not (grant.holds and grant.reason in UNDECIDED)
        assert grant.next_change_at is None or grant.next_change_at > now
        wants_proof = {grant.reason} & {"grace", "collection_paused_paid", "refunded_paid"}
        assert not (wants_proof and grant.until_at is None)
