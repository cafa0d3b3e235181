"""Finds out which processes live, and frees the work of dead ones immediately.

On the same machine the kernel knows which process has ended. Elsewhere a heartbeat decides: a count
that stops rising. No clocks are compared, and a process wrongly taken for dead only loses its
leases.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bridge.errors import BridgeError
from bridge.process_name import has_ended
from bridge.store import processes
from bridge.wiring import Bridge
from bridge.worker.due import due

log = structlog.get_logger()
BEAT_SECONDS = 2.0
STILL_SECONDS = 15.0


@contextmanager
def beating(bridge: Bridge) -> Iterator[None]:
    """Report while the block runs that this process lives, and watch the others."""
    heart = _Heart(bridge)
    heart.beat()
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(BEAT_SECONDS):
            heart.beat()

    thread = threading.Thread(target=run, name="heart", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        heart.stop()


class _Heart:
    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._seen: dict[str, tuple[int, float]] = {}

    def beat(self) -> None:
        """Count up, and free the leases of dead processes."""
        try:
            with self._bridge.store.write() as connection:
                processes.beat(connection, self._bridge.name)
            for name in self._dead():
                self._bury(name)
        except BridgeError as error:
            log.warning("heart.skipped", error=str(error)[:300])
        except Exception:
            log.exception("heart.broken")

    def stop(self) -> None:
        """Sign off: a process that ends in order holds nothing."""
        try:
            with self._bridge.store.write() as connection:
                processes.leave(connection, self._bridge.name, self._bridge.clock.now())
        except BridgeError as error:
            log.warning("heart.skipped", error=str(error)[:300])

    def _dead(self) -> list[str]:
        with self._bridge.store.read() as connection:
            beats = processes.beats(connection)
            holders = processes.holders(connection)
        now = time.monotonic()
        self._seen = {
            name: known if (known := self._seen.get(name)) and known[0] == count else (count, now)
            for name, count in beats.items()
        }
        still = {name for name, (_, since) in self._seen.items() if now - since > STILL_SECONDS}
        ended = {name for name in holders | beats.keys() if has_ended(name)}
        return sorted((still | ended) - {self._bridge.name})

    def _bury(self, name: str) -> None:
        bridge = self._bridge
        with bridge.store.write() as connection:
            processes.leave(connection, name, bridge.clock.now())
        log.warning("process.died", name=name)
        # Its hints are in Redis as if somebody worked on them, so new ones are sent.
        for hint in due(bridge):
            bridge.hints.send(hint.kind, hint.key, f"{hint.mark}-after-{name}")
