"""The groups of a feature of Stripe's entitlements, against the naive oracle."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model import stripe
from bridge.core.model.discourse import Group
from bridge.core.rights.grants import grants
from bridge.core.rules.mapping import compile_rules
from bridge.core.rules.policy import parse_policy
from bridge.core.rules.values import KEYS
from tests.oracle import lives, naive
from tests.oracle.bridge_side import CUSTOMERS, everything, facts_of, moment, said_by

CHOIR = {1: Group(1, "choir")}
FORUM = stripe.Feature("feat_1", "forum", "The forum")
CARRIES = stripe.Product("prod_mystery", "mystery", features=("forum",))


@settings(max_examples=600)
@given(st.binary(min_size=60, max_size=200))
def test_a_feature_gives_what_it_leads_to_while_stripe_and_the_policy_both_say_so(
    data: bytes,
) -> None:
    dice = lives.Dice(data)
    entitled = {customer for customer in CUSTOMERS if dice.pick("has", "") == "has"}
    terms = lives.shop(dice)["side"].terms
    world, now = lives.world(dice)
    said = {key: text for key, text in said_by(terms).items() if key in KEYS}
    policy = parse_policy({"features": {"forum": {"groups": "choir", **said}}})
    rules = compile_rules([CARRIES], [], policy, {}, CHOIR, [FORUM])
    has = {one: frozenset({"forum"} if one in entitled else ()) for one in CUSTOMERS}
    facts = replace(facts_of(everything(world), ()), entitlements=has)
    found = any(grant.holds for grant in grants(facts, rules, policy, moment(now)))
    assert found == naive.feature_gives(terms, world, entitled, "mystery", now), (world, terms, now)
