"""Previews of acts: who would gain, lose or keep which group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bridge.core.memberships.effects import Before, Effect, What, applying, between, effects_of
from bridge.core.memberships.situation import situation
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.rights.approval import due_steps
from bridge.core.rights.grants import grants
from bridge.core.rights.refunding import as_read
from bridge.core.rules.compiled import Rules
from bridge.core.rules.law import Law
from bridge.store import Connection, facts, groups, member, memberships, shares, users
from bridge.wiring import Bridge
from bridge.worker import sharing

T = TypeVar("T", Subscription, Purchase)


def effects(bridge: Bridge, user_id: int, what: What) -> tuple[Effect, ...]:
    """Decide about a user as if the act were done; writes nothing."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        known, so_far = _so_far(connection, user_id)
        rules = bridge.rulebook.rules(connection)
    verdicts = grants(what.facts(known), rules, bridge.policy, now)
    settled = situation(bridge.policy, rules, verdicts, now, now)
    return effects_of(user_id, what, verdicts, settled, so_far)


def effects_of_law(bridge: Bridge, user_id: int, before: Law, after: Law) -> Iterator[Effect]:
    """What another law would change for a user: groups, what waits, and new applications."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        known, so_far = _so_far(connection, user_id)

    def under(rules: Rules) -> tuple[tuple[Grant, ...], tuple[Effect, ...]]:
        verdicts = grants(known, rules, bridge.policy, now)
        settled = situation(bridge.policy, rules, verdicts, now, now)
        return verdicts, effects_of(user_id, What(), verdicts, settled, so_far)

    _, as_it_is = under(before.rules)
    verdicts, then = under(after.rules)
    told = tuple(between(as_it_is, then))
    yield from told
    due = due_steps(verdicts, known, after.rules, now)
    yield from applying(user_id, due, verdicts, told, so_far)


def _so_far(connection: Connection, user_id: int) -> tuple[Facts, Before]:
    known, _ = facts.facts_of(connection, user_id)
    names = {one.id: one.name for one in groups.load_groups(connection).values()}
    wanted = memberships.wanted_of(connection, user_id)
    account = users.state_of(connection, user_id) or "active"
    return known, Before(wanted, member.memberships_of(connection, user_id), names, account)


def effects_of_reading(
    bridge: Bridge,
    payer_id: int,
    customer_id: str,
    subscriptions: Iterable[Subscription],
    purchases: Iterable[Purchase] = (),
) -> tuple[Effect, ...]:
    """What would change, for payers and receivers, if Stripe had these subscriptions as given."""
    running, bought = tuple(subscriptions), tuple(purchases)
    found = list(effects(bridge, payer_id, What(lambda known: as_read(known, running, bought))))
    with bridge.store.read() as connection:
        others = {
            who: facts.facts_of(connection, who)[0]
            for who in sorted(shares.concerned(connection, [customer_id]) - {payer_id})
        }
    for who, known in others.items():
        after = as_read(known, running, bought)
        if after != known:
            found += effects(bridge, who, What(partial(instead, after)))
    return tuple(found)


def instead(after: Facts, _known: Facts) -> Facts:
    """Facts that an act leaves, whatever they were before."""
    return after


def with_customers(
    bridge: Bridge, known: Facts, user_id: int, customer_ids: Iterable[str]
) -> Facts:
    """A user's stored facts, with what these customers pay for as Stripe has it now.

    Raises: NotFound for a customer that Stripe does not have.
    """
    running: list[Subscription] = []
    bought: list[Purchase] = []
    features = dict(known.entitlements)
    for customer_id in customer_ids:
        bridge.stripe.customer(customer_id)  # the list of nobody's subscriptions is empty, too
        found = bridge.stripe.customer_reading(
            customer_id, payments=True, entitlements=bool(bridge.policy.features)
        )
        running += found.subscriptions
        bought += bridge.stripe.purchases(customer_id).purchases
        if found.entitlements is not None:
            features[customer_id] = frozenset(found.entitlements)
    with bridge.store.read() as connection:
        assigned = [sharing.with_beneficiary(bridge, connection, one) for one in running]
        orders = [sharing.with_beneficiary(bridge, connection, one) for one in bought]
    kept, given = facts.kept_and_given(assigned, user_id)
    own, presented = facts.kept_and_given(orders, user_id)
    return replace(
        known,
        subscriptions=_renewed(known.subscriptions, kept),
        purchases=_renewed(known.purchases, own),
        given=_renewed(known.given, given),
        given_purchases=_renewed(known.given_purchases, presented),
        entitlements=features,
    )


def _renewed(known: tuple[T, ...], read: tuple[T, ...]) -> tuple[T, ...]:
    """What was known, with what was read in place of the same."""
    ids = {one.id for one in read}
    return tuple(one for one in known if one.id not in ids) + read
