import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Feature
from bridge.core.rules.problems import CODES
from bridge.core.rules.values import KEYS, Term
from tests.unit.core.catalogue import (
    DOCS,
    GROUPS,
    LEVELS,
    MEMBERS,
    PATRONS,
    SUPPORTERS,
    codes,
    in_force,
    price,
    product,
    rules_of,
)

# --- Who says what ------------------------------------------------------------------------------


def test_a_product_leads_all_its_prices_to_its_groups() -> None:
    rules = rules_of(product(discourse_groups="supporters, MEMBERS"), price())
    rule = in_force(rules)
    assert rule.id == "product:prod_1"
    assert rule.group_ids == (SUPPORTERS, MEMBERS)
    assert rules.problems == ()
    assert rules.mapped_group_ids == {SUPPORTERS, MEMBERS}


def test_A33_a_price_that_exists_already_is_mapped_by_editing_its_metadata() -> None:
    before = rules_of(product(), price())
    after = rules_of(product(), price(discourse_groups="patrons"))
    assert before.rule_for("price_1", "prod_1") is None
    assert in_force(after).group_ids == (PATRONS,)


def test_a_price_may_change_one_thing_and_take_the_rest_from_its_product() -> None:
    rules = rules_of(
        product(discourse_groups="patrons", discourse_grace="3d", discourse_kind="share"),
        price(discourse_grace="0"),
    )
    rule = in_force(rules)
    assert (rule.id, rule.group_ids) == ("price:price_1", (PATRONS,))
    assert (rule.grace_days, rule.kind) == (0, "share")
    assert in_force(rules, "price_other").grace_days == 3


def test_the_plugins_group_name_on_a_price_is_understood() -> None:
    assert in_force(rules_of(product(), price(group_name="Patrons"))).group_ids == (PATRONS,)


def test_our_own_key_wins_over_the_plugins() -> None:
    rules = rules_of(product(), price(group_name="supporters", discourse_groups="patrons"))
    assert in_force(rules).group_ids == (PATRONS,)
    assert codes(rules) == ["M112"]


@pytest.mark.parametrize(
    ("toml", "grace_days"),
    [
        ({}, 4),
        ({"defaults": {"grace": "2d"}}, 4),
        ({"products": {"prod_1": {"grace": "5d"}}}, 5),
        ({"products": {"prod_1": {"grace": "5d"}}, "prices": {"yearly": {"grace": "6d"}}}, 6),
        ({"prices": {"yearly": {"grace": "6d"}, "price_1": {"grace": 8}}}, 8),
    ],
)
def test_the_last_word_goes_from_defaults_to_metadata_to_the_file(
    toml: dict[str, object], grace_days: int
) -> None:
    sold = (
        product(discourse_groups="patrons", discourse_grace="3d"),
        price(lookup_key="yearly", discourse_grace="4d"),
    )
    assert in_force(rules_of(*sold, toml=toml)).grace_days == grace_days


def test_defaults_hold_where_nobody_says_otherwise() -> None:
    toml = {"defaults": {"grace": "2d", "term": "1y", "on_refund": "keep"}}
    rule = in_force(rules_of(product(discourse_groups="patrons"), toml=toml))
    assert (rule.grace_days, rule.term) == (2, Term(months=12))
    assert (rule.on_refund_one_off, rule.on_refund_subscription) == ("keep", "keep")


def test_without_a_word_on_refunds_one_off_purchases_end_and_subscriptions_stay() -> None:
    rule = in_force(rules_of(product(discourse_groups="patrons")))
    assert (rule.on_refund_one_off, rule.on_refund_subscription) == ("end", "keep")


def test_bridge_toml_alone_is_enough() -> None:
    toml = {"prices": {"price_1": {"groups": ["patrons", str(MEMBERS)]}}}
    assert in_force(rules_of(product(), price(), toml=toml)).group_ids == (PATRONS, MEMBERS)


def test_E51_archived_products_and_prices_keep_their_rules_and_are_not_complained_about() -> None:
    rules = rules_of(
        product(active=False, discourse_groups="patrons"),
        price("price_1", active=False),
        product("prod_2", active=False),
        price("price_2", "prod_2"),
        price("price_3", "prod_2", active=False),
    )
    assert in_force(rules).group_ids == (PATRONS,)
    assert rules.problems == ()


def test_A80_a_product_that_says_none_is_a_payment_without_groups() -> None:
    rule = in_force(rules_of(product(discourse_groups="none", discourse_kind="donation"), price()))
    assert (rule.group_ids, rule.kind) == ((), "donation")


# --- Groups -------------------------------------------------------------------------------------


def test_D13_a_rule_follows_its_group_when_the_group_is_renamed() -> None:
    renamed = GROUPS | {PATRONS: Group(PATRONS, "benefactors"), 99: Group(99, "patrons")}
    rules = rules_of(product(discourse_groups="patrons"), pins={"patrons": PATRONS}, groups=renamed)
    assert in_force(rules).group_ids == (PATRONS,)
    assert codes(rules) == ["M117"]
    assert "benefactors" in rules.problems[0].message


def test_a_name_is_given_back_to_be_pinned_and_an_id_is_not() -> None:
    rules = rules_of(product(discourse_groups=f"Patrons, {MEMBERS}"))
    assert rules.pins == {"patrons": PATRONS}


def test_a_number_that_is_a_groups_name_means_that_group() -> None:
    groups = GROUPS | {77: Group(77, str(PATRONS))}
    rules = rules_of(product(discourse_groups=str(PATRONS)), groups=groups)
    assert in_force(rules).group_ids == (77,)


def test_an_id_is_also_written_as_the_api_writes_it_and_is_never_a_name() -> None:
    groups = GROUPS | {77: Group(77, str(PATRONS))}
    said = f"id:{PATRONS}, ID:{MEMBERS}, members"
    made = product(discourse_groups=said, discourse_buyers=f"id:{SUPPORTERS}")
    rules = rules_of(made, groups=groups)
    assert in_force(rules).group_ids == (PATRONS, MEMBERS)
    assert in_force(rules).paying.buyer_ids == {SUPPORTERS}
    assert rules.pins == {"members": MEMBERS}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("id:999", "M103"),
        ("id:", "M101"),
        ("id:x", "M101"),
        ("patron", "M101"),
        ("trust_level_0", "M102"),
        ("10", "M102"),
        ("999", "M103"),
    ],
)
def test_A93_a_group_that_cannot_be_used_halts_that_rule_and_no_other(name: str, code: str) -> None:
    rules = rules_of(
        product(discourse_groups=f"{name}, members"),
        product("prod_2", discourse_groups="supporters"),
    )
    assert rules.rule_for("price_1", "prod_1") is None
    halted = rules.halted_rule_for("price_1", "prod_1")
    assert halted is not None
    assert halted.group_ids == (MEMBERS,)
    assert rules.halted == {"product:prod_1"}
    assert rules.halted_group_ids == {MEMBERS}
    assert rules.mapped_group_ids == {MEMBERS, SUPPORTERS}
    assert codes(rules) == [code]
    assert rules.problems[0].halts
    assert in_force(rules, "price_2", "prod_2").group_ids == (SUPPORTERS,)
    assert rules.halted_rule_for("price_2", "prod_2") is None


@pytest.mark.parametrize(
    ("said", "checkout", "is_limited"),
    [
        ({}, {}, False),
        ({"discourse_buyers": "none"}, {}, False),
        ({"discourse_buyers": "members"}, {}, True),
        ({"discourse_buyers": "nobody-made-it"}, {}, True),
        ({"discourse_countries": "Germany"}, {}, True),
        ({}, {"countries": "DE"}, True),
        ({"discourse_countries": "none"}, {"countries": "DE"}, False),
    ],
)
def test_A95_a_halted_rule_still_knows_whether_not_everybody_may_buy(
    said: dict[str, str], checkout: dict[str, str], *, is_limited: bool
) -> None:
    sold = replace(product(), metadata={"discourse_groups": "patron", **said})
    rules = rules_of(sold, toml={"checkout": checkout} if checkout else {})
    halted = rules.halted_rule_for("price_1", "prod_1")
    assert halted is not None
    assert halted.is_limited == is_limited


def test_E57_a_deleted_group_is_not_replaced_by_a_new_one_of_its_name() -> None:
    groups = {99: Group(99, "patrons")}
    rules = rules_of(product(discourse_groups="patrons"), pins={"patrons": PATRONS}, groups=groups)
    assert codes(rules) == ["M103"]
    by_id = rules_of(product(discourse_groups="99"), pins={"patrons": PATRONS}, groups=groups)
    assert in_force(by_id).group_ids == (99,)


def test_a_name_that_nearly_fits_is_suggested() -> None:
    assert (
        'Did you mean "supporters"?'
        in rules_of(product(discourse_groups="suporters")).problems[0].message
    )


def test_a_group_named_twice_counts_once() -> None:
    rules = rules_of(product(discourse_groups=f"patrons, {PATRONS}"))
    assert in_force(rules).group_ids == (PATRONS,)


# --- Wrong words --------------------------------------------------------------------------------


def test_a_wrong_value_halts_its_rule_and_says_where_it_stands_and_what_it_takes() -> None:
    rules = rules_of(product(discourse_groups="patrons", discourse_grace="soon"), price())
    (problem,) = rules.problems
    assert (problem.code, problem.subject) == ("M104", "product prod_1")
    assert "'soon'" in problem.message
    assert KEYS["grace"].values in problem.message
    assert rules.rule_for("price_1", "prod_1") is None
    assert rules.halted_group_ids == {PATRONS}


def test_a_wrong_value_that_is_overruled_harms_nobody() -> None:
    rules = rules_of(
        product(discourse_groups="patrons", discourse_grace="soon"), price(discourse_grace="1d")
    )
    assert in_force(rules).grace_days == 1
    assert rules.halted == {"product:prod_1"}


def test_a_wrong_value_of_a_product_is_named_once_however_many_prices_suffer() -> None:
    rules = rules_of(
        product(discourse_groups="patrons", discourse_grace="soon"),
        price("price_1", discourse_trial="wait"),
        price("price_2", discourse_trial="wait"),
    )
    assert codes(rules) == ["M104"]
    assert rules.halted == {"product:prod_1", "price:price_1", "price:price_2"}


def test_an_unknown_key_halts_in_our_own_file_and_is_a_remark_in_stripes() -> None:
    in_file = rules_of(product(), toml={"products": {"prod_1": {"group": "patrons"}}})
    assert codes(in_file) == ["M106"]
    assert in_file.halted == {"product:prod_1"}
    assert 'Did you mean "groups"?' in in_file.problems[0].message
    in_stripe = rules_of(product(discourse_group="patrons", colour="red"), price())
    assert codes(in_stripe) == ["M105", "M108"]
    assert in_stripe.halted == frozenset()


def test_a_price_with_nothing_but_a_misspelt_key_has_no_rule() -> None:
    rules = rules_of(product(), price(discourse_groop="patrons"))
    assert codes(rules) == ["M105", "M108"]
    assert rules.rule_for("price_1", "prod_1") is None


def test_one_rule_cannot_lead_to_two_steps_of_its_ladder() -> None:
    rules = rules_of(
        product(discourse_groups="supporters,patrons", discourse_ladder="level"), toml=LEVELS
    )
    assert codes(rules) == ["M107"]
    assert rules.halted_group_ids == {SUPPORTERS, PATRONS}


def test_the_example_file_maps_what_it_says() -> None:
    toml = tomllib.loads((DOCS / "bridge.example.toml").read_text())
    groups = GROUPS | {44: Group(44, "visitors")}
    rules = rules_of(
        product("prod_SupporterExample"),
        product("prod_PatronExample"),
        price("price_day", "prod_day", "day_pass"),
        price("price_DonationExample", "prod_gift"),
        replace(product("prod_day"), features=("forum_example",)),
        Feature("feat_1", "forum_example", "An example"),
        toml=toml,
        groups=groups,
    )
    assert rules.problems == ()
    assert in_force(rules, "price_day", "").term == Term(days=1)
    assert in_force(rules, "price_DonationExample", "").kind == "donation"
    assert rules.by_feature["forum_example"].group_ids == (44,)


WORDS = st.sampled_from(
    ["patrons", "supporters", "none", "10", "999", "1y", "7d", "keep", "end", "level", "3", "", "?"]
)
SAID = st.dictionaries(st.sampled_from([key.metadata_key for key in KEYS.values()]), WORDS)


@given(SAID, SAID, st.sampled_from([LEVELS, {}]))
def test_any_metadata_makes_rules_or_halts_and_never_touches_automatic_groups(
    of_product: dict[str, str], of_price: dict[str, str], toml: dict[str, object]
) -> None:
    rules = rules_of(
        replace(product(), metadata=of_product),
        replace(price(), metadata=of_price),
        product("prod_2", discourse_groups="members"),
        toml=toml,
    )
    assert rules.mapped_group_ids <= {SUPPORTERS, PATRONS, MEMBERS}
    assert in_force(rules, "", "prod_2").group_ids == (MEMBERS,)
    assert bool(rules.halted) == any(problem.halts for problem in rules.problems)
    assert {problem.code for problem in rules.problems} <= set(CODES)
    rule, halted = (
        rules.rule_for("price_1", "prod_1"),
        rules.halted_rule_for("price_1", "prod_1"),
    )
    assert rule is None or halted is None
    assert rule is None or rule.ladder_group_ids <= set(rule.group_ids)
