"""Turns the metadata of products and prices, and bridge.toml, into mapping rules.

Per key, from weakest to strongest: [defaults], the product's metadata, the price's metadata,
bridge.toml for the product, for the price's lookup key, for the price's id. For a feature of
Stripe's Entitlements: [defaults], its metadata, bridge.toml; only those that bridge.toml names have
a rule at all. A rule with any mistake is halted as a whole, because its intention is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Feature, Price, Product
from bridge.core.rules.compiled import HaltedRule, Rule, Rules, rule_of
from bridge.core.rules.keys import METADATA_PREFIX, key_name
from bridge.core.rules.lint import lint_catalogue, lint_features, lint_ladders
from bridge.core.rules.paying import Paying
from bridge.core.rules.policy import Policy
from bridge.core.rules.problems import Problem, nearest, problem
from bridge.core.rules.values import KEYS, PLUGIN_GROUP_KEY, Choices, apply_value, instead
from bridge.texts import gettext

__all__ = ["HaltedRule", "Problem", "Rule", "Rules", "compile_rules"]


@dataclass(frozen=True, slots=True)
class _Source:
    """One place that sets keys: Stripe's metadata or a section of bridge.toml."""

    where: str
    said: Mapping[str, str]
    in_file: bool = False
    of_price: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A value as somebody wrote it, and where."""

    text: str
    where: str


@dataclass(slots=True)
class _Groups:
    """Finds Discourse's groups by id, by pinned name or by current name; collects new pins."""

    groups: Mapping[int, Group]
    pins: Mapping[str, int]
    pinned: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {group.name.lower(): group.id for group in self.groups.values()}

    def find(self, name: str, *, to_fill: bool = True) -> tuple[int | None, str, str]:
        """The group's id if it may be used; and the code and words of a problem.

        `to_fill`: people are put into it, which the forum does not allow of automatic groups.
        """
        name = name.lower()
        pin = self.pins.get(name, self.by_name.get(name))
        is_id = pin is None and re.fullmatch(r"(?:id:)?([0-9]{1,9})", name)
        group_id = int(is_id[1]) if is_id else pin
        if group_id is None:
            close = nearest(name, tuple(self.by_name))
            return None, "M101", gettext('there is no group "%(group)s".') % {"group": name} + close
        group = self.groups.get(group_id)
        if group is None:
            says = gettext('the group "%(group)s" (id %(id)s) does not exist any more.')
            return None, "M103", says % {"group": name, "id": group_id}
        if group.automatic and to_fill:
            return None, "M102", gettext('the group "%(group)s" is automatic.') % {"group": name}
        if is_id:
            return group_id, "", ""
        self.pinned[name] = group_id
        if group.name.lower() != name:
            says = gettext('the group "%(group)s" is called "%(now)s" now.')
            return group_id, "M117", says % {"group": name, "now": group.name}
        return group_id, "", ""


@dataclass(slots=True)
class _Compiler:
    """The shared state while rules are compiled."""

    policy: Policy
    groups: _Groups
    steps: dict[str, dict[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def compile_rules(
    products: Iterable[Product],
    prices: Iterable[Price],
    policy: Policy,
    pins: Mapping[str, int],
    groups: Mapping[int, Group],
    features: Iterable[Feature] = (),
) -> Rules:
    """All rules, and every problem in them. Archived products and prices keep their rules (E51).

    `pins`: lower-case group name -> id as first resolved; `groups`: all groups as last read.
    """
    products, prices, features = tuple(products), tuple(prices), tuple(features)
    made = _Compiler(policy, _Groups(groups, pins))
    _resolve_ladders(made)
    of_product = {product.id: _product_sources(product, policy) for product in products}
    by_product = {
        product.id: found
        for product in products
        if (found := _compile(made, of_product[product.id], product_id=product.id))
    }
    by_price = _of_prices(made, prices, of_product)
    by_feature = _of_features(made, features)
    rules = [*by_product.values(), *by_price.values(), *by_feature.values()]
    stopped = [rule for rule in rules if isinstance(rule, HaltedRule)]
    whole = Rules(
        by_price=by_price,
        by_product=by_product,
        by_feature=by_feature,
        carried=_carried(products, by_feature),
        ladders={name: tuple(steps) for name, steps in made.steps.items()},
        pins=made.groups.pinned,
        halted=frozenset(rule.id for rule in stopped),
        halted_group_ids=frozenset(id_ for rule in stopped for id_ in rule.group_ids),
        mapped_group_ids=frozenset(id_ for rule in rules for id_ in rule.group_ids),
    )
    problems = [
        *made.problems,
        *lint_ladders(rules, made.steps, groups),
        *lint_catalogue(products, prices, policy, whole),
        *lint_features(features, policy, whole),
    ]
    return replace(whole, problems=tuple(dict.fromkeys(problems)))


def _of_prices(
    made: _Compiler, prices: Iterable[Price], of_product: Mapping[str, list[_Source]]
) -> dict[str, Rule | HaltedRule]:
    """A rule for each price that says something itself; the others follow their product's."""
    found: dict[str, Rule | HaltedRule] = {}
    for price in prices:
        own = _price_sources(price, made.policy)
        if not any(source.said for source in own):
            continue
        from_product = of_product.get(price.product_id, [])
        # Files come before metadata, and a price before its product. The sort is stable.
        sources = sorted([*from_product, *own], key=lambda source: source.in_file)
        if rule := _compile(made, sources, product_id=price.product_id, price_id=price.id):
            found[price.id] = rule
    return found


def _carried(
    products: Iterable[Product], by_feature: Mapping[str, Rule | HaltedRule]
) -> dict[str, tuple[str, ...]]:
    """Product id -> those of its features that have a rule."""
    return {
        product.id: keys
        for product in products
        if (keys := tuple(key for key in product.features if key in by_feature))
    }


def said_of(*things: Product | Price | Feature | None, policy: Policy) -> dict[str, Said]:
    """The keys set for a price, its product, or a feature.

    `things` from the weakest to the strongest; key -> where it is said.
    """
    sources = [source for thing in things if thing for source in _sources(thing, policy)]
    stated, _ = _merge(sorted(sources, key=lambda source: source.in_file))
    return {name: Said(source.said[name], source.where) for name, source in stated.items()}


def _resolve_ladders(made: _Compiler) -> None:
    for ladder, names in made.policy.ladders.items():
        steps = made.steps.setdefault(ladder, {})
        for place, name in enumerate(names, start=1):
            group_id, _, says = made.groups.find(name)
            if group_id is None:
                made.problems.append(problem("M114", f"bridge.toml [ladders] {ladder}", says))
            else:
                steps[group_id] = place


def _said_in_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        key_name(key): text for key, text in metadata.items() if key.startswith(METADATA_PREFIX)
    }


def _sources(thing: Product | Price | Feature, policy: Policy) -> list[_Source]:
    if isinstance(thing, Product):
        return _product_sources(thing, policy)
    if isinstance(thing, Price):
        return _price_sources(thing, policy)
    return _feature_sources(thing, policy)


def _product_sources(product: Product, policy: Policy) -> list[_Source]:
    return [
        _Source(f"product {product.id}", _said_in_metadata(product.metadata)),
        _Source(
            f"bridge.toml [products.{product.id}]",
            policy.products.get(product.id, {}),
            in_file=True,
        ),
    ]


def _price_sources(price: Price, policy: Policy) -> list[_Source]:
    plugin = price.metadata.get(PLUGIN_GROUP_KEY)
    sources = [
        _Source(f"price {price.id} {PLUGIN_GROUP_KEY}", {"groups": plugin} if plugin else {}),
        _Source(f"price {price.id}", _said_in_metadata(price.metadata)),
    ]
    for name in (price.lookup_key, price.id):
        said = policy.prices.get(name, {}) if name else {}
        sources.append(_Source(f"bridge.toml [prices.{name}]", said, in_file=True))
    return [_Source(source.where, source.said, source.in_file, of_price=True) for source in sources]


def _feature_sources(feature: Feature, policy: Policy) -> list[_Source]:
    key = feature.lookup_key
    return [
        _Source(f"feature {key}", _said_in_metadata(feature.metadata)),
        _Source(f"bridge.toml [features.{key}]", policy.features.get(key, {}), in_file=True),
    ]


def _of_features(made: _Compiler, features: Iterable[Feature]) -> dict[str, Rule | HaltedRule]:
    """Lookup key -> rule, of those that bridge.toml names.

    A key may be used again once its feature is archived, so one that is not has the last word.
    """
    return {
        feature.lookup_key: found
        for feature in sorted(features, key=lambda one: one.active)
        if feature.lookup_key in made.policy.features
        if (found := _compile(made, _feature_sources(feature, made.policy), feature.lookup_key))
    }


def _compile(
    made: _Compiler,
    sources: list[_Source],
    feature: str | None = None,
    *,
    product_id: str | None = None,
    price_id: str | None = None,
) -> Rule | HaltedRule | None:
    """The rule of these sources; None if they set nothing."""
    rule_id = f"feature:{feature}" if feature else f"product:{product_id}"
    rule_id = f"price:{price_id}" if price_id else rule_id
    stated, found = _merge(sources)
    choices = _choices(made.policy.defaults, stated, found)
    group_ids = _group_ids(choices.groups, made.groups, stated, found)
    buyer_ids = _group_ids(choices.paying.buyers, made.groups, stated, found, key="buyers")
    paying = replace(choices.paying, buyer_ids=frozenset(buyer_ids))
    steps = made.steps.get(choices.ladder or "", {})
    if len(in_ladder := [group_id for group_id in group_ids if group_id in steps]) > 1:
        says = gettext("%(count)s of its groups are steps of the ladder %(ladder)s.")
        named = {"count": len(in_ladder), "ladder": choices.ladder}
        found.append(problem("M107", rule_id, says % named))
    made.problems.extend(found)
    if any(one.halts for one in found):
        return HaltedRule(rule_id, group_ids, _is_limited(choices.paying, stated))
    if not stated:
        return None
    return rule_of(
        replace(choices, paying=paying),
        rule_id,
        price_id=price_id,
        product_id=product_id,
        feature=feature,
        group_ids=group_ids,
        steps=steps,
    )


def _is_limited(paying: Paying, stated: Mapping[str, _Source]) -> bool:
    """Whether not everybody may buy it. A value that cannot be read was meant as a limit, too."""
    meant = (stated[key].said[key] for key in ("buyers", "countries") if key in stated)
    return bool(paying.buyers or paying.countries) or any(_plain(one) != "none" for one in meant)


def _choices(defaults: Choices, stated: Mapping[str, _Source], found: list[Problem]) -> Choices:
    choices = defaults
    for name, source in stated.items():
        try:
            choices = apply_value(choices, name, source.said[name])
        except ValueError as error:
            says = gettext("%(key)s = %(value)s is wrong; %(instead)s.")
            said, write = repr(source.said[name]), instead(name, error)
            named = {"key": name, "value": said, "instead": write}
            found.append(problem("M104", source.where, says % named))
    return choices


def _group_ids(
    names: tuple[str, ...],
    groups: _Groups,
    stated: Mapping[str, _Source],
    found: list[Problem],
    key: Literal["groups", "buyers"] = "groups",
) -> tuple[int, ...]:
    group_ids: list[int] = []
    for name in names:
        group_id, code, says = groups.find(name, to_fill=key == "groups")
        if group_id is not None:
            group_ids.append(group_id)
        if code:
            found.append(problem(code, stated[key].where, says))
    return tuple(dict.fromkeys(group_ids))


def _merge(sources: list[_Source]) -> tuple[dict[str, _Source], list[Problem]]:
    """Which source decides each key, and doubts about it."""
    stated: dict[str, _Source] = {}
    found: list[Problem] = []
    for source in sources:
        for name, text in source.said.items():
            if name not in KEYS:
                code = "M106" if source.in_file else "M105"
                says = gettext("%(key)s is not a key.") % {"key": name}
                found.append(problem(code, source.where, says + nearest(name, tuple(KEYS))))
                continue
            before = stated.get(name)
            if before and _is_contradiction(before, source, name):
                says = gettext("%(key)s = %(value)s is overruled by %(other)s in %(where)s.")
                named = {
                    "key": name,
                    "value": repr(before.said[name]),
                    "other": repr(text),
                    "where": source.where,
                }
                found.append(problem("M112", before.where, says % named))
            stated[name] = source
    return stated, found


def _is_contradiction(before: _Source, after: _Source, name: str) -> bool:
    """Different values of equal weight; a price may differ from its product."""
    if before.in_file == after.in_file and before.of_price != after.of_price:
        return False
    return _plain(before.said[name]) != _plain(after.said[name])


def _plain(text: str) -> str:
    return re.sub(r"\s", "", text).lower()
