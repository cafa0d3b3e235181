"""Never more than the configured number of requests to Discourse in any rolling 60 s, site-wide.

A slot is free again 60 s after the answer to the request that used it came, so that no window of
60 s, wherever it begins and whichever clock measures it, holds more requests than there are slots.
The slots are in SQL: Redis may be flushed at any time, and the limit must hold then too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bridge.clock import Clock
from bridge.discourse_api.refusals import Priority
from bridge.errors import NoRequestLeft, RateLimited
from bridge.store import Connection, Store, slots
from bridge.store.state import get_time, put_time

WINDOW = timedelta(seconds=60)
# A request that never came back keeps its slot this long before the 60 s begin.
LONGEST_REQUEST = timedelta(seconds=60)
SOON_SECONDS = 0.2
LOOK_SECONDS = 1.0  # how often the patient look again
LONGEST_PATIENCE_SECONDS = 150.0  # longer than any slot is taken; a forum's own pause may be more
PAUSE = "discourse.pause_until"


# Parts of the slots that must be left free for the more urgent: additions (high) before removals
# (normal) before the message to moderators (alert) before readings and statements (low).
RESERVED: dict[Priority, float] = {"high": 0.0, "normal": 0.1, "alert": 0.2, "low": 0.3}


class Limiter:
    """The gate that every request to Discourse passes; it raises RateLimited when no slot is free.

    `patient`: it sleeps until a slot is free instead. This is for commands, which hold no lease.
    """

    def __init__(
        self, store: Store, clock: Clock, per_minute: int, *, patient: bool = False
    ) -> None:
        self._store = store
        self._clock = clock
        self._per_minute = per_minute
        self._patient = patient

    def prepare(self) -> None:
        """Make as many slots as are allowed; after a lower limit was set, fewer."""
        with self._store.write() as connection:
            slots.resize(connection, self._per_minute, self._clock.now())

    def check(self, priority: Priority) -> None:
        """Raise RateLimited where a request would be refused now; uses no slot."""
        now = self._clock.now()
        with self._store.read() as connection:
            self._free(connection, priority, now)

    def spacing(self) -> timedelta:
        """How far apart requests are if those that are left last until more are free."""
        now = self._clock.now()
        with self._store.read() as connection:
            free, soonest = slots.count_free(connection, now), slots.next_free_at(connection, now)
        until_more = soonest - now if soonest else timedelta()
        return max(WINDOW / self._per_minute, until_more / max(1, free))

    def is_scarce(self) -> bool:
        """Whether more than half of this minute's requests are used."""
        with self._store.read() as connection:
            return slots.count_free(connection, self._clock.now()) * 2 < self._per_minute

    def spare(self, priority: Priority) -> int:
        """How many requests could be sent now; more would only be refused."""
        now = self._clock.now()
        with self._store.read() as connection:
            paused_until = get_time(connection, PAUSE)
            if paused_until and paused_until > now:
                return 0
            reserved = int(self._per_minute * RESERVED[priority])
            return max(0, slots.count_free(connection, now) - reserved)

    @contextmanager
    def gate(self, priority: Priority) -> Iterator[None]:
        """Use a slot for the request made inside; raises RateLimited when none is free.

        A 429 inside pauses everybody for as long as it asks.
        """
        number = self._await(priority) if self._patient else self._take(priority)
        try:
            yield
        except RateLimited as refusal:
            # Discourse does not count what it refuses, so the slot is free at once.
            self._pause(refusal.retry_after or WINDOW.total_seconds())
            self._give_back(number, self._clock.now())
            raise
        except BaseException:
            self._give_back(number, self._clock.now() + WINDOW)
            raise
        self._give_back(number, self._clock.now() + WINDOW)

    def _await(self, priority: Priority) -> int:
        while True:
            try:
                return self._take(priority)
            except RateLimited as full:
                if (full.retry_after or 0) > LONGEST_PATIENCE_SECONDS:
                    raise
                time.sleep(min(full.retry_after or LOOK_SECONDS, LOOK_SECONDS))

    def _take(self, priority: Priority) -> int:
        now = self._clock.now()
        with self._store.write() as connection:
            number = self._free(connection, priority, now, lock=True)
            slots.set_free_at(connection, number, now + LONGEST_REQUEST + WINDOW)
            return number

    def _free(
        self, connection: Connection, priority: Priority, now: datetime, *, lock: bool = False
    ) -> int:
        paused_until = get_time(connection, PAUSE)
        if paused_until and paused_until > now:
            raise RateLimited("Discourse asked to wait", (paused_until - now).total_seconds())
        if slots.count_free(connection, now) <= int(self._per_minute * RESERVED[priority]):
            raise NoRequestLeft(
                f"all requests to the forum of this minute are used ({priority})",
                self._wait(connection, now),
            )
        number = slots.first_free(connection, now, lock=lock)
        if number is None:
            raise NoRequestLeft("another process takes the last request just now", SOON_SECONDS)
        return number

    def _wait(self, connection: Connection, now: datetime) -> float:
        soonest = slots.next_free_at(connection, now)
        return (
            max(SOON_SECONDS, (soonest - now).total_seconds())
            if soonest
            else WINDOW.total_seconds()
        )

    def _give_back(self, number: int, free_at: datetime) -> None:
        with self._store.write() as connection:
            slots.set_free_at(connection, number, free_at)

    def _pause(self, seconds: float) -> None:
        with self._store.write() as connection:
            put_time(connection, PAUSE, self._clock.now() + timedelta(seconds=seconds))
