"""The mapping for moderators: what each price gives, where that is set, its link for a post."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from bridge.core.model.stripe import Price, Product
from bridge.core.rules.law import Law
from bridge.core.rules.origins import Value, values_of
from bridge.core.rules.problems import Problem
from bridge.core.telling.markdown import escape_markdown
from bridge.core.telling.words import LOCALE, price_words
from bridge.store import groups
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Mapped:
    """A price with the groups it gives, where each value comes from, and what is wrong with it.

    `said`: the values that somebody states; `defaults`: those that hold because nobody does.
    `snippet`: the link as Markdown.
    """

    price_id: str
    product_id: str
    product: str
    price: str
    on_sale: bool
    groups: tuple[str, ...]
    is_halted: bool
    said: tuple[Value, ...]
    defaults: tuple[Value, ...]
    problems: tuple[Problem, ...]
    link: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """Every price, those on sale first, and the problems that belong to none of them."""

    prices: tuple[Mapped, ...]
    problems: tuple[Problem, ...]


def mapping(bridge: Bridge, return_to: str | None = None) -> Mapping:
    """The mapping in force, from the store alone.

    `return_to`: the post in which the links will stand, to which buyers come back.
    """
    with bridge.store.read() as connection:
        law = bridge.rulebook.law(connection)
        names = {id_: one.name for id_, one in groups.load_groups(connection).items()}
    query = f"?{urlencode({'from': return_to})}" if return_to else ""
    found = [
        _mapped(law, product, price, names, f"{bridge.settings.bridge_url}/join/", query)
        for price in law.catalogue.prices.values()
        if (product := law.catalogue.products.get(price.product_id))
    ]
    told = {problem for one in found for problem in one.problems}
    rest = tuple(one for one in law.rules.problems if one not in told)
    # What is not sold any more matters where people may still be on it.
    shown = (one for one in found if one.on_sale or one.groups or one.is_halted)
    order = sorted(shown, key=lambda one: (not one.on_sale, one.product_id, one.price_id))
    return Mapping(tuple(order), rest)


def _mapped(
    law: Law, product: Product, price: Price, names: dict[int, str], address: str, query: str
) -> Mapped:
    rule = law.rules.rule_for(price.id, product.id)
    about = (price.id, product.id, price.lookup_key)
    values = values_of(product, price, policy=law.policy)
    said = tuple(one for one in values if one.is_said)
    link = f"{address}{price.lookup_key or price.id}{query}"
    words = price_words(price, LOCALE)
    return Mapped(
        price_id=price.id,
        product_id=product.id,
        product=product.name,
        price=words,
        on_sale=price.active and product.active,
        groups=tuple(names.get(id_, str(id_)) for id_ in rule.group_ids) if rule else (),
        is_halted=law.rules.halted_rule_for(price.id, product.id) is not None,
        said=said,
        defaults=tuple(one for one in values if one not in said),
        problems=tuple(
            one for one in law.rules.problems if any(id_ and id_ in one.subject for id_ in about)
        ),
        link=link,
        snippet=f"[{escape_markdown(product.name)}: {words}]({link})",
    )
