"""Stripe's entitlements as a source: a feature of a product leads to groups, if policy agrees."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.why import ended_by, why
from bridge.core.model.reasons import UNDECIDED
from bridge.core.model.rights import Facts, Grant, Seat
from bridge.core.model.stripe import Feature, Product, Subscription
from bridge.core.rights.grants import grants
from bridge.core.rights.judge import STATUSES
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.origins import values_of
from bridge.core.rules.policy import parse_policy
from tests.unit.core.shop import (
    DAY,
    GROUPS,
    MEMBERS,
    NOW,
    PATRONS,
    POLICY,
    RENEWAL,
    START,
    SUPPORTERS,
    held,
    item,
    payment,
    subscription,
)

FORUM = Feature("feat_1", "forum", "The forum")
CARRIES = Product("prod_p", "P", features=("forum", "printing"))
PLAIN = Product("prod_m", "M", metadata={"discourse_groups": "members"})
MAPPED: dict[str, object] = {"groups": "patrons"}


def rules_of(*things: Feature | Product, **said: str) -> Rules:
    """The feature leads to patrons; `things`: the products and features there are, if others."""
    policy = parse_policy({"features": {"forum": {**MAPPED, **said}}})
    products = [one for one in things if isinstance(one, Product)] or [CARRIES, PLAIN]
    features = [one for one in things if isinstance(one, Feature)] or [FORUM]
    return compile_rules(products, [], policy, {}, GROUPS, features)


def judged(
    *subscriptions: Subscription,
    has: dict[str, set[str]] | None = None,
    rules: Rules | None = None,
    now: datetime = NOW,
    **more: object,
) -> tuple[Grant, ...]:
    entitlements = {"cus_1": {"forum"}} if has is None else has
    facts = Facts(
        subscriptions,
        entitlements={customer: frozenset(keys) for customer, keys in entitlements.items()},
        **more,  # type: ignore[arg-type] # the tests name its own fields
    )
    return grants(facts, rules or rules_of(), POLICY, now)


def only(*subscriptions: Subscription, **more: object) -> Grant:
    (grant,) = judged(*subscriptions, **more)  # type: ignore[arg-type] # as above
    return grant


# --- the mapping ---------------------------------------------------------------------------------


def codes(rules: Rules) -> list[str]:
    return [problem.code for problem in rules.problems]


def test_a_feature_says_in_its_metadata_what_it_leads_to_once_bridge_toml_names_it() -> None:
    said = {"discourse_groups": "members", "discourse_grace": "3d"}
    speaks = replace(FORUM, metadata=said)
    policy = parse_policy({"features": {"forum": {}}})
    rule = compile_rules([CARRIES], [], policy, {}, GROUPS, [speaks]).by_feature["forum"]
    assert (rule.group_ids, rule.grace_days) == ((MEMBERS,), 3)  # type: ignore[union-attr] # it runs
    unnamed = compile_rules([CARRIES], [], POLICY, {}, GROUPS, [speaks])
    assert (unnamed.by_feature, unnamed.carried) == ({}, {})


def test_bridge_toml_wins_over_the_features_metadata_and_that_is_said() -> None:
    speaks = replace(FORUM, metadata={"discourse_groups": "members"})
    rules = rules_of(speaks)
    assert rules.by_feature["forum"].group_ids == (PATRONS,)
    assert codes(rules) == ["M112"]
    policy = parse_policy({"features": {"forum": MAPPED}, "defaults": {"grace": "9d"}})
    said = {one.key: (one.value, one.said_in) for one in values_of(speaks, policy=policy)}
    assert said["groups"] == ("patrons", "bridge.toml [features.forum]")
    assert said["grace"] == ("9d", "bridge.toml [defaults]")


def test_of_two_features_with_one_key_the_archived_one_is_silent() -> None:
    old = replace(FORUM, id="feat_0", active=False, metadata={"discourse_grace": "1d"})
    new = replace(FORUM, metadata={"discourse_grace": "2d"})
    for features in ((old, new), (new, old)):
        assert rules_of(*features).by_feature["forum"].grace_days == 2  # type: ignore[union-attr] # it runs


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"groups": "nobody"}, "M101"),
        ({"grace": "soon"}, "M104"),
        ({"colour": "red"}, "M106"),
    ],
)
def test_a_wrong_word_halts_that_features_rule_alone(said: dict[str, str], code: str) -> None:
    rules = rules_of(**said)
    assert code in codes(rules)
    assert rules.halted == {"feature:forum"}
    both = judged(subscription("active", item(), item("prod_m")), rules=rules)
    assert held(both) == {MEMBERS}
    assert {g.reason for g in both if g.feature} == {"rule_halted"}


def test_a_feature_that_is_not_there_says_nothing_or_is_carried_by_nothing_is_remarked() -> None:
    assert "M115" in codes(rules_of(replace(FORUM, lookup_key="other")))
    assert "M118" in codes(rules_of(PLAIN))
    silent = compile_rules(
        [CARRIES], [], parse_policy({"features": {"forum": {}}}), {}, GROUPS, [FORUM]
    )
    assert codes(silent) == ["M108"]


def test_a_product_that_carries_a_mapped_feature_is_not_without_a_rule() -> None:
    """A34, E16: an item of it leads somewhere, so nothing waits for a moderator."""
    assert [grant.feature for grant in judged(subscription())] == ["forum"]
    (unmapped,) = judged(subscription(), rules=rules_of(Product("prod_p", "P")), has={})
    assert unmapped.reason == "no_rule"


# --- the decision --------------------------------------------------------------------------------


def test_an_active_entitlement_gives_its_groups_and_names_subscription_item_and_feature() -> None:
    grant = only(subscription())
    assert (grant.holds, grant.group_id, grant.reason) == (True, PATRONS, "active")
    assert (grant.source, grant.source_id, grant.rule_id) == (
        "entitlement",
        "sub_1:forum",
        "feature:forum",
    )
    assert (grant.price_id, grant.product_id, grant.feature) == ("price_p", "prod_p", "forum")
    assert grant.renews_at == RENEWAL


def test_without_the_entitlement_a_running_subscription_gives_nothing() -> None:
    assert only(subscription(), has={"cus_1": set()}).reason == "not_entitled"


def test_a_customer_who_was_not_asked_for_gives_nothing_new_and_loses_nothing() -> None:
    grant = only(subscription(), has={})
    assert (grant.holds, grant.reason) == (False, "entitlement_unread")
    assert grant.reason in UNDECIDED


PAST_DUE = replace(subscription("past_due"), past_due_since_at=NOW - 5 * DAY)


@pytest.mark.parametrize(
    ("had", "said", "verdict"),
    [
        (subscription("trialing"), {}, ("trial", True)),
        (subscription("trialing"), {"trial": "wait"}, ("trial_waits", False)),
        (subscription("paused"), {}, ("paused", False)),
        (subscription("paused"), {"on_pause": "keep"}, ("paused_kept", True)),
        (PAST_DUE, {}, ("grace", True)),
        (PAST_DUE, {"grace": "4d"}, ("grace_over", False)),
        (subscription("unpaid"), {}, ("unpaid", False)),
        (subscription("canceled"), {}, ("canceled", False)),
        (
            replace(subscription(), last_payment=payment(disputed="open")),
            {"on_dispute": "suspend"},
            ("disputed", False),
        ),
        (
            replace(subscription(), last_payment=payment(disputed="lost")),
            {},
            ("dispute_lost", False),
        ),
    ],
)
def test_the_status_policy_applies_though_stripe_leaves_the_entitlement_active(
    had: Subscription, said: dict[str, str], verdict: tuple[str, bool]
) -> None:
    grant = only(had, rules=rules_of(**said))
    assert (grant.reason, grant.holds) == verdict


def test_E37_a_deleted_customer_has_no_entitlement_any_more() -> None:
    (grant,) = judged(subscription(), deleted_customer_ids=frozenset({"cus_1"}))
    assert grant.reason == "customer_deleted"


def test_E40_the_feature_of_a_gift_is_its_beneficiarys_and_by_the_givers_entitlement() -> None:
    gift = replace(subscription(), customer_id="cus_2", beneficiary_id=7)
    assert only(gift, has={"cus_2": {"forum"}}).share == "gift"
    assert not only(gift, has={"cus_2": set()}).holds
    (given_away,) = judged(given=(replace(gift, customer_id="cus_1", beneficiary_id=8),))
    assert (given_away.reason, given_away.holds) == ("given", False)


def test_E21_who_has_a_seat_has_the_feature_of_its_item() -> None:
    bought = replace(subscription(), items=(replace(item(), quantity=2),), customer_id="cus_2")
    (grant,) = judged(has={"cus_2": {"forum"}}, seats=(Seat(bought, START + DAY),))
    assert (grant.holds, grant.share, grant.from_at) == (True, "seat", START + DAY)


def test_an_entitlement_that_nothing_explains_gives_nothing_new_and_holds_what_it_gave() -> None:
    """Stripe leaves it to the end of the period in which the feature was taken off the product."""
    rules = rules_of(Product("prod_s", "S", features=("forum",)), PLAIN)
    (_, unclear) = judged(subscription("active", item("prod_m")), rules=rules)
    assert (unclear.source_id, unclear.reason, unclear.group_id) == (
        "sub_1:forum",
        "entitlement_unclear",
        PATRONS,
    )
    assert unclear.reason in UNDECIDED
    explained = subscription("active", item("prod_s"), id_="sub_2")
    both = judged(subscription("active", item("prod_m")), explained, rules=rules)
    assert {grant.reason for grant in both} == {"active"}
    gone = judged(subscription("active", item("prod_m")), rules=rules, has={"cus_1": set()})
    assert {grant.group_id for grant in gone} == {MEMBERS}


def test_what_a_feature_gave_and_gives_no_more_is_told_from_what_is_not_theirs() -> None:
    membership = WantedMembership(PATRONS, wanted=False, sources=("sub_1:forum",))
    assert why(membership, judged(subscription(), has={"cus_1": set()})) == "not_entitled"
    moved = judged(subscription("active", item("prod_m")), has={"cus_1": set()})
    assert ended_by(membership, moved)[0]["reason"] == "not_mapped"
    assert ended_by(membership, ())[0]["reason"] == "not_theirs"


def test_a_step_of_a_ladder_may_be_a_features() -> None:
    policy = parse_policy(
        {
            "features": {"forum": {"groups": "patrons", "ladder": "level"}},
            "products": {"prod_m": {"groups": "supporters", "ladder": "level"}},
            "ladders": {"level": ["supporters", "patrons"]},
        }
    )
    rules = compile_rules([CARRIES, PLAIN], [], policy, {}, GROUPS, [FORUM])
    found = judged(subscription("active", item(), item("prod_m")), rules=rules)
    assert {(g.group_id, g.ladder, g.rank) for g in found} == {
        (PATRONS, "level", 2),
        (SUPPORTERS, "level", 1),
    }
    assert rules.step_of(PATRONS) == ("level", 2)


@given(
    status=st.sampled_from([*STATUSES, "invented"]),
    has=st.sampled_from([(), ("forum",)]),
    days=st.integers(-40, 40),
    said=st.fixed_dictionaries(
        {},
        optional={
            "grace": st.sampled_from(["0", "3d", "30d"]),
            "trial": st.sampled_from(["grant", "wait"]),
            "on_pause": st.sampled_from(["end", "keep"]),
        },
    ),
)
def test_a_feature_gives_exactly_what_the_same_rule_of_its_product_would_and_needs_the_entitlement(
    status: str, has: tuple[str, ...], days: int, said: dict[str, str]
) -> None:
    had = replace(subscription(status), past_due_since_at=START)
    now = NOW + timedelta(days)
    by_feature = only(had, has={"cus_1": set(has)}, rules=rules_of(**said), now=now)
    policy = parse_policy({"products": {"prod_p": {**MAPPED, **said}}})
    of_product = compile_rules([Product("prod_p", "P")], [], policy, {}, GROUPS)
    by_product = only(had, rules=of_product, now=now)
    assert by_feature.holds == (by_product.holds and bool(has))
    if has or not by_product.holds:
        same = replace(
            by_feature,
            source="subscription",
            source_id="sub_1",
            rule_id="product:prod_p",
            feature=None,
        )
        assert same == by_product
