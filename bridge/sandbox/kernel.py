"""The shared parts of both servers: clock, ids, a journal of all requests, faults.

One `World` holds all of it behind one lock, so a snapshot is one deep copy and a scenario with a
seed always gives the same ids and times.
"""

from __future__ import annotations

import itertools
import random
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ALPHABET = string.ascii_letters + string.digits


class Clock:
    """Seconds since 1970, ahead of the machine's clock by an offset, or stopped at a time.

    The offset is published to a file (one number of seconds), so that other processes can read the
    same time. Only `advance` moves a stopped clock, until it is started again.
    """

    def __init__(self, offset_file: Path | None = None, frozen_at: float | None = None) -> None:
        self.offset_seconds = 0.0
        self.frozen_at = frozen_at
        self.offset_file = offset_file
        self._publish()

    def now(self) -> float:
        """The simulated time."""
        return (self.frozen_at if self.frozen_at is not None else time.time()) + self.offset_seconds

    def advance(self, seconds: float) -> None:
        """Move forward; never back."""
        if seconds < 0:
            raise ValueError(f"the clock only goes forward, not by {seconds} seconds")
        self.offset_seconds += seconds
        self._publish()

    def put_back(self, offset_seconds: float) -> None:
        """Restore the offset of a snapshot; the only way in which time goes back."""
        self.offset_seconds = offset_seconds
        self._publish()

    def go_on(self) -> None:
        """Start a stopped clock."""
        self.offset_seconds, self.frozen_at = self.now() - time.time(), None
        self._publish()

    def _publish(self) -> None:
        if self.offset_file is None:
            return
        beside = self.offset_file.with_suffix(".new")
        beside.write_text(f"{self.offset_seconds:.3f}\n")
        beside.replace(self.offset_file)


class Ids:
    """Ids from a seeded generator: a prefix and letters for Stripe, numbers for Discourse."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - names of simulated objects, no secrets
        self._number = itertools.count(1)

    def new(self, prefix: str, length: int = 24) -> str:
        """A new id such as `cus_Q8…`."""
        return f"{prefix}_" + "".join(self._random.choices(ALPHABET, k=length))

    def hexadecimal(self, length: int = 32) -> str:
        """New lower-case hexadecimal letters, for keys and nonces."""
        return f"{self._random.getrandbits(length * 4):0{length}x}"

    def number(self) -> int:
        """A whole number, one higher each time."""
        return next(self._number)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it was answered. `at` is simulated, `wall` the machine's time."""

    number: int
    server: str
    at: float
    wall: float
    method: str
    path: str
    query: str
    caller: str
    request: Any
    status: int
    response: Any
    fault: str | None
    seconds: float


class Journal:
    """Every request with its answer, in the order of their answers; numbers start at 1."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, **what: Any) -> Entry:
        """Append an entry; its number is given here."""
        with self._lock:
            entry = Entry(number=len(self._entries) + 1, **what)
            self._entries.append(entry)
            return entry

    def since(self, number: int = 0, server: str | None = None) -> list[Entry]:
        """Entries after a number."""
        with self._lock:
            later = self._entries[number:]
        return [e for e in later if server in (None, e.server)]


@dataclass(slots=True)
class Fault:
    """A fault: matching requests fail in one way, the next `times` times (None: always).

    `match` is "METHOD /path" with `*` as wildcard, e.g. "PUT /groups/*/members.json". Kinds:
    `status` (answer with status, body and headers), `slow` (seconds before the work), `hang` (never
    answer, close after seconds), `reset_before` (close without doing it), `reset_after` (do it,
    then close the connection), `timeout_after` (do it, then stay silent for seconds), `html` (do
    it, answer 200 with a page of HTML), `half_body` (do it, send half of the answer), `short_page`
    (a list misses entries but claims its total), `partial` (a batch is cut off after `members`).
    """

    id: int
    server: str
    match: str
    kind: str
    times: int | None = 1
    skip: int = 0
    args: dict[str, Any] = field(default_factory=dict)


class Faults:
    """The switches in force; the first that matches is used up."""

    def __init__(self) -> None:
        self.switches: list[Fault] = []
        self._next = itertools.count(1)
        self._lock = threading.Lock()

    def add(
        self,
        server: str,
        match: str,
        kind: str,
        *,
        times: int | None = 1,
        skip: int = 0,
        **args: Any,
    ) -> Fault:
        """Set a switch; `skip` lets that many matching requests pass first."""
        fault = Fault(next(self._next), server, match, kind, times, skip, args)
        with self._lock:
            self.switches.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self.switches.clear()

    def take(self, server: str, method: str, path: str) -> Fault | None:
        """The fault for this request, counted."""
        with self._lock:
            for fault in self.switches:
                if fault.server != server or not fnmatchcase(f"{method} {path}", fault.match):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.switches.remove(fault)
                return fault
        return None


class World:
    """Everything that is simulated, behind one lock."""

    def __init__(self, seed: int = 1, clock: Clock | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.ids = Ids(seed)
        self.journal = Journal()
        self.faults = Faults()
        # The state of each simulated server by its name: plain data, so that it can be deep-copied.
        self.parts: dict[str, Any] = {}
        self._closing: list[Callable[[], None]] = []

    def on_close(self, end: Callable[[], None]) -> None:
        """Have a background thread ended when the world is closed."""
        self._closing.append(end)

    def close(self) -> None:
        """End the background work."""
        while self._closing:
            self._closing.pop()()
