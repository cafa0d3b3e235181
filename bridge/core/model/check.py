"""The result of one check by the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name (a scope, a key), whether it passed, and the consequence.

    `needed=False`: the bridge runs without it.
    """

    scope: str
    ok: bool
    message: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A webhook endpoint at Stripe and its API version."""

    id: str
    url: str
    status: str
    api_version: str | None
    enabled_events: tuple[str, ...]
    livemode: bool
