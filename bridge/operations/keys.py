"""Tries what the keys may do and what Stripe sends, and stores it for a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.core.model.check import Check
from bridge.errors import BridgeError, Permanent
from bridge.store import state
from bridge.texts import gettext
from bridge.wiring import Bridge

KEPT = "keys.checked"
AGAIN_AFTER = timedelta(minutes=10)
"""It takes about thirty requests, ten of them to the forum."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to which Stripe sends events. `is_ours`: this bridge's."""

    id: str
    url: str
    status: str
    api_version: str | None
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check, and its time."""

    at: datetime
    stripe: tuple[Check, ...]
    forum: tuple[Check, ...]
    endpoints: tuple[Endpoint, ...]


def check_keys(bridge: Bridge) -> Checked:
    """Check the keys now, changing nothing.

    Raises: Permanent within ten minutes of the last check.
    """
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        last = state.get_time(connection, f"{KEPT}.at")
        if last is not None and now < last + AGAIN_AFTER:
            raise Permanent(
                gettext("The keys were checked less than ten minutes ago. Try again later.")
            )
        state.put_time(connection, f"{KEPT}.at", now)
    policy = bridge.policy
    found = Checked(
        now,
        _tried(
            "Stripe",
            lambda: bridge.stripe.probe_scopes(
                features=bool(policy.features), refunds=policy.refunds
            ),
        ),
        _tried("Discourse", bridge.discourse.probe),
        _endpoints(bridge),
    )
    with bridge.store.write() as connection:
        state.put(connection, KEPT, asdict(found) | {"at": now.isoformat()})
    return found


def last_check(bridge: Bridge) -> Checked | None:
    """The last check; None before the first."""
    with bridge.store.read() as connection:
        kept: dict[str, Any] | None = state.get(connection, KEPT)
    if kept is None:
        return None
    return Checked(
        datetime.fromisoformat(kept["at"]),
        tuple(Check(**one) for one in kept["stripe"]),
        tuple(Check(**one) for one in kept["forum"]),
        tuple(Endpoint(**one) for one in kept["endpoints"]),
    )


def _tried(what: str, probe: Callable[[], Iterable[Check]]) -> tuple[Check, ...]:
    try:
        return tuple(probe())
    except BridgeError as error:
        return (Check(what, ok=False, message=str(error)),)


def _endpoints(bridge: Bridge) -> tuple[Endpoint, ...]:
    ours = f"{bridge.settings.bridge_url}/webhooks/stripe"
    try:
        found = bridge.stripe.webhook_endpoints()
    except BridgeError:
        return ()
    return tuple(
        Endpoint(one.id, one.url, one.status, one.api_version, one.url == ours) for one in found
    )
