"""How all work is done: step by step under leases, with one rule for retries."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import structlog

from bridge.errors import BridgeError, Broken, NoRequestLeft, Transient
from bridge.store import leases
from bridge.store.leases import LEASE_SECONDS, Lease, LeaseLost
from bridge.wiring import Bridge

log = structlog.get_logger()
LEAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Backoff:
    """The wait after a failure: doubled each time, with full jitter."""

    first_seconds: float
    longest_seconds: float

    def seconds(self, attempts: int, error: BridgeError) -> float:
        """The wait after so many earlier failures; never less than the other side asked for."""
        asked = (error.retry_after or 0.0) if isinstance(error, Transient) else 0.0
        if isinstance(error, NoRequestLeft):
            return asked
        longest = min(self.first_seconds * float(2 ** min(attempts, 16)), self.longest_seconds)
        return max(asked, LEAST_SECONDS + longest * secrets.randbelow(1000) / 1000)


def work_through(
    bridge: Bridge,
    needed: Callable[[], Sequence[str]],
    step: Callable[[Sequence[Lease]], bool],
    put_off: Callable[[BridgeError], None],
    *,
    most_steps: int | None = None,
    lease_seconds: int = LEASE_SECONDS,
) -> bool:
    """Take step after step, each under all its leases, until none is left or `most_steps` are done.

    Between two steps the leases are free, so that others get a turn. Returns False if somebody else
    holds one, or a step failed and was postponed.
    """
    steps = 0
    while most_steps is None or steps < most_steps:
        names = needed()
        with _holding(bridge, names, lease_seconds) as held:
            if held is None:
                return False
            try:
                is_more = step(held)
            except LeaseLost:
                log.warning("lease.lost", names=names)
                return False
            except BridgeError as error:
                put_off(error)
                return False
            except Exception as error:
                # A defect in one thing must not become a loop that delays all others.
                log.exception("work.broken", names=names)
                put_off(Broken(error))
                return False
        if not is_more:
            return True
        steps += 1
    return True


@contextmanager
def _holding(
    bridge: Bridge, names: Sequence[str], seconds: int
) -> Iterator[Sequence[Lease] | None]:
    """Hold all leases or none: nobody waits while holding one, so there is no deadlock."""
    with ExitStack() as stack:
        held = []
        for name in names:
            one = leases.holding(bridge.store, bridge.clock, name, bridge.name, seconds)
            lease = stack.enter_context(one)
            if lease is None:
                yield None
                return
            held.append(lease)
        yield held
