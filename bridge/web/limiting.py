"""Limits requests per client, so that nobody can keep the bridge busy with Stripe or the forum."""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Callable
from typing import cast

from flask import current_app, g, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from bridge.web.context import reader

# Generous, because people share addresses. Each web process counts separately.
# "pay": buyers ask Stripe, "ask": moderators do.
# "refusal": log lines about unsigned webhooks, for each kind of sender.
# "names": names that a member types. "search": requests to the forum for all members' names.
LIMITS = {
    "look": 300,
    "login": 120,
    "pay": 20,
    "ask": 60,
    "refusal": 6,
    "back": 12,
    "names": 60,
    "search": 60,
}
# How many requests of one client may wait for Stripe at once. The bulkhead is for all clients.
PAYING_AT_ONCE = 2


class Limiter:
    """Counts requests of a kind per member, or per address for strangers."""

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._items = {kind: RateLimitItemPerMinute(n) for kind, n in LIMITS.items()}
        self._paying: Counter[str] = Counter()
        self._lock = threading.Lock()

    def check(self, kind: str) -> None:
        """Count this request; raises TooManyRequests above the limit."""
        if not self.allows(kind, _client()):
            raise TooManyRequests(retry_after=60)

    def allows(self, kind: str, who: str) -> bool:
        """Count something; returns whether it is within the limit."""
        return self._window.hit(self._items[kind], kind, who)

    def begin_paying(self, kind: str = "pay") -> None:
        """Count this request among those that wait for Stripe, until `end_paying`."""
        if "paying" in g:
            return
        self.check(kind)
        client = _client()
        with self._lock:
            if self._paying[client] >= PAYING_AT_ONCE:
                raise TooManyRequests(retry_after=5)
            self._paying[client] += 1
        g.paying = client

    def end_paying(self, _: BaseException | None = None) -> None:
        """Stop counting it; call this at the end of every request."""
        client = g.pop("paying", None)
        if client is None:
            return
        with self._lock:
            self._paying[client] -= 1
            self._paying += Counter()  # drops zeros

    def guard(self, kind: str) -> Callable[[], None]:
        """The check as a `before_request` function of a blueprint."""
        return lambda: self.check(kind)


def the_limiter() -> Limiter:
    """The limiter of this app."""
    return cast("Limiter", current_app.extensions["limiter"])


def asks_stripe(kind: str = "pay") -> None:
    """Count this request as one that asks Stripe; above the client's limit, it ends the view."""
    the_limiter().begin_paying(kind)


def _client() -> str:
    known = reader()
    if known is not None:
        return f"user:{known.user_id}"
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 6:  # noqa: PLR2004 - one home has a whole /64
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
