"""A catalogue and three groups for the tests of mapping rules."""

from collections.abc import Mapping
from pathlib import Path

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Feature, Price, Product
from bridge.core.rules.mapping import Problem, Rule, Rules, compile_rules
from bridge.core.rules.policy import parse_policy

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
    *sold: Product | Price | Feature,
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
        [one for one in sold if isinstance(one, Feature)],
    )


def in_force(rules: Rules, price_id: str = "price_1", product_id: str = "prod_1") -> Rule:
    rule = rules.rule_for(price_id, product_id)
    assert rule is not None
    return rule


def codes(rules: Rules) -> list[str]:
    return [problem.code for problem in rules.problems]


def problem_of(rules: Rules, code: str) -> Problem:
    return next(problem for problem in rules.problems if problem.code == code)
