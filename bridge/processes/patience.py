"""How long the web process waits for its clients.

A new byte does not restart a deadline: a client that sends one byte a second is as slow as one that
sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from waitress.channel import HTTPChannel

REQUEST_SECONDS = 15.0  # from a request's first byte to its last
IDLE_SECONDS = 75.0  # between requests; longer than proxies keep a connection unused
ANSWER_SECONDS = 60.0  # until an answer is taken


class _Wait(NamedTuple):
    what: object  # the request that arrives, or a word for what else we wait for
    since: float
    seconds: float


class Patience:
    """Remembers since when each connection has kept us waiting, and says whose time is up.

    `most`: with more connections than this, the slowest are closed, so that there is always room
    for the next.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waits: dict[HTTPChannel, _Wait] = {}

    def is_crowded(self, count: int) -> bool:
        """Whether so many connections call for a look at once."""
        return count > self._most

    def late(self, channels: Iterable[HTTPChannel], now: float) -> list[HTTPChannel]:
        """Look at all connections; those to be closed."""
        channels = list(channels)
        waits = {c: self._wait(c, now) for c in channels if not c.requests}
        late = [c for c, wait in waits.items() if now - wait.since > wait.seconds]
        if self.is_crowded(len(channels)):
            # To three quarters, so that not every newcomer of a flood costs a look.
            surplus = len(channels) - self._most * 3 // 4
            late = sorted(waits, key=lambda c: waits[c].since)[: max(surplus, len(late))]
        self._waits = {c: wait for c, wait in waits.items() if c not in late}
        return late

    def _wait(self, channel: HTTPChannel, now: float) -> _Wait:
        what: object
        if channel.total_outbufs_len:
            what, seconds = "answer", ANSWER_SECONDS
        elif channel.request is not None:
            what, seconds = channel.request, REQUEST_SECONDS
        else:
            what, seconds = "request", IDLE_SECONDS
        known = self._waits.get(channel)
        if known is not None and known.what is what:
            return known
        return _Wait(what, now, seconds)
