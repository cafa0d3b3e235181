"""What doctor finds out about one thing that the bridge needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried: what it is called (a scope, a key), whether it is there, and what follows.

    `needed=False`: the bridge runs without it.
    """

    scope: str
    ok: bool
    message: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where Stripe sends events, and in which version."""

    id: str
    url: str
    status: str
    api_version: str | None
    enabled_events: tuple[str, ...]
    livemode: bool
