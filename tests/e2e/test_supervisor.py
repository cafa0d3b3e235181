"""`bridge up` as an operator runs it, against a Stripe and a forum that are out of reach."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.databases import postgresql_server, postgresql_url

__all__ = ["postgresql_server", "postgresql_url"]

pytestmark = pytest.mark.e2e

NOWHERE = "http://127.0.0.1:9"
WAIT_SECONDS = 40


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def descendants(pid: int) -> dict[int, str]:
    """All child processes with their command lines, without zombies."""
    parents, commands = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (OSError, ValueError):
            continue
        if state != "Z":
            parents[int(entry.name)], commands[int(entry.name)] = int(parent), command
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {one: commands[one] for one in found - {pid}}


class Bridge:
    def __init__(self, folder: Path, **env: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "log"
        settings = {
            "STRIPE_API_KEY": "rk_test_abc1234567",
            "STRIPE_WEBHOOK_SECRET": "whsec_abc4567890",
            "STRIPE_API_BASE": NOWHERE,
            "DISCOURSE_URL": NOWHERE,
            "DISCOURSE_API_KEY": "0123456789abcdef",
            "DISCOURSE_CONNECT_SECRET": "a-secret-of-the-forum",
            "BRIDGE_URL": f"http://127.0.0.1:{self.port}",
            "SECRET_KEY": "k" * 40,
            "BRIDGE_DATA": str(folder / "data"),
            "WEB_PORT": str(self.port),
            "PATH": os.environ["PATH"],
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "up"],
                cwd=folder,
                env=settings | env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def is_healthy(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def pid_of(self, words: str) -> int | None:
        found = [pid for pid, command in descendants(self.process.pid).items() if words in command]
        return min(found, default=None)

    def count(self, words: str) -> int:
        return sum(words in command for command in descendants(self.process.pid).values())


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    running = Bridge(tmp_path)
    yield running
    left = descendants(running.process.pid)
    running.process.kill()
    running.process.wait()
    until(lambda: not [pid for pid in left if Path(f"/proc/{pid}").exists()], "nothing stays")


def kill_and_await(bridge: Bridge, words: str) -> None:
    before = bridge.pid_of(words)
    assert before, words
    os.kill(before, signal.SIGKILL)
    until(lambda: bridge.pid_of(words) not in (None, before), f"{words} runs again")


def test_whatever_dies_is_started_again(bridge: Bridge) -> None:
    until(bridge.is_healthy, "it is up")
    for words in ("bridge sweep", "redis-server", "bridge worker", "bridge web"):
        kill_and_await(bridge, words)
    until(bridge.is_healthy, "it answers again")


def test_F38_sigterm_stops_everything_cleanly_and_in_order(bridge: Bridge) -> None:
    until(bridge.is_healthy, "it is up")
    below = descendants(bridge.process.pid)
    bridge.process.terminate()
    assert bridge.process.wait(WAIT_SECONDS) == 0
    assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]
    log = bridge.log.read_text()
    assert "killed" not in log
    assert log.index("web.stopping") < log.index("User requested shutdown")


def test_nothing_stays_when_the_supervisor_itself_is_killed(bridge: Bridge) -> None:
    until(bridge.is_healthy, "it is up")
    below = descendants(bridge.process.pid)
    assert len(below) >= 4
    bridge.process.kill()
    bridge.process.wait()
    until(lambda: not [pid for pid in below if Path(f"/proc/{pid}").exists()], "all end")


def test_a_second_bridge_on_the_same_data_is_refused(bridge: Bridge, tmp_path: Path) -> None:
    until(bridge.is_healthy, "it is up")
    (tmp_path / "other").mkdir()
    second = Bridge(tmp_path / "other", BRIDGE_DATA=str(tmp_path / "data"))
    assert second.process.wait(WAIT_SECONDS) == 3
    assert "B118" in second.log.read_text()


def test_a_redis_that_is_down_stops_nothing(tmp_path: Path) -> None:
    alone = Bridge(tmp_path, REDIS_URL="redis://127.0.0.1:9")
    try:
        until(alone.is_healthy, "it is up though Redis is down")
        assert alone.pid_of("bridge sweep")
        assert not alone.pid_of("redis-server")
    finally:
        alone.process.terminate()
        assert alone.process.wait(WAIT_SECONDS) == 0
