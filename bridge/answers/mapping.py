"""What each price on sale gives, and who says so: the mapping as moderators read it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.rules.origins import Value, values_of
from bridge.core.rules.problems import Problem
from bridge.core.telling.words import price_words
from bridge.store import groups
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Mapped:
    """A price with the groups it gives, where each value comes from, and what is wrong with it."""

    price_id: str
    product: str
    price: str
    groups: tuple[str, ...]
    is_halted: bool
    values: tuple[Value, ...]
    problems: tuple[Problem, ...]
    link: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """Every price on sale, and the problems that belong to none of them."""

    prices: tuple[Mapped, ...]
    problems: tuple[Problem, ...]


def mapping(bridge: Bridge) -> Mapping:
    """The mapping in force, from the store alone."""
    with bridge.store.read() as connection:
        law = bridge.rulebook.law(connection)
        names = {id_: one.name for id_, one in groups.load_groups(connection).items()}
    found, told = [], set()
    for price in sorted(law.catalogue.prices.values(), key=lambda one: (one.product_id, one.id)):
        product = law.catalogue.products.get(price.product_id)
        if product is None or not (price.active and product.active):
            continue
        rule = law.rules.rule_for(price.id, product.id)
        about = (price.id, product.id, price.lookup_key)
        problems = tuple(
            one for one in law.rules.problems if any(id_ and id_ in one.subject for id_ in about)
        )
        told |= set(problems)
        values = values_of(product, price, policy=law.policy)
        found.append(
            Mapped(
                price_id=price.id,
                product=product.name,
                price=price_words(price, "en-GB"),
                groups=tuple(names.get(id_, str(id_)) for id_ in rule.group_ids) if rule else (),
                is_halted=law.rules.halted_rule_for(price.id, product.id) is not None,
                values=tuple(one for one in values if one.value not in ("", "none")),
                problems=problems,
                link=f"{bridge.settings.bridge_url}/join/{price.lookup_key or price.id}",
            )
        )
    rest = tuple(one for one in law.rules.problems if one not in told)
    return Mapping(tuple(found), rest)
