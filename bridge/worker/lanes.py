"""Lanes: events without a single customer, processed one by one and postponed one by one.

So an event whose object cannot be read waits alone, and all others continue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from bridge.core.events.outcome import Outcome, dead
from bridge.errors import (
    BridgeError,
    Forbidden,
    NoRequestLeft,
    Permanent,
    RateLimited,
    Transient,
    Unreachable,
)
from bridge.store import Connection, inbox, leases, work
from bridge.store.leases import Lease
from bridge.wiring import Bridge
from bridge.worker.turns import Backoff

log = structlog.get_logger()
EVENT_AGAIN = Backoff(10.0, 3600.0)
# After this many failures in a row, the others are not tried either for now.
MOST_FAILURES = 5
PAUSE = timedelta(seconds=5)


class LaneRound:
    """One round of a lane: the outcome of each event, and which have to wait."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._failures = 0
        self.outcomes: dict[str, Outcome] = {}
        self.failed: dict[str, BridgeError] = {}
        self.rests_for = timedelta()

    def attempt(self, event_ids: Iterable[str], act: Callable[[], Outcome]) -> bool:
        """Process the events that need the same thing; returns whether to continue with others."""
        try:
            outcome = act()
        except NoRequestLeft as full:
            self.rests_for = timedelta(seconds=full.retry_after or PAUSE.total_seconds())
            return False
        except (Transient, Forbidden) as error:
            return self._put_off(event_ids, error)
        except Permanent as error:
            outcome = dead(str(error))
        except Exception as error:  # a defect about one event must not hold up the others
            log.exception("event.dead", event_ids=list(event_ids))
            outcome = dead(f"the bridge failed on it: {error!r}")
        self._failures = 0
        self.outcomes |= dict.fromkeys(event_ids, outcome)
        return True

    def _put_off(self, event_ids: Iterable[str], error: BridgeError) -> bool:
        self.failed |= dict.fromkeys(event_ids, error)
        self._failures += 1
        nobody = isinstance(error, Unreachable | RateLimited) or self._failures >= MOST_FAILURES
        self.rests_for = PAUSE if nobody else self.rests_for
        return not nobody

    def close(self, lease: Lease, dirty: tuple[work.Dirty, ...]) -> None:
        """Store the outcomes of the events, and when the lane is due next."""
        now = self._bridge.clock.now()
        with self._bridge.store.write() as connection:
            leases.check(connection, lease, now)
            inbox.finish(connection, self.outcomes, now)
            for event_id, error in self.failed.items():
                self._wait(connection, event_id, error, now)
            turn = inbox.next_turn(connection, lease.name)
            if turn is None:
                work.mark_done(connection, dirty, timer=None)
            else:
                work.rest(connection, lease.name, max(turn, now + self.rests_for))

    def _wait(
        self, connection: Connection, event_id: str, error: BridgeError, now: datetime
    ) -> None:
        attempts = inbox.attempts_of(connection, event_id)
        next_at = now + timedelta(seconds=EVENT_AGAIN.seconds(attempts, error))
        inbox.put_off(connection, event_id, str(error), next_at)
        log.warning(
            "event.put_off", event_id=event_id, message=str(error)[:300], attempts=attempts + 1
        )
