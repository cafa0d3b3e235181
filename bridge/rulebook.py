"""The law in force, compiled from the stored catalogue and cached until that changes."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from bridge.core.model.stripe import Price, Product
from bridge.core.rules.law import Catalogue, Law
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.policy import Policy
from bridge.store import Connection, catalogue, groups, state


class Rulebook:
    """Compiles the law once per version; every change of catalogue or groups is a new version."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._lock = threading.Lock()
        self._version: int | None = None
        self._law: Law | None = None

    def law(self, connection: Connection) -> Law:
        """Policy, rules and catalogue as of the connection's moment: one statement if kept."""
        version = int(state.get(connection, groups.RULES_VERSION) or 0)
        with self._lock:
            if self._law is None or version != self._version:
                self._law = self.compile(connection)
                self._version = version
            return self._law

    def rules(self, connection: Connection) -> Rules:
        """The rules as of the connection's moment. `rule_changes.follow` keeps what they pin."""
        return self.law(connection).rules

    def compile(self, connection: Connection, instead: Iterable[Product | Price] = ()) -> Law:
        """Compile the law anew, `instead` in place of what is stored; nothing is kept or pinned."""
        products, prices = catalogue.load(connection)
        other = {one.id: one for one in instead}
        products = tuple(o for o in products if o.id not in other)
        prices = tuple(o for o in prices if o.id not in other)
        products += tuple(o for o in other.values() if isinstance(o, Product))
        prices += tuple(o for o in other.values() if isinstance(o, Price))
        features = catalogue.load_features(connection) if self.policy.features else ()
        pins, known = groups.load_pins(connection), groups.load_groups(connection)
        rules = compile_rules(products, prices, self.policy, pins, known, features)
        return Law(self.policy, rules, Catalogue.of(products, prices, features))
