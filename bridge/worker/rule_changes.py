"""When a mapping rule changes, the affected users are decided again, from stored readings.

Rules change with Stripe's metadata, bridge.toml and the forum's groups, so the rules last in force
are stored and compared, wherever a change came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import structlog

from bridge.core.rules.compiled import HaltedRule, Rule, Rules, Sale
from bridge.core.rules.paying import Paying
from bridge.core.rules.policy import Policy
from bridge.store import (
    Connection,
    catalogue,
    groups,
    hand_grants,
    memberships,
    readings,
    state,
    work,
)
from bridge.store.groups import RULES_VERSION
from bridge.wiring import Bridge

log = structlog.get_logger()


def follow(bridge: Bridge) -> int:
    """Mark users dirty whose rules have changed since the last call; returns how many."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        seen = state.get(connection, state.RULES_FOLLOWED) or {}
        version = state.get(connection, RULES_VERSION)
        if seen.get("version") == version and seen.get("policy") == _digest(bridge.policy):
            return 0
    with bridge.store.write() as connection:
        rules = bridge.rulebook.rules(connection)
        readings.note_policy(connection, bridge.policy, now)
        # A name stands for the group to which it was first resolved, even after a rename.
        groups.save_pins(connection, rules.pins, now)
        before, after = seen.get("rules", {}), fingerprints(rules)
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        concerned = catalogue.customers_on(connection, changed) if changed else frozenset()
        for customer_id in concerned:
            work.mark_dirty(connection, customer_id, now=now, due_at=now, cause="mapping changed")
        steps, habits = steps_of(rules), _habits(bridge.policy)
        before_steps = seen.get("steps", steps)
        moved = [id_ for id_, step in steps.items() if before_steps.get(id_) != step]
        moved += before_steps.keys() - steps.keys()
        everybody = seen.get("habits", habits) != habits
        _wake_others(connection, moved, now, everybody=everybody, held=bool(changed))
        mapped = sorted(bridge.policy.features)
        _read_the_entitled(connection, changed, now)
        if mapped != seen.get("features", []):
            # Their products have not been read so far.
            state.run_soon(connection, "catalogue")
        state.put(
            connection,
            state.RULES_FOLLOWED,
            {
                "version": version,
                "policy": _digest(bridge.policy),
                "rules": after,
                "features": mapped,
                "steps": steps,
                "habits": habits,
            },
        )
    if changed:
        log.info("rules.changed", rules=sorted(changed), customers=len(concerned))
    return len(concerned)


def fingerprints(rules: Rules) -> dict[str, str]:
    """Price or product id, or `product:feature` -> a hash of what its rule says about groups."""
    both = {**rules.by_product, **rules.by_price}
    of_features = {
        f"{product_id}:{feature}": rules.by_feature[feature]
        for product_id, features in rules.carried.items()
        for feature in features
    }
    return {key: _digest(_about_groups(rule)) for key, rule in (both | of_features).items()}


def _about_groups(rule: Rule | HaltedRule) -> Rule | HaltedRule:
    """A rule without its selling terms, which have no effect on groups."""
    return replace(rule, sale=Sale(), paying=Paying()) if isinstance(rule, Rule) else rule


def steps_of(rules: Rules) -> dict[str, str]:
    """Group id -> its step on a ladder, which also applies to grants by hand."""
    steps = {str(id_): rules.step_of(id_) for id_ in rules.mapped_group_ids}
    return {id_: f"{ladder} {rank}" for id_, (ladder, rank) in steps.items() if ladder}


def _habits(policy: Policy) -> str:
    """The parts of the policy, besides the rules, that affect memberships."""
    follows = sorted(policy.unfollowed_ladders)
    return _digest((policy.unmapped, follows, policy.seat_notice_days))


def _wake_others(
    connection: Connection, moved: Collection[str], now: datetime, *, everybody: bool, held: bool
) -> None:
    """Mark users dirty who have no customer on a changed rule.

    `everybody`: all users ever decided about; `held`: users for whom something waits for a rule.
    `moved`: groups whose step changed, for users who were added by hand.
    """
    concerned = hand_grants.users_given(connection, [int(id_) for id_ in moved])
    if everybody or held:
        concerned |= memberships.users_decided(connection, only_held=not everybody)
    for user_id in sorted(concerned):
        key = work.user_key(user_id)
        work.mark_dirty(connection, key, now=now, due_at=now, cause="mapping changed")


def _read_the_entitled(connection: Connection, changed: Collection[str], now: datetime) -> None:
    """Read the entitlements of customers who bought a product with a changed feature."""
    products = {key.partition(":")[0] for key in changed if ":" in key}
    for customer_id in catalogue.customers_on(connection, products) if products else ():
        work.mark_dirty(
            connection,
            customer_id,
            now=now,
            due_at=now,
            cause="mapping changed",
            needs=("read",),
        )


def _digest(thing: object) -> str:
    return hashlib.sha256(repr(thing).encode()).hexdigest()[:16]
