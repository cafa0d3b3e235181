"""Keeps the processes of one machine alive: starts, restarts what dies, stops in the right order.

Programs are listed in the order in which they stop (web, worker, sweeper, Redis); they start in the
opposite order. None outlives the supervisor, not even when it is killed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bridge.errors import Config

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
LIVED_WELL_SECONDS = 20.0
LOOK_SECONDS = 0.1
NAME_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep alive. `ready` is asked before the next one is started.

    `start_seconds`: how long that may take. `stop_seconds`: how long it may take to finish what it
    does, before it is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    start_seconds: float = 30.0
    stop_seconds: float = 40.0


class Supervisor:
    """Runs programs until it is told to stop. `write` takes their lines, prefixed by their name."""

    def __init__(
        self, programs: Sequence[Program], env: Mapping[str, str], write: Callable[[str], None]
    ) -> None:
        self.stopping = threading.Event()
        self._children = [_Child(program, env, write) for program in programs]

    def start(self) -> None:
        """Start everything, last to first, each when the one before is ready.

        Call it in the main thread: the kernel ends the children when the thread that started them
        ends. Raises Config when something does not come up; what runs already is then stopped.
        """
        try:
            for child in reversed(self._children):
                child.start()
                self._await(child)
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Restart what dies, until `stopping` is set; then stop everything. In the main thread."""
        try:
            while not self.stopping.wait(LOOK_SECONDS):
                for child in self._children:
                    child.look_after()
        finally:
            self.stop()

    def stop(self) -> None:
        """End all programs, first to last, each with the time it needs."""
        self.stopping.set()
        for child in self._children:
            child.stop()

    def _await(self, child: _Child) -> None:
        deadline = time.monotonic() + child.program.start_seconds
        while not child.program.ready() and not self.stopping.wait(LOOK_SECONDS):
            child.look_after()
            if time.monotonic() > deadline:
                raise Config(
                    "B117",
                    f"{child.program.name} did not start in {child.program.start_seconds:.0f} s.",
                    "Its lines above say why.",
                )


class _Child:
    def __init__(
        self, program: Program, env: Mapping[str, str], write: Callable[[str], None]
    ) -> None:
        self.program = program
        self._env = {**env, **program.env}
        self._write = write
        self._process: subprocess.Popen[str] | None = None
        self._started_at = self._start_again_at = 0.0
        self._wait_seconds = FIRST_WAIT_SECONDS

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command lines
            # -I: the program's directory must not shadow modules; -S is quicker.
            [sys.executable, "-IS", str(DIE_WITH_PARENT), str(os.getpid()), *self.program.argv],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: Ctrl-C reaches the supervisor only, which stops them in order.
            process_group=0,
        )
        assert self._process.stdout  # noqa: S101 - it is a pipe, for the type checker
        threading.Thread(target=self._copy, args=(self._process.stdout,), daemon=True).start()

    def look_after(self) -> None:
        """Start it again when it has ended, after a wait that grows while it keeps dying."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._end_group()
            self._plan_restart(self._process.returncode)
            self._process = None
        if time.monotonic() >= self._start_again_at:
            self.start()

    def stop(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self._say(f"still running after {self.program.stop_seconds:.0f} s: killed")
        self._end_group()
        self._process.wait()
        self._process = None

    def _plan_restart(self, code: int) -> None:
        lived = time.monotonic() - self._started_at
        if lived > LIVED_WELL_SECONDS:
            self._wait_seconds = FIRST_WAIT_SECONDS
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        self._say(f"ended {how} after {lived:.1f} s; again in {self._wait_seconds:g} s")
        self._start_again_at = time.monotonic() + self._wait_seconds
        self._wait_seconds = min(self._wait_seconds * 2, LONGEST_WAIT_SECONDS)

    def _end_group(self) -> None:
        """Kill the processes that it started, which may still hold its port."""
        if self._process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _copy(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self._say(line.rstrip("\n"))

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # nobody reads any more; the pipe is still emptied
            self._write(f"{self.program.name:<{NAME_WIDTH}}| {line}\n")


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data directory: two bridges on one directory would share a Redis and a port."""
    with _open_lock(data) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Config(
                "B118",
                f"another bridge is using the data directory {data}.",
                "Stop it first, or give this one another BRIDGE_DATA.",
            ) from error
        yield


def _open_lock(data: Path) -> IO[str]:
    try:
        # Its files tell who pays for what.
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (data / "lock").open("a")
    except OSError as error:
        raise Config(
            "B120",
            f"the data directory {data} cannot be written ({error.strerror}).",
            "Check BRIDGE_DATA, the disk, and the permissions of the directory.",
        ) from error


def stop_on_signals(supervisor: Supervisor) -> None:
    """SIGTERM, Ctrl-C and a closed terminal stop everything in order."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.stopping.set())
