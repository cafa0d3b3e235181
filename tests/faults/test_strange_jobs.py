"""Somebody writes strange jobs into Redis: none of their code runs."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from bridge.queue import JOB, QUEUE_NAME
from tests.processes import Live

pytestmark = pytest.mark.faults


def touch(job: Job, *_: object) -> None:
    """A function that RQ could call: it leaves a mark at the job's path."""
    Path(job.meta["mark"]).touch()


def test_A132_whatever_is_enqueued_only_the_bridges_own_function_runs(
    processes: Live, tmp_path: Path
) -> None:
    live = processes
    live.start("redis")
    queue = Queue(QUEUE_NAME, connection=live.redis(), serializer=JSONSerializer)
    mark = tmp_path / "mark"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        theirs = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        called = Callback("tests.faults.test_strange_jobs.touch")
        ends: dict[str, Any] = {
            "on_success": called,
            "on_failure": called,
            "on_stopped": called,
            "webhooks": [Webhook(theirs, "finished"), Webhook(theirs, "failed")],
            "meta": {"mark": str(mark)},
        }
        refused = [
            queue.enqueue("os.mkdir", str(mark)),
            queue.enqueue("os.rename", str(tmp_path), str(mark)),
            queue.enqueue(JOB, "decide", ["cus_nobody"], **ends),
            queue.enqueue(JOB, "decide", key="cus_nobody", **ends),
            queue.enqueue(JOB, "decide", "cus_nobody", {"more": 1}, **ends),
            queue.enqueue(JOB, "decide", "cus_nobody", more="1", **ends),
        ]
        queue.enqueue(JOB, "decide", "cus_nobody", **ends)
        queue.enqueue(JOB, "no such kind", "x", **ends)
        broken = queue.enqueue(JOB, "decide", "cus_broken", **ends)
        live.redis().hset(broken.key, "data", b"not JSON")
        odd = queue.enqueue(JOB, "decide", "cus_odd", **ends)
        live.redis().hset(odd.key, "status", "no such status")

        worker = live.start("worker", REDIS_URL=f"unix://{live.redis_socket}")
        live.system.subscribe(live.system.customer("alice"), live.system.price("supporters"))
        live.start("web", REDIS_URL=f"unix://{live.redis_socket}")
        live.until(lambda: live.is_told("alice"))
        live.until(lambda: queue.count == 0)
        assert worker.poll() is None
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert not mark.exists()
    lines = [json.loads(line) for line in live.log("worker").splitlines()]
    told = [line["id"] for line in lines if line["event"] == "hint.refused"]
    assert set(told) == {job.id for job in refused}
