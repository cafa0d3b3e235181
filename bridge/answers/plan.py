"""What a full reconcile would change, by a fresh reading of Stripe and Discourse.

It only reads: nothing is written to Stripe, to the forum, or to the record. (The forum's requests
are counted, as all are, so that the running bridge and this together stay within the limit.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bridge.core.memberships.decision import decide
from bridge.core.memberships.planned import Concerned, Fresh, Planned, planned, with_fresh
from bridge.core.memberships.situation import situation
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Subscription
from bridge.core.rights.grants import grants
from bridge.core.rules.compiled import Rules
from bridge.core.rules.mapping import compile_rules
from bridge.store import (
    Connection,
    catalogue,
    facts,
    groups,
    links,
    member,
    memberships,
    subscriptions,
    users,
)
from bridge.wiring import Bridge

Progress = Callable[[str, int], None]


def _quiet(_what: str, _count: int) -> None:
    pass


def plan(bridge: Bridge, progress: Progress = _quiet) -> list[Planned]:
    """What a full reconcile would change: who would come in, go out, or be held, and why."""
    fresh = _read(bridge, progress)
    with bridge.store.read() as connection:
        concerned = member.everybody(connection)
    found: list[Planned] = []
    for number, user_id in enumerate(concerned):
        with bridge.store.read() as connection:
            found += _plan_user(bridge, connection, user_id, fresh)
        progress("members", number + 1)
    return sorted(found, key=lambda one: (one.group, one.action, one.user_id))


def _read(bridge: Bridge, progress: Progress) -> Fresh:
    rules, names = _rules(bridge)
    with bridge.store.read() as connection:
        # In a group that no rule leads to any more there may still be some to take out.
        group_ids = rules.mapped_group_ids | memberships.owned_group_ids(connection)
    everybody = _everybody(bridge, progress)
    return Fresh(everybody, rules, names, _real_members(bridge, group_ids, names, progress))


def _rules(bridge: Bridge) -> tuple[Rules, dict[int, str]]:
    """The rules as the catalogue and the forum's groups have them now, and the groups' names."""
    listed = {group.id: group for group in bridge.discourse.groups()}
    with bridge.store.read() as connection:
        pins = groups.load_pins(connection)
        # Stripe no longer lists what was deleted, but people may still have it.
        known_products, known_prices = catalogue.load(connection)
    products = {product.id: product for product in known_products}
    prices = {price.id: price for price in known_prices}
    with_features = bool(bridge.policy.features)
    features = bridge.stripe.features() if with_features else ()
    for more_products, more_prices in bridge.stripe.catalogue(features=with_features):
        products |= {product.id: product for product in more_products}
        prices |= {price.id: price for price in more_prices}
    rules = compile_rules(products.values(), prices.values(), bridge.policy, pins, listed, features)
    return rules, {group.id: group.name for group in listed.values()}


def _everybody(bridge: Bridge, progress: Progress) -> dict[str, list[Subscription]]:
    found: dict[str, list[Subscription]] = {}
    count = 0
    for page in bridge.stripe.all_subscriptions():
        for subscription in page:
            found.setdefault(subscription.customer_id, []).append(subscription)
        count += len(page)
        progress("subscriptions", count)
    return found


def _real_members(
    bridge: Bridge, group_ids: frozenset[int], names: Mapping[int, str], progress: Progress
) -> dict[int, set[int]]:
    real: dict[int, set[int]] = {}
    for group_id in sorted(group_ids & names.keys()):
        inside: set[int] = set()
        offset = 0
        while True:
            page = bridge.discourse.members(names[group_id], offset=offset)
            inside.update(one.user_id for one in page.members)
            offset += len(page.members)
            progress("group members", offset)
            if offset >= page.total or not page.members:
                break
        real[group_id] = inside
    return real


def _plan_user(
    bridge: Bridge, connection: Connection, user_id: int, fresh: Fresh
) -> Iterator[Planned]:
    now = bridge.clock.now()
    known = _with_fresh(connection, user_id, fresh.by_customer)
    verdicts = grants(known, fresh.rules, bridge.policy, now)
    about = Concerned(
        user_id,
        users.username_of(connection, user_id),
        memberships.wanted_of(connection, user_id),
        member.memberships_of(connection, user_id),
    )
    decision = decide(
        about.wanted, verdicts, situation(bridge.policy, fresh.rules, verdicts, now, now)
    )
    return planned(about, decision, verdicts, known.source_ids, fresh)


def _with_fresh(
    connection: Connection, user_id: int, by_customer: Mapping[str, list[Subscription]]
) -> Facts:
    """What is known of a user, with their subscriptions as they were read just now."""
    stored, _ = facts.facts_of(connection, user_id)
    customer_ids = links.customers_of(connection, user_id)
    known = subscriptions.ids_of(connection, customer_ids)
    return with_fresh(stored, customer_ids, known, by_customer)
