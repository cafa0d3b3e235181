"""Processes of the bridge forked from one that has loaded everything: loading takes a second each.

`python -m tests.forked SOCKET` loads the bridge's modules and forks whenever it is asked to. A
child has its own environment, directory, output and process group, and does what `python -m bridge`
does. What `bridge up` starts itself is loaded anew, as on a real machine.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOADED = (
    "bridge.commands.run",
    "bridge.processes.serve",
    "bridge.worker.sweeper",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
MOST_BYTES = 65_536


class Forked:
    """A child, as much like subprocess.Popen as the tests ask for."""

    def __init__(self, loaded: _Loaded, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._loaded = loaded
        self._ended = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _look(self, timeout: float | None) -> int | None:
        # It stays a zombie until it is asked for, so its pid means nobody else.
        if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
            os.close(self._ended)
            self.returncode = self._loaded.ask({"ended": self.pid})
        return self.returncode


class _Loaded:
    """The process that has loaded everything, seen from the one that runs the tests."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                cwd=ROOT,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        atexit.register(self._close)

    def ask(self, what: dict[str, Any], files: Sequence[int] = ()) -> int:
        """Have something done there; the number that it answers."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(what).encode()], files)
            answer = self._socket.recv(MOST_BYTES)
        assert answer, "the process that forks has died"
        return int(answer)

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def _loaded(environment: tuple[tuple[str, str], ...]) -> _Loaded:
    return _Loaded(dict(environment))


def start(
    arguments: Sequence[str], env: Mapping[str, str], output: int, shared: Sequence[str]
) -> Forked:
    """Start `bridge` with these arguments; `shared` names what must be set before Python starts."""
    before = tuple((name, env[name]) for name in shared if name in env)
    loaded = _loaded(before)
    pid = loaded.ask({"arguments": list(arguments), "env": dict(env)}, [output])
    return Forked(loaded, pid)


# --- in the process that forks --------------------------------------------------------------------


def main(number: int) -> None:
    """Load everything, then fork until the tests are over."""
    for name in LOADED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork would lose threads"
    gc.collect()
    gc.freeze()  # else looking for garbage would copy what is shared
    asked = socket.socket(fileno=number)
    while True:
        message, files, _, _ = socket.recv_fds(asked, MOST_BYTES, 1)
        if not message:
            return
        what = json.loads(message)
        if "ended" in what:
            _, status = os.waitpid(what["ended"], 0)
            asked.send(str(os.waitstatus_to_exitcode(status)).encode())
        elif pid := os.fork():
            os.setpgid(pid, pid)
            os.close(files[0])
            asked.send(str(pid).encode())
        else:
            asked.close()
            _become(what["arguments"], what["env"], files[0])
            return


def _become(arguments: list[str], env: dict[str, str], output: int) -> None:
    os.setpgid(0, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    # It reads its variable when it is loaded.
    importlib.reload(importlib.import_module("bridge.crashpoints"))
    sys.argv = [str(ROOT / "bridge" / "__main__.py"), *arguments]
    importlib.import_module("bridge.cli").main()


if __name__ == "__main__":
    main(int(sys.argv[1]))
