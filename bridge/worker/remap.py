"""When a mapping rule changes, whoever it concerns is decided again, from the stored reading.

The rules change with Stripe's metadata, with bridge.toml and with the forum's groups; so what was
last in force is remembered and compared, whatever the change came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bridge.core.rules import Rules
from bridge.store import catalogue, groups, readings, state, work
from bridge.store.groups import RULES_VERSION
from bridge.store.schema import EPOCH
from bridge.wiring import Bridge

log = structlog.get_logger()
FOLLOWED = "rules.followed"


def follow(bridge: Bridge) -> int:
    """Make dirty everybody whose rules are others than when this was last asked; how many."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        seen = state.get(connection, FOLLOWED) or {}
        version = state.get(connection, RULES_VERSION)
        if seen.get("version") == version and seen.get("policy") == _digest(bridge.policy):
            return 0
    with bridge.store.write() as connection:
        rules = bridge.rulebook.rules(connection)
        readings.note_policy(connection, bridge.policy, now)
        # A name stands for the group it led to first, whatever that is called later.
        groups.save_pins(connection, rules.pins, now)
        before, after = seen.get("rules", {}), fingerprints(rules)
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        concerned = catalogue.customers_on(connection, changed) if changed else frozenset()
        for customer_id in concerned:
            work.mark_dirty(connection, customer_id, now=now, due_at=now, cause="mapping changed")
        mapped = sorted(bridge.policy.features)
        _read_the_entitled(connection, changed, now)
        if mapped != seen.get("features", []):
            # Which products carry them was not asked so far.
            state.put_time(connection, f"{state.LAST_RUN}catalogue", EPOCH)
        state.put(
            connection,
            FOLLOWED,
            {
                "version": version,
                "policy": _digest(bridge.policy),
                "rules": after,
                "features": mapped,
            },
        )
    if changed:
        log.info("rules.changed", rules=sorted(changed), customers=len(concerned))
    return len(concerned)


def fingerprints(rules: Rules) -> dict[str, str]:
    """Price or product id, or `product:feature` -> what its rule says, shortened."""
    both = {**rules.by_product, **rules.by_price}
    of_features = {
        f"{product_id}:{feature}": rules.by_feature[feature]
        for product_id, features in rules.carried.items()
        for feature in features
    }
    return {key: _digest(rule) for key, rule in (both | of_features).items()}


def _read_the_entitled(connection: Connection, changed: Collection[str], now: datetime) -> None:
    """Of those who bought what carries a feature whose rule is another, read what they have."""
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
