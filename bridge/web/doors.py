"""Rows of the table of who may use which address, from the application's own routes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from werkzeug.routing import Map, Rule

from bridge.core.model.doors import Door


def below(addresses: Map, path: str) -> Iterator[Rule]:
    """The addresses below a path, in order."""
    for rule in sorted(addresses.iter_rules(), key=lambda one: (one.rule, one.endpoint)):
        if rule.rule == path or rule.rule.startswith(f"{path}/"):
            yield rule


def door(rule: Rule, needs: str, passes: Collection[str], act: str | None = None) -> Door:
    """The row of an address, or of one act at it."""
    address = re.sub(r"<\w+:", "<", rule.rule)
    return Door(
        address=address.replace("<name>", act) if act else address,
        methods=tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})),
        endpoint=rule.endpoint,
        act=act,
        needs=needs,
        passes=frozenset(passes),
    )
