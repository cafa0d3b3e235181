"""The site's policy in force: every value as written in bridge.toml, and where it is set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields

from bridge.core.rules.origins import BUILT_IN, Value, values_of
from bridge.core.rules.policy import Policy

TOML = "bridge.toml"
_TABLES = ("products", "prices", "features", "accounts", "bank")


def site_values(policy: Policy) -> tuple[Value, ...]:
    """The settings of the whole site, those of bridge.toml first; of a table its length."""
    plain = Policy()
    found = [
        Value(
            field.name,
            _written(getattr(policy, field.name), counted=field.name in _TABLES),
            TOML if getattr(policy, field.name) != getattr(plain, field.name) else BUILT_IN,
        )
        for field in fields(Policy)
        if field.name != "defaults"
    ]
    return tuple(sorted(found, key=lambda one: one.said_in != TOML))


def default_values(policy: Policy) -> tuple[Value, ...]:
    """The defaults for products and prices."""
    return values_of(policy=policy)


def _written(value: object, *, counted: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "":
        return "none"
    if counted and isinstance(value, Collection):
        return str(len(value) or "none")
    if isinstance(value, Mapping):
        said = (f"{name}: {', '.join(one)}" for name, one in value.items())
        return "; ".join(said) or "none"
    if isinstance(value, Collection) and not isinstance(value, str):
        return ", ".join(sorted(map(str, value))) or "none"
    return str(value)
