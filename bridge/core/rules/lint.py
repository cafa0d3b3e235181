"""Doubts about rules that are valid on their own; they halt no rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Feature, Price, Product
from bridge.core.rules.compiled import HaltedRule, Rule, Rules
from bridge.core.rules.policy import Policy
from bridge.core.rules.problems import Problem, problem
from bridge.texts import gettext

Steps = Mapping[str, Mapping[int, int]]


def lint_ladders(
    found: Collection[Rule | HaltedRule], steps: Steps, groups: Mapping[int, Group]
) -> Iterator[Problem]:
    """Ladders without an order, and groups that are in two ladders or both in and outside of one.

    The last is a mapping that does not bear several memberships of one member (A6).
    """
    rules = [rule for rule in found if isinstance(rule, Rule)]
    yield from _unordered(rules)
    places = _places(rules, steps)
    yield from _in_two_ladders(places, groups)
    yield from _beside_a_ladder(rules, places, groups)
    leads_to = {group_id for rule in found for group_id in rule.group_ids}
    for ladder, of_ladder in steps.items():
        for group_id in of_ladder:
            if group_id not in leads_to:
                says = gettext('no product leads to its group "%(group)s".')
                named = {"group": groups[group_id].name}
                yield problem("M113", f"bridge.toml [ladders] {ladder}", says % named)


def _unordered(rules: Collection[Rule]) -> Iterator[Problem]:
    of_rank: dict[tuple[str, int], dict[frozenset[int], str]] = defaultdict(dict)
    for rule in rules:
        if not rule.ladder or not rule.ladder_group_ids:
            continue
        if rule.is_ranked:
            of_rank[rule.ladder, rule.rank].setdefault(rule.ladder_group_ids, rule.id)
        else:
            says = gettext("it has no rank in the ladder %(ladder)s.")
            yield problem("M109", rule.id, says % {"ladder": rule.ladder})
    for (ladder, rank), first_by_groups in of_rank.items():
        for first, second in combinations(first_by_groups.values(), 2):
            says = gettext(
                "it has rank %(rank)s in the ladder %(ladder)s, like %(other)s, which gives other "
                "groups."
            )
            named = {"rank": rank, "ladder": ladder, "other": second}
            yield problem("M116", first, says % named)


def _places(rules: Collection[Rule], steps: Steps) -> dict[int, dict[str, str]]:
    """Group id -> ladder -> where that is said."""
    places: dict[int, dict[str, str]] = defaultdict(dict)
    for ladder, groups in steps.items():
        for group_id in groups:
            places[group_id][ladder] = f"bridge.toml [ladders] {ladder}"
    for rule in rules:
        for group_id in rule.ladder_group_ids:
            places[group_id].setdefault(rule.ladder or "", rule.id)
    return places


def _in_two_ladders(
    places: Mapping[int, Mapping[str, str]], groups: Mapping[int, Group]
) -> Iterator[Problem]:
    for group_id, said in places.items():
        if len(said) > 1:
            says = gettext('the group "%(group)s" is in several ladders: %(ladders)s.')
            named = {"group": groups[group_id].name, "ladders": ", ".join(sorted(said))}
            yield problem("M110", ", ".join(said.values()), says % named)


def _beside_a_ladder(
    rules: Collection[Rule],
    places: Mapping[int, Mapping[str, str]],
    groups: Mapping[int, Group],
) -> Iterator[Problem]:
    for rule in rules:
        for group_id in rule.group_ids:
            if group_id in places and group_id not in rule.ladder_group_ids:
                says = gettext(
                    'it leads to "%(group)s", which is a step of a ladder (%(ladders)s), but is '
                    "not in that ladder."
                )
                ladders = ", ".join(sorted(places[group_id]))
                named = {"group": groups[group_id].name, "ladders": ladders}
                yield problem("M111", rule.id, says % named)


def lint_catalogue(
    products: Iterable[Product],
    prices: Collection[Price],
    policy: Policy,
    rules: Rules,
) -> Iterator[Problem]:
    """Prices on sale that lead nowhere, and sections of bridge.toml without an object."""
    known = {product.id: product for product in products}
    for price in prices:
        product = known.get(price.product_id)
        on_sale = price.active and (product is None or product.active)
        leads = price.id in rules.by_price or price.product_id in rules.by_product
        if on_sale and not leads and not rules.features_of(price.product_id):
            name = product.name if product else price.product_id
            says = gettext('it ("%(product)s") leads to no group.') % {"product": name}
            yield problem("M108", f"price {price.id}", says)
    names = {price.id for price in prices} | {price.lookup_key for price in prices}
    for section, stated, there in (
        ("products", policy.products, set(known)),
        ("prices", policy.prices, names),
    ):
        for name in stated:
            if name not in there:
                says = gettext("Stripe has nothing of this name.")
                yield problem("M115", f"bridge.toml [{section}.{name}]", says)


def lint_features(features: Collection[Feature], policy: Policy, rules: Rules) -> Iterator[Problem]:
    """Features in bridge.toml that do not exist, lead nowhere, or that no product carries."""
    known = {feature.lookup_key for feature in features}
    carried = {key for carries in rules.carried.values() for key in carries}
    for key in policy.features:
        where = f"bridge.toml [features.{key}]"
        if key not in known:
            yield problem("M115", where, gettext("Stripe has no feature of this lookup key."))
        elif key not in rules.by_feature:
            says = gettext("neither this nor the feature’s own metadata names a group.")
            yield problem("M108", where, says)
        elif key not in carried:
            yield problem("M118", where, gettext("no product carries this feature."))
