"""Wakes workers through RQ: hints may be lost, doubled or late without harm.

SQL says what is to be done. Hints are JSON, never pickle: a stranger who can write to Redis must
not be able to run code here.
"""

from __future__ import annotations

import heapq
import re
import threading
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

QUEUE_NAME = "bridge"
JOB = "bridge.worker.rq_worker.handle"
# Redis must never hold up the answer to a webhook.
REDIS_TIMEOUT = 0.5
HINT_TTL_SECONDS = 300

log = structlog.get_logger()


class Hints:
    """Wake-up calls for workers: decide a key, apply a group, tell a user."""

    def __init__(self, redis_url: str | None) -> None:
        self._queue: Queue | None = None
        if redis_url:
            redis = Redis.from_url(
                redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
            )
            self._queue = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)
        self._later: _Later | None = None
        self._lock = threading.Lock()

    def send(self, kind: str, key: str, mark: int | str = "") -> bool:
        """Wake a worker; False if nobody could be woken. `mark` tells apart what must not merge."""
        if self._queue is None:
            return False
        job_id = re.sub(r"[^A-Za-z0-9_-]", "-", f"{kind}-{key}-{mark}")
        try:
            self._queue.enqueue(
                JOB,
                kind,
                key,
                job_id=job_id,
                unique=True,
                result_ttl=0,
                failure_ttl=60,
                ttl=HINT_TTL_SECONDS,
            )
        except DuplicateJobError:
            return True  # it waits already
        except (RedisError, OSError) as error:
            log.warning("hint.lost", kind=kind, key=key, error=type(error).__name__)
            return False
        return True

    def later(self, seconds: float, kind: str, key: str) -> None:
        """Wake a worker after a while, from this process; costs the caller nothing."""
        if self._queue is None:
            return
        with self._lock:
            if self._later is None:
                self._later = _Later(self)
        self._later.add(seconds, kind, key)

    def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return self._queue is not None and bool(self._queue.connection.ping())
        except (RedisError, OSError):
            return False


class _Later:
    """A thread that sends hints when they are due; the same hint waits only once."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._heap: list[tuple[float, str, str]] = []
        self._waiting: set[tuple[str, str]] = set()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="hints", daemon=True).start()

    def add(self, seconds: float, kind: str, key: str) -> None:
        with self._changed:
            if (kind, key) in self._waiting:
                return
            self._waiting.add((kind, key))
            heapq.heappush(self._heap, (time.monotonic() + seconds, kind, key))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap:
                    self._changed.wait()
                due, kind, key = self._heap[0]
                wait = due - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                heapq.heappop(self._heap)
                self._waiting.discard((kind, key))
            self._hints.send(kind, key)
