"""Where each value of a mapping rule is set, and which values affect a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.core.model.reasons import Reason
from bridge.core.model.stripe import Feature, Price, Product
from bridge.core.rules.keys import Key
from bridge.core.rules.mapping import said_of
from bridge.core.rules.policy import Policy
from bridge.core.rules.values import KEYS, Choices, Term, said_by
from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a rule as written, and where it is set."""

    key: str
    value: str
    said_in: str

    @property
    def is_said(self) -> bool:
        """Whether this product or price states it, in Stripe's metadata or in bridge.toml."""
        return self.said_in not in (BUILT_IN, SITE_DEFAULT, SITE_CHECKOUT)

    @property
    def in_metadata(self) -> bool:
        """Whether Stripe's metadata states it, and can state something else."""
        return self.said_in.startswith(("product ", "price "))


BUILT_IN = gettext("the bridge’s default")
SITE_DEFAULT = "bridge.toml [defaults]"
SITE_CHECKOUT = "bridge.toml [checkout]"
REFUND = ("on_refund", "on_partial_refund")
BEARS_ON: Mapping[str, tuple[str, ...]] = {
    Reason.TRIAL: ("trial",),
    Reason.TRIAL_WAITS: ("trial",),
    Reason.GRACE: ("grace", "grace_notice"),
    Reason.GRACE_OVER: ("grace", "grace_notice"),
    Reason.PAUSED: ("on_pause",),
    Reason.PAUSED_KEPT: ("on_pause",),
    Reason.COLLECTION_PAUSED: ("on_pause_collection",),
    Reason.COLLECTION_PAUSED_PAID: ("on_pause_collection",),
    Reason.COLLECTION_PAUSED_ENDED: ("on_pause_collection",),
    Reason.INSTALMENTS_DONE: ("after_instalments",),
    Reason.INSTALMENTS_OVER: ("after_instalments",),
    Reason.REFUNDED: REFUND,
    Reason.REFUNDED_PAID: REFUND,
    Reason.DISPUTED: ("on_dispute",),
    Reason.APPROVAL_WAITS: ("approval",),
    Reason.APPROVAL_DECLINED: ("approval",),
    Reason.BOUGHT: ("term",),
    Reason.TERM_OVER: ("term",),
}


def values_of(*things: Product | Price | Feature | None, policy: Policy) -> tuple[Value, ...]:
    """Every value in force for a price with its product, or for a feature, in a fixed order."""
    said = said_of(*things, policy=policy)
    return tuple(
        Value(name, said[name].text, said[name].where)
        if name in said
        else _default(key, policy.defaults)
        for name, key in KEYS.items()
    )


def bearing(values: tuple[Value, ...], reason: str) -> tuple[Value, ...]:
    """The values that a verdict with this reason depends on."""
    wanted = ("groups", "ladder", *BEARS_ON.get(reason, ()))
    return tuple(
        one for one in values if one.key in wanted and (one.key != "ladder" or one.value != "none")
    )


def _default(key: Key, defaults: Choices) -> Value:
    stated = said_by(defaults, key)
    if stated == said_by(Choices(), key):
        return Value(key.name, key.default.replace("`", ""), BUILT_IN)
    return Value(
        key.name, _written(key, stated), SITE_CHECKOUT if key.of_checkout else SITE_DEFAULT
    )


def _written(key: Key, value: object) -> str:
    """A value as written in bridge.toml."""
    if key.write is not None:
        return key.write(value)
    if isinstance(value, Term):
        return f"{value.days}d" if value.days else f"{value.months}mo"
    if key.field in ("grace_days", "grace_notice_days"):
        return f"{value}d"
    if key.field == "partial_refund_percent" and value is not None:
        return f"{value}%"
    return key.default.replace("`", "") if value is None else str(value)
