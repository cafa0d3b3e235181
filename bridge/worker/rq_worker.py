"""The work behind a hint, and the RQ worker that waits for hints.

A hint names work that is stored in SQL. Work that another process does, or that is no longer due,
is skipped. No error reaches RQ: the time of the next attempt is in SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from bridge.errors import BridgeError
from bridge.queue import JOB, QUEUE_NAME
from bridge.wiring import Bridge
from bridge.worker import applier, bookkeeping, decider, group_members, publisher
from bridge.worker.heart import beating

log = structlog.get_logger()

# kind of hint -> what it wakes
WORK: dict[str, Callable[[Bridge, str], bool]] = {
    "decide": decider.work_on,
    "apply": lambda bridge, key: applier.work_on(bridge, int(key)),
    "tell": lambda bridge, key: publisher.work_on(bridge, int(key)),
    "book": lambda bridge, _: bookkeeping.book_by_hand(bridge),
    "read": lambda bridge, key: group_members.read_members(bridge, int(key)),
}

# Measured: with RQ's own times a job of a killed worker is picked up after 811 s, with these after
# 77 s; the sweeper is sooner anyway.
WORKER_TTL_SECONDS = 30
MAINTENANCE_SECONDS = 10
MONITORING_SECONDS = 5
JOBS_BEFORE_RECYCLING = 5000

_bridge: Bridge | None = None


def do(bridge: Bridge, kind: str, key: str) -> bool:
    """Do what is due for a key; False if another process does, or it has to wait."""
    try:
        return WORK[kind](bridge, key)
    except BridgeError as error:
        log.warning("work.failed", kind=kind, key=key, error=type(error).__name__)
        return False


def handle(kind: str, key: str) -> None:
    """Entry of an RQ job: only names, never data."""
    if _bridge is None:
        raise RuntimeError("hints are handled in a worker process only: start `bridge worker`")
    do(_bridge, kind, key)


class Hint(Job):
    """A job that can only call `handle`, whoever wrote it into Redis.

    RQ itself imports and calls what a job names, as its function or as a callback, and sends
    webhooks for it (rq/job.py, 3.0.0).
    """

    success_callback = None
    failure_callback = None
    stopped_callback = None

    @property
    def func(self) -> Callable[[str, str], None]:
        """Call the hint with the job's arguments.

        Raises: PermissionError if the job is not a hint.
        """
        is_hint = self.func_name == JOB and self.instance is None and not self.kwargs
        if is_hint and [type(one) for one in self.args] == [str, str]:
            return handle
        log.error("hint.refused", id=self.id, check="Who can write to Redis at REDIS_URL?")
        raise PermissionError("only the bridge's own hints are handled")

    def restore(self, raw_data: Any) -> Any:
        """Read a job from Redis; what RQ cannot read is not a job."""
        try:
            super().restore(raw_data)
        except NoSuchJobError:
            raise
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            log.error("hint.unreadable", error=type(error).__name__)  # noqa: TRY400 - not our text
            raise NoSuchJobError("unreadable") from None
        self.webhooks = []


def run(bridge: Bridge, redis_url: str) -> None:
    """Wait for hints until told to stop, or until it is time for a fresh process.

    Not forking: measured 253 jobs a second against 55; a crash costs no more than a lease.
    """
    global _bridge  # noqa: PLW0603 - RQ calls `handle` by its name
    _bridge = bridge
    redis = Redis.from_url(redis_url)
    queue = Queue(QUEUE_NAME, connection=redis, job_class=Hint, serializer=JSONSerializer)
    worker = SimpleWorker(
        [queue],
        connection=redis,
        job_class=Hint,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        job_monitoring_interval=MONITORING_SECONDS,
    )
    try:
        with beating(bridge):
            worker.work(max_jobs=JOBS_BEFORE_RECYCLING, logging_level="WARNING")
    except RedisError as error:
        # RQ does not outlive a Redis that goes away during a job. The supervisor starts a new one.
        log.error("worker.redis_lost", error=type(error).__name__)  # noqa: TRY400 - no news in it
        raise SystemExit(1) from None
