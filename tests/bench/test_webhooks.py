"""Accepting webhooks durably over a socket, beside an endpoint that only verifies and answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.bench.report import at_least, at_most, percentile, show
from tests.processes import Live, live

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
SECONDS = 6.0


@contextmanager
def bare(secret: str) -> Iterator[int]:
    """The bare endpoint on waitress, with the threads that the bridge has; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--threads=8", f"--listen=127.0.0.1:{port}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "waitress", *options, "bare:app"],
        cwd=HERE,
        env={"PATH": os.environ["PATH"], "SECRET": secret},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(500):
            try:
                requests.get(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def send(port: int, secret: str, prefix: str, width: int, rate: float | None) -> dict[str, Any]:
    argv = [str(port), secret, prefix, str(SECONDS), str(width), *([str(rate)] if rate else [])]
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py"), *argv], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("redis", [False, True], ids=["without Redis", "with Redis"])
def test_webhooks_accepted_a_second(tmp_path: Path, *, redis: bool) -> None:
    where = "with Redis" if redis else "without Redis"
    with live(tmp_path) as system:
        secret = system.system.sandbox.info["stripe_webhook_secret"]
        more = {}
        if redis:
            system.start("redis")
            more["REDIS_URL"] = f"unix://{system.redis_socket}"
        system.start("web", **more)
        with bare(secret) as bare_port:
            rows = measure(system, secret, bare_port, where)
    show(
        f"Webhooks accepted, SQLite with synchronous=FULL, {where}",
        ("load", "endpoint", "events/s", "of bare", "p50 ms", "p99 ms", "max ms"),
        rows,
    )


def measure(system: Live, secret: str, bare_port: int, where: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    loads = [("4 connections", 4, None), ("16 connections", 16, None), ("100 a second", 16, 100.0)]
    for name, width, rate in loads:
        rates = {}
        for endpoint, port in (("bare", bare_port), ("bridge", system.port)):
            prefix = f"{endpoint}{width}{int(rate or 0)}"
            found = send(port, secret, prefix, width, rate)
            assert found["refused"] == 0
            took = [1000 * value for value in found["took"]]
            rates[endpoint] = len(took) / found["seconds"]
            rows.append(
                (
                    name,
                    endpoint,
                    rates[endpoint],
                    f"{100 * rates[endpoint] / rates['bare']:.0f} %",
                    percentile(took, 50),
                    percentile(took, 99),
                    max(took),
                )
            )
            if endpoint == "bridge":
                if rate:
                    p99 = percentile(took, 99)
                    at_most(f"webhook accepted, p99 at {name}, {where}", p99, 25, "ms")
                else:
                    speed = rates[endpoint]
                    at_least(f"webhooks accepted, {name}, {where}", speed, 500, "a second")
                stored = [
                    row for row in system.stored() if row.event_id.startswith(f"evt_{prefix}_")
                ]
                assert len(stored) == len(took), "accepted is stored"
    return rows
