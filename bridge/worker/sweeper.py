"""The sweeper: finds all work in SQL that no hint started, and runs the periodic jobs.

Because of it, losing Redis costs only seconds. Two sweepers do no harm: work is leased, and only
one process at a time holds the lease of a periodic job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bridge.errors import BridgeError
from bridge.store import inbox, state, work
from bridge.store.leases import LEASE_SECONDS, Lease
from bridge.wiring import Bridge
from bridge.worker import (
    accounts,
    alerts,
    bookkeeping,
    charts,
    digest,
    errands,
    forum_events,
    group_members,
    invitations,
    reconcile,
    rq_worker,
    rule_changes,
)
from bridge.worker.due import due
from bridge.worker.heart import beating
from bridge.worker.turns import Backoff, work_through

log = structlog.get_logger()
TICK_SECONDS = 1.0
AGAIN = Backoff(30.0, 30.0)
LEFT_BEHIND = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job that one process runs from time to time."""

    name: str
    every: timedelta
    run: Callable[[Bridge], None]


def _take_up_events(bridge: Bridge) -> None:
    """Mark keys dirty whose events wait although no work is due."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        for key in inbox.left_behind(connection, now - LEFT_BEHIND):
            log.error("inbox.left_behind", key=key)
            work.mark_dirty(connection, key, now=now, due_at=now, cause="event left behind")


PERIODIC = (
    Periodic("groups", timedelta(minutes=10), group_members.read_groups),
    Periodic("absent", timedelta(hours=1), forum_events.look_after_the_absent),
    Periodic("accounts", timedelta(hours=20), accounts.look_at_payers),
    Periodic("catalogue", timedelta(hours=6), reconcile.read_catalogue),
    Periodic("backfill", timedelta(minutes=5), reconcile.backfill),
    Periodic("reconcile", timedelta(days=1), reconcile.read_everybody),
    Periodic("ledger", timedelta(minutes=1), bookkeeping.keep),
    Periodic("invitations", timedelta(minutes=1), invitations.look),
    Periodic("endpoint", timedelta(hours=1), reconcile.look_at_endpoint),
    Periodic("clock", timedelta(hours=1), reconcile.look_at_clock),
    Periodic("inbox", timedelta(minutes=10), _take_up_events),
    Periodic("charts", timedelta(hours=6), charts.count),
    Periodic("errands", timedelta(seconds=30), errands.go_on),
    Periodic("digest", timedelta(minutes=10), digest.send),
    # Last, so that the others' findings are checked before anything follows from them.
    Periodic("alerts", timedelta(seconds=30), alerts.look),
)


def run(bridge: Bridge, stop: threading.Event) -> None:
    """Sweep until told to stop."""
    with beating(bridge):
        _sweep(bridge, stop)


def _sweep(bridge: Bridge, stop: threading.Event) -> None:
    while not stop.is_set():
        began = time.monotonic()
        try:
            tick(bridge)
        except BridgeError as error:
            log.warning("sweep.failed", error=type(error).__name__, message=str(error)[:300])
        except Exception:
            log.exception("sweep.broken")
        stop.wait(max(0.05, TICK_SECONDS - (time.monotonic() - began)))


def tick(bridge: Bridge) -> int:
    """Send hints for everything that is due, or do it without Redis; returns how much was found."""
    found = rule_changes.follow(bridge) + _wake(bridge)
    last = _last_runs(bridge)
    for job in PERIODIC:
        if job.name not in last or last[job.name] + job.every <= bridge.clock.now():
            _run(bridge, job)
            last = _last_runs(bridge)  # it may have asked for one of those that follow
    with bridge.store.write() as connection:
        state.put_time(connection, state.LAST_SWEEP, bridge.clock.now())
    return found


def _wake(bridge: Bridge) -> int:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        work.ring_timers(connection, now)
    hints = due(bridge)
    # A killed worker leaves its hint in Redis as if it still ran (measured: for more than three
    # minutes). Its heir gives another (heart.py); where nobody noticed, this one comes when its
    # lease can have run out.
    lap = int(now.timestamp()) // LEASE_SECONDS
    for kind, key, mark in hints:
        # No Redis: the work is done here. It is the same work, only by one process.
        if not bridge.hints.send(kind, key, f"{mark}-{lap}"):
            rq_worker.do(bridge, kind, key)
    return len(hints)


def _last_runs(bridge: Bridge) -> dict[str, datetime]:
    with bridge.store.read() as connection:
        return state.times(connection, state.LAST_RUN)


def _run(bridge: Bridge, job: Periodic) -> None:
    name = f"{state.LAST_RUN}{job.name}"

    def step(_: Sequence[Lease]) -> bool:
        began_at = bridge.clock.now()
        job.run(bridge)
        _ran(bridge, name, began_at)
        return False

    def put_off(error: BridgeError) -> None:
        wait = timedelta(seconds=AGAIN.seconds(0, error))
        _ran(bridge, name, bridge.clock.now() - job.every + wait)
        said = {"error": type(error).__name__, "message": str(error)[:300]}
        log.warning("periodic.failed", job=job.name, **said)

    work_through(bridge, lambda: [name], step, put_off)


def _ran(bridge: Bridge, name: str, at: datetime) -> None:
    with bridge.store.write() as connection:
        state.put_time(connection, name, at)
