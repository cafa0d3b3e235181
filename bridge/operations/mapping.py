"""Changes what a product or price gives: a preview first, then Stripe's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.stripe import Price, Product
from bridge.core.model.words import checked_words
from bridge.core.rules.amending import (
    Amendment,
    amended,
    amendment,
    new_problems,
    newly_given,
    overruled_by,
    prices_that_differ,
)
from bridge.core.rules.keys import METADATA_PREFIX
from bridge.core.rules.law import Law, Proposal
from bridge.core.rules.origins import Value, values_of
from bridge.core.rules.problems import Problem
from bridge.core.telling.words import LOCALE, price_words
from bridge.errors import Permanent
from bridge.operations import errands
from bridge.operations.errands import Outcome
from bridge.operations.preview import effects_of_law
from bridge.operations.roles import refuse_handing_out
from bridge.store import catalogue, groups, member
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker.intake import mapped_thing

MOST_PEOPLE = 2000
"""The most people whom a preview checks while somebody waits for a page."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A reviewed change: the product or price at Stripe, and the laws before and after.

    `number`: how many changes of it came before.
    `in_force`: the value in force, and where it is set. `overruled_by`: what overrides the change.
    `differing`: prices that set the key themselves. `user_ids`: users whom it can affect.
    """

    number: int
    amendment: Amendment
    thing: Product | Price
    before: Law
    after: Law
    in_force: Value
    overruled_by: str | None
    differing: tuple[str, ...]
    problems: tuple[Problem, ...]
    user_ids: tuple[int, ...]

    @property
    def said(self) -> str:
        """The thing's present value; empty if it has none."""
        return self.thing.metadata.get(METADATA_PREFIX + self.amendment.key, "")

    @property
    def proposal(self) -> Proposal:
        """The change as a policy, for replaying the past."""
        return Proposal(things=(amended(self.thing, self.amendment),))


def propose(bridge: Bridge, thing_id: str, key: str, value: str) -> Proposed:
    """Review a change of the mapping with the product or price read from Stripe; writes nothing.

    Raises: NotFound if it is neither a product nor a price, Permanent for a wrong key or value, for
    an unchanged value, and for a change that would halt a rule.
    """
    change = amendment(thing_id, key, value)
    number = errands.turn(bridge, thing_id)
    thing = mapped_thing(bridge, thing_id)
    if thing.metadata.get(METADATA_PREFIX + change.key, "") == change.value:
        words = gettext("%(thing)s has no %(key)s already")
        if change.value:
            words = gettext("%(thing)s says %(key)s = %(value)s already")
        raise Permanent(words % {"thing": thing_id, "key": change.key, "value": change.value})
    other = amended(thing, change)
    with bridge.store.read() as connection:
        before = bridge.rulebook.law(connection)
        after = bridge.rulebook.compile(connection, [other])
        products, prices = catalogue.load(connection)
        group_ids = before.rules.mapped_group_ids | after.rules.mapped_group_ids
        user_ids = tuple(member.concerned_by(connection, [thing_id], group_ids))
    problems = new_problems(before, after)
    if halting := next((one for one in problems if one.halts), None):
        says = f"{halting.message} {halting.hint}".removesuffix(".")
        raise Permanent(f"{says} ({halting.code}, {halting.subject})")
    product = next((one for one in products if one.id == _product_id(other)), None)
    return Proposed(
        number,
        change,
        thing,
        before,
        after,
        in_force(bridge, product, thing, change.key),
        overruled_by(other, product, change, bridge.policy) if change.value else None,
        prices_that_differ(other, prices, change.key) if isinstance(other, Product) else (),
        problems,
        user_ids,
    )


def preview_mapping(bridge: Bridge, proposed: Proposed) -> tuple[Effect, ...]:
    """Who gains or loses a group from now on.

    Raises: Permanent if too many people are affected to check each of them now.
    """
    if len(proposed.user_ids) > MOST_PEOPLE:
        raise Permanent(
            gettext(
                "%(count)s people may be affected, more than are checked here (%(most)s): "
                "ask somebody who can run commands on the bridge’s machine"
            )
            % {"count": len(proposed.user_ids), "most": MOST_PEOPLE},
            "mapping",
        )
    return tuple(would_change(bridge, proposed))


def would_change(bridge: Bridge, proposed: Proposed) -> Iterator[Effect]:
    """The memberships on which the two laws differ, and the applications that the new one makes."""
    for user_id in proposed.user_ids:
        yield from effects_of_law(bridge, user_id, proposed.before, proposed.after)


def refuse_rights(bridge: Bridge, actor: Actor, proposed: Proposed) -> None:
    """Raises: Permanent if it then gives a group with rights that the actor cannot hand out."""
    given = newly_given(proposed.before.rules, proposed.after.rules)
    with bridge.store.read() as connection:
        names = groups.names_of_all(connection)
    refuse_handing_out(bridge, actor, *(names[id_] for id_ in sorted(given) if id_ in names))


def set_mapping(bridge: Bridge, actor: Actor, proposed: Proposed, *, reason: str) -> Outcome:
    """Save it in Stripe's metadata; the groups follow immediately.

    It is stored first, done once, and then logged. `bridge undo` is the reverse.

    Raises: Permanent if the metadata or the rules changed since it was reviewed, and for a group
    with rights that the actor cannot hand out.
    """
    words = checked_words(gettext("reason"), reason)
    refuse_rights(bridge, actor, proposed)
    thing, change = proposed.thing, proposed.amendment
    with bridge.store.read() as connection:
        moved = bridge.rulebook.law(connection).rules != proposed.before.rules
    if moved or mapped_thing(bridge, thing.id).metadata != thing.metadata:
        raise Permanent(
            gettext("the mapping changed since you looked: look again at %(thing)s")
            % {"thing": thing.id}
        )
    return errands.ask(
        bridge,
        Errand(
            subject=thing.id,
            number=proposed.number,
            kind="mapping_changed",
            params={
                "thing": thing.id,
                "name": name_of(bridge, thing),
                "key": change.key,
                "before": proposed.said,
                "after": change.value,
            },
            actor=str(actor),
            reason=words,
            asked_at=bridge.clock.now(),
        ),
    )


def name_of(bridge: Bridge, thing: Product | Price) -> str:
    """The product's name, and the price's amount where only that is changed."""
    if isinstance(thing, Product):
        return thing.name
    with bridge.store.read() as connection:
        products, _ = catalogue.load_of(connection, [thing.product_id])
    names = [one.name for one in products]
    return ", ".join([*names, price_words(thing, LOCALE)])


def in_force(bridge: Bridge, product: Product | None, thing: Product | Price, key: str) -> Value:
    """The value of a key that counts for a product or price, and who says it."""
    things = (product, thing) if isinstance(thing, Price) else (thing,)
    return next(one for one in values_of(*things, policy=bridge.policy) if one.key == key)


def _product_id(thing: Product | Price) -> str:
    return thing.product_id if isinstance(thing, Price) else thing.id
