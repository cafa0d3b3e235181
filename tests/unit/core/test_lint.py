from bridge.core.model.discourse import Group
from tests.unit.core.catalogue import (
    LEVELS,
    PATRONS,
    SUPPORTERS,
    codes,
    in_force,
    price,
    problem_of,
    product,
    rules_of,
)

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
    assert "level, x" in twice.message
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
