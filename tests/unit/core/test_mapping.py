import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.mapping import Problem, Rule, Rules, compile_rules
from bridge.core.model import Group, Price, Product
from bridge.core.policy import parse_policy
from bridge.core.problems import CODES
from bridge.core.values import KEYS, Term

DOCS = Path(__file__).parents[3] / "docs"
SUPPORTERS, PATRONS, MEMBERS = 41, 42, 43
GROUPS = {
    10: Group(10, "trust_level_0", automatic=True),
    SUPPORTERS: Group(SUPPORTERS, "supporters"),
    PATRONS: Group(PATRONS, "Patrons"),
    MEMBERS: Group(MEMBERS, "members"),
}
LEVELS: dict[str, object] = {"ladders": {"level": ["supporters", "patrons"]}}


def product(id_: str = "prod_1", *, active: bool = True, **metadata: str) -> Product:
    return Product(id_, f"Product {id_}", active=active, metadata=metadata)


def price(
    id_: str = "price_1",
    of: str = "prod_1",
    lookup_key: str | None = None,
    *,
    active: bool = True,
    **metadata: str,
) -> Price:
    return Price(
        id_, of, "eur", 500, "month", lookup_key=lookup_key, active=active, metadata=metadata
    )


def rules_of(
    *sold: Product | Price,
    toml: Mapping[str, object] | None = None,
    pins: Mapping[str, int] | None = None,
    groups: Mapping[int, Group] | None = None,
) -> Rules:
    return compile_rules(
        [one for one in sold if isinstance(one, Product)],
        [one for one in sold if isinstance(one, Price)],
        parse_policy(toml or {}),
        pins or {},
        GROUPS if groups is None else groups,
    )


def in_force(rules: Rules, price_id: str = "price_1", product_id: str = "prod_1") -> Rule:
    rule = rules.rule_for(price_id, product_id)
    assert rule is not None
    return rule


def codes(rules: Rules) -> list[str]:
    return [problem.code for problem in rules.problems]


def problem_of(rules: Rules, code: str) -> Problem:
    return next(problem for problem in rules.problems if problem.code == code)


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


@pytest.mark.parametrize(
    ("name", "code"),
    [("patron", "M101"), ("trust_level_0", "M102"), ("10", "M102"), ("999", "M103")],
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


def test_E57_a_deleted_group_is_not_replaced_by_a_new_one_of_its_name() -> None:
    groups = {99: Group(99, "patrons")}
    rules = rules_of(product(discourse_groups="patrons"), pins={"patrons": PATRONS}, groups=groups)
    assert codes(rules) == ["M103"]
    by_id = rules_of(product(discourse_groups="99"), pins={"patrons": PATRONS}, groups=groups)
    assert in_force(by_id).group_ids == (99,)


def test_a_name_that_nearly_fits_is_suggested() -> None:
    assert (
        'is "supporters" meant?'
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
    assert 'is "groups" meant?' in in_file.problems[0].message
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


# --- Ladders ------------------------------------------------------------------------------------


def test_the_order_of_a_ladder_gives_the_rank_and_a_base_group_stands_beside_it() -> None:
    rules = rules_of(
        product("prod_1", discourse_groups="members,supporters", discourse_ladder="Level"),
        product("prod_2", discourse_groups="members,patrons", discourse_ladder="level"),
        toml=LEVELS,
    )
    low, high = in_force(rules, "", "prod_1"), in_force(rules, "", "prod_2")
    assert low.rank < high.rank
    assert low.ladder_group_ids == {SUPPORTERS}
    assert high.ladder_group_ids == {PATRONS}
    assert rules.ladders == {"level": (SUPPORTERS, PATRONS)}
    assert rules.problems == ()


def test_a_rank_of_its_own_wins_over_the_order() -> None:
    sold = product(discourse_groups="supporters", discourse_ladder="level", discourse_rank="9")
    assert in_force(rules_of(sold, toml=LEVELS)).rank == 9


def test_A44_twenty_levels_meet_no_limit() -> None:
    groups = {id_: Group(id_, f"level_{id_}") for id_ in range(100, 120)}
    toml = {"ladders": {"level": [group.name for group in groups.values()]}}
    sold = [
        product(f"prod_{id_}", discourse_groups=f"level_{id_}", discourse_ladder="level")
        for id_ in groups
    ]
    rules = rules_of(*sold, toml=toml, groups=groups)
    assert [in_force(rules, "", one.id).rank for one in sold] == list(range(1, 21))
    assert rules.problems == ()


def test_a_ladder_without_any_order_is_complained_about() -> None:
    rules = rules_of(product(discourse_groups="patrons", discourse_ladder="level"))
    assert codes(rules) == ["M109"]
    assert in_force(rules).ladder_group_ids == {PATRONS}
    ranked = product(discourse_groups="patrons", discourse_ladder="level", discourse_rank="0")
    assert codes(rules_of(ranked)) == []


def test_a_group_outside_of_its_ladders_list_needs_a_rank() -> None:
    sold = (
        product("prod_1", discourse_groups="members", discourse_ladder="level"),
        product("prod_2", discourse_groups="supporters", discourse_ladder="level"),
        product("prod_3", discourse_groups="patrons", discourse_ladder="level"),
    )
    rules = rules_of(*sold, toml=LEVELS)
    assert [(one.code, one.subject) for one in rules.problems] == [("M109", "product:prod_1")]


def test_equal_ranks_with_different_groups_are_named() -> None:
    rules = rules_of(
        product("prod_1", discourse_groups="patrons", discourse_ladder="a", discourse_rank="1"),
        product("prod_2", discourse_groups="members", discourse_ladder="a", discourse_rank="1"),
        product("prod_3", discourse_groups="members", discourse_ladder="a", discourse_rank="1"),
    )
    (problem,) = rules.problems
    assert (problem.code, problem.subject) == ("M116", "product:prod_1")
    assert "product:prod_2" in problem.message


def test_A6_products_that_do_not_bear_several_memberships_are_named() -> None:
    rules = rules_of(
        product("prod_1", discourse_groups="supporters", discourse_ladder="level"),
        product("prod_2", discourse_groups="patrons", discourse_ladder="level"),
        product("prod_3", discourse_groups="patrons"),
        product("prod_4", discourse_groups="patrons", discourse_ladder="x", discourse_rank="1"),
        toml=LEVELS,
    )
    beside, twice = problem_of(rules, "M111"), problem_of(rules, "M110")
    assert beside.subject == "product:prod_3"
    assert "Patrons" in beside.message
    assert "product:prod_4" in twice.subject
    assert "level and x" in twice.message
    assert rules.halted == frozenset()


def test_ladders_whose_groups_are_unknown_or_lead_from_nowhere_are_named() -> None:
    toml = {"ladders": {"level": ["supporters", "patrons", "heroes"]}}
    rules = rules_of(product(discourse_groups="supporters", discourse_ladder="level"), toml=toml)
    assert codes(rules) == ["M114", "M113"]
    assert "heroes" in problem_of(rules, "M114").message
    assert "Patrons" in problem_of(rules, "M113").message
    assert in_force(rules).rank == 1


# --- The rest of the lint -----------------------------------------------------------------------


def test_a_price_on_sale_that_leads_nowhere_is_a_remark() -> None:
    rules = rules_of(product(), price(), price("price_2", "prod_unknown"))
    assert codes(rules) == ["M108", "M108"]
    assert "Product prod_1" in rules.problems[0].message
    assert "prod_unknown" in rules.problems[1].message
    assert not rules.problems[0].halts


def test_two_places_that_contradict_each_other_are_named() -> None:
    sold = (product(discourse_groups="patrons"), price(lookup_key="yearly", discourse_grace="1d"))
    same = {"products": {"prod_1": {"groups": "Patrons"}}, "prices": {"yearly": {"grace": "1D"}}}
    other = {"products": {"prod_1": {"groups": "members"}}}
    twice = {"prices": {"yearly": {"term": "1y"}, "price_1": {"term": "2y"}}}
    by_level = {"products": {"prod_1": {"term": "1y"}}, "prices": {"price_1": {"term": "2y"}}}
    assert codes(rules_of(*sold, toml=same)) == []
    assert codes(rules_of(*sold, toml=other)) == ["M112"]
    assert codes(rules_of(*sold, toml=twice)) == ["M112"]
    assert codes(rules_of(*sold, toml=by_level)) == []


def test_sections_of_bridge_toml_about_nothing_are_named() -> None:
    toml = {
        "products": {"prod_typo": {"groups": "patrons"}},
        "prices": {"typo": {"groups": "patrons"}},
    }
    subjects = [problem.subject for problem in rules_of(product(), toml=toml).problems]
    assert subjects == ["bridge.toml [products.prod_typo]", "bridge.toml [prices.typo]"]


def test_the_example_file_maps_what_it_says() -> None:
    toml = tomllib.loads((DOCS / "bridge.example.toml").read_text())
    groups = GROUPS | {44: Group(44, "visitors")}
    rules = rules_of(
        product("prod_SupporterExample"),
        product("prod_PatronExample"),
        price("price_day", "prod_day", "day_pass"),
        price("price_DonationExample", "prod_gift"),
        toml=toml,
        groups=groups,
    )
    assert rules.problems == ()
    assert in_force(rules, "price_day", "").term == Term(days=1)
    assert in_force(rules, "price_DonationExample", "").kind == "donation"


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
