"""What a full reconcile would change, by a fresh reading of Stripe and Discourse.

It only reads: nothing is written to Stripe, to the forum, or to the record. (The forum's requests
are counted, as all are, so that the running bridge and this together stay within the limit.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bridge.core.memberships.decision import WantedMembership, decide
from bridge.core.memberships.member import Membership
from bridge.core.memberships.situation import situation
from bridge.core.memberships.why import why
from bridge.core.model.rights import Facts, Grant
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


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing that a full reconcile would do: add, remove or hold; and why."""

    action: str
    group_id: int
    group: str
    user_id: int
    username: str | None
    reason: str
    rule_id: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What was read just now: subscriptions by customer, rules, groups' names and members."""

    by_customer: Mapping[str, list[Subscription]]
    rules: Rules
    names: Mapping[int, str]
    members: Mapping[int, set[int]]


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


def _read(bridge: Bridge, progress: Progress) -> _Fresh:
    rules, names = _rules(bridge)
    with bridge.store.read() as connection:
        # In a group that no rule leads to any more there may still be some to take out.
        group_ids = rules.mapped_group_ids | memberships.owned_group_ids(connection)
    everybody = _everybody(bridge, progress)
    return _Fresh(everybody, rules, names, _real_members(bridge, group_ids, names, progress))


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
    bridge: Bridge, connection: Connection, user_id: int, fresh: _Fresh
) -> Iterator[Planned]:
    now = bridge.clock.now()
    known = _with_fresh(connection, user_id, fresh.by_customer)
    verdicts = grants(known, fresh.rules, bridge.policy, now)
    before = memberships.wanted_of(connection, user_id)
    decision = decide(before, verdicts, situation(bridge.policy, fresh.rules, verdicts, now, now))
    after = {**before, **{membership.group_id: membership for membership in decision.memberships}}
    rows = member.memberships_of(connection, user_id)
    username = users.username_of(connection, user_id)
    for group_id, membership in sorted(after.items()):
        action = _action(membership, rows.get(group_id), user_id in fresh.members.get(group_id, ()))
        if action:
            yield Planned(
                action,
                group_id,
                fresh.names.get(group_id, f"group {group_id}"),
                user_id,
                username,
                _why(membership, verdicts, known.source_ids, action),
                membership.rule_id,
                membership.sources,
            )


def _with_fresh(
    connection: Connection, user_id: int, by_customer: Mapping[str, list[Subscription]]
) -> Facts:
    """What is known of a user, with their subscriptions as they were read just now."""
    stored, _ = facts.facts_of(connection, user_id)
    customer_ids = links.customers_of(connection, user_id)
    theirs = (*stored.subscriptions, *(seat.subscription for seat in stored.seats))
    known = subscriptions.ids_of(connection, customer_ids)
    read = {
        one.id: one
        for customer_id in {*customer_ids, *(one.customer_id for one in theirs)}
        for one in by_customer.get(customer_id, ())
    }
    mine = tuple(read.get(one.id, one) for one in stored.subscriptions)
    new = (one for one in read.values() if one.customer_id in customer_ids)
    seats = (
        replace(seat, subscription=read.get(seat.subscription.id, seat.subscription))
        for seat in stored.seats
    )
    return replace(
        stored,
        subscriptions=(*mine, *(one for one in new if one.id not in known)),
        seats=tuple(seats),
    )


def _action(membership: WantedMembership, row: Membership | None, is_member: bool) -> str | None:  # noqa: FBT001 - two facts
    held = membership.hold or (row.override if row is not None else None)
    if membership.wanted and not is_member:
        return "hold" if held else "add"
    if not membership.wanted and is_member and row is not None and row.owned != "no":
        return "remove"
    return "hold" if membership.wanted and membership.hold else None


def _why(
    membership: WantedMembership, verdicts: Iterable[Grant], have: Collection[str], action: str
) -> str:
    if action == "hold":
        return membership.hold or "taken out by hand"
    said = why(membership, verdicts, have)
    return said or ("granted" if action == "add" else "nothing grants it any more")
