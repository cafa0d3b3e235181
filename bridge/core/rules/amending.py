"""Changing a key in a product's or price's metadata: the valid values, and what overrides it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.core.model.stripe import Price, Product
from bridge.core.rules.compiled import Rules
from bridge.core.rules.keys import METADATA_PREFIX, Key
from bridge.core.rules.law import Law
from bridge.core.rules.mapping import said_of
from bridge.core.rules.policy import Policy
from bridge.core.rules.problems import Problem
from bridge.core.rules.values import KEYS, Choices, apply_value, instead
from bridge.errors import Permanent
from bridge.texts import gettext

LONGEST_VALUE = 500
"""Stripe's limit for a value of metadata."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """A key to set on a product or price; an empty `value` removes it."""

    thing_id: str
    key: str
    value: str

    @property
    def metadata(self) -> dict[str, str]:
        """As Stripe takes it; an empty value removes the key."""
        return {METADATA_PREFIX + self.key: self.value}


def amendment(thing_id: str, key: str, value: str) -> Amendment:
    """The checked form of what somebody wrote. Raises: Permanent for a wrong key or value."""
    name = key.strip().lower().removeprefix(METADATA_PREFIX)
    if name not in KEYS:
        raise Permanent(
            gettext("%(key)s is not a key: choose from %(choices)s")
            % {"key": repr(key[:60]), "choices": ", ".join(KEYS)}
        )
    text = value.strip()
    if not text:
        return Amendment(thing_id, name, "")
    if len(text) > LONGEST_VALUE or not text.isprintable():
        raise Permanent(
            gettext("write one line of up to %(most)s characters for %(name)s")
            % {"most": LONGEST_VALUE, "name": name}
        )
    try:
        apply_value(Choices(), name, text)
    except ValueError as error:
        raise Permanent(
            gettext("%(name)s cannot be %(text)s: %(instead)s")
            % {
                "name": name,
                "text": repr(text[:60]),
                "instead": instead(name, error).replace("`", ""),
            }
        ) from error
    return Amendment(thing_id, name, text)


def words_for(key: Key) -> tuple[str, ...]:
    """The words to choose from, if a key takes only these."""
    if not re.fullmatch(r"`[a-z_]+`(, `[a-z_]+`)*", key.values):
        return ()
    return tuple(re.findall(r"`([a-z_]+)`", key.values))


def amended(thing: Product | Price, change: Amendment) -> Product | Price:
    """The product or price with this change."""
    said = {key: text for key, text in thing.metadata.items() if key not in change.metadata}
    return replace(thing, metadata=said | {k: v for k, v in change.metadata.items() if v})


def said_there(thing: Product | Price) -> str:
    """All metadata that the bridge uses, in a fixed order."""
    ours = sorted((k, v) for k, v in thing.metadata.items() if k.startswith(METADATA_PREFIX))
    return "; ".join(f"{key} = {text}" for key, text in ours)


def overruled_by(
    thing: Product | Price, product: Product | None, change: Amendment, policy: Policy
) -> str | None:
    """The section that overrides this product or price, if any."""
    things = (product, thing) if isinstance(thing, Price) else (thing,)
    said = said_of(*things, policy=policy).get(change.key)
    kind = "price" if isinstance(thing, Price) else "product"
    return said.where if said and said.where != f"{kind} {thing.id}" else None


def prices_that_differ(product: Product, prices: Iterable[Price], key: str) -> tuple[str, ...]:
    """Prices of a product that set the key themselves and so override the product."""
    name = METADATA_PREFIX + key
    return tuple(one.id for one in prices if one.product_id == product.id and name in one.metadata)


def new_problems(before: Law, after: Law) -> tuple[Problem, ...]:
    """Problems that the change would add; first those that halt a rule."""
    known = set(before.rules.problems)
    return tuple(
        sorted(
            (one for one in after.rules.problems if one not in known),
            key=lambda one: (not one.halts, one.code, one.subject),
        )
    )


def newly_given(before: Rules, after: Rules) -> set[int]:
    """The groups that a product or price gives under the new rules and does not give now."""
    known = {one.id: one.group_ids for one in before.all}
    return {
        group_id
        for one in after.all
        for group_id in one.group_ids
        if group_id not in known.get(one.id, ())
    }
