"""The real processes of a bridge against a sandbox in this process, for tests that kill them.

web, worker, sweep, up are `python -m bridge …`, all but the last forked from a process that has
loaded it (tests/forked.py); Redis is a server of the test's own on a unix socket. Everything that
was started is ended; what each wrote is shown when the test fails.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import redis
import requests
import stripe
from sqlalchemy import Row, func, select

from bridge import wiring
from bridge.processes.embedded import redis_binary
from bridge.sandbox.stripe import add_webhook, delivery
from bridge.settings import Settings
from bridge.store import migrate, state, statements
from bridge.store.schema.forum import changes, memberships
from bridge.store.schema.people import users
from bridge.store.schema.work import inbox, work
from bridge.worker import sweeper
from tests import forked
from tests.databases import compile_once, with_tables
from tests.harness import SECRET_KEY, System, open_sandbox

ROOT = Path(__file__).parent.parent
# Long only where the machine is busy with other things.
START_SECONDS = 60.0
PATIENCE_SECONDS = 75.0
LOG_LINES_SHOWN = 40
KILLED = 137  # the exit code of a process that died at a crash point

# tests/other_days.py shifts the time of day by these; every process has to have the same.
CLOCK = ("TZ", "LD_PRELOAD", "CLOCK_SHIFT")
BEFORE = ("PATH", *CLOCK)  # what Python and the libraries beneath it read when they start
FORKED = ("web", "worker", "sweep")

Process = subprocess.Popen[bytes] | forked.Forked


@dataclass
class Live:
    """The sandbox, the processes by the name they were given, and a view into the database."""

    system: System
    folder: Path
    port: int
    env: dict[str, str]
    redis_socket: Path
    running: dict[str, Process] = field(default_factory=dict)
    logs: list[Path] = field(default_factory=list)

    # --- processes --------------------------------------------------------------------------------

    def start(self, command: str, name: str | None = None, **env: str) -> Process:
        """Start `bridge web`, `worker`, `sweep` or `up`, or `redis`; returns when it is ready."""
        name = name or command
        assert name not in self.running, f"{name} runs already"
        log = self.folder / f"{name}-{len(self.logs)}.log"
        self.logs.append(log)
        with log.open("w") as out:
            if command in FORKED:
                arguments = self._bridge_argv(command)
                process: Process = forked.start(arguments, self.env | env, out.fileno(), BEFORE)
            else:
                process = self._executed(command, env, out)
        self.running[name] = process
        ready = {"web": self._web_answers, "up": self._web_answers, "redis": self._redis_answers}
        if command in ready:
            self._until_ready(process, ready[command], name)
        return process

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """End a process with all that it started itself; its exit code."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            return process.wait(START_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def dies(self, name: str, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for a process to end; its exit code."""
        process = self.running.pop(name)
        try:
            return process.wait(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def log(self, name: str) -> str:
        """All that processes of this name have written so far."""
        return "".join(p.read_text() for p in self.logs if p.name.startswith(f"{name}-"))

    def close(self) -> None:
        """End everything; show its output (pytest prints it for a failed test)."""
        for name in list(self.running):
            self.kill(name)
        for log in self.logs:
            lines = log.read_text().splitlines()[-LOG_LINES_SHOWN:]
            print(f"--- {log.name}", *lines, sep="\n")  # noqa: T201 - read where a test failed
        shutil.rmtree(self.redis_socket.parent, ignore_errors=True)

    def _executed(
        self, command: str, env: Mapping[str, str], out: IO[str]
    ) -> subprocess.Popen[bytes]:
        bridge = [sys.executable, "-m", "bridge", *self._bridge_argv(command)]
        return subprocess.Popen(
            self._redis_argv() if command == "redis" else bridge,
            cwd=ROOT,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def _bridge_argv(self, command: str) -> list[str]:
        return [command, *(["--port", str(self.port)] if command in ("web", "up") else [])]

    def _redis_argv(self) -> list[str]:
        binary = redis_binary(os.environ["PATH"])
        assert binary, "no redis-server on PATH, and the extra `embedded` is not installed"
        where = str(self.redis_socket)
        options = ["--port", "0", "--unixsocket", where, "--save", "", "--appendonly", "no"]
        return [binary, *options, "--dir", str(self.redis_socket.parent)]

    def _until_ready(self, process: Process, answers: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            assert process.poll() is None, f"{name} ended: {self.log(name)[-2000:]}"
            assert time.monotonic() < deadline, f"{name} does not come up"
            time.sleep(0.02)

    def _web_answers(self) -> bool:
        try:
            return requests.get(f"{self.system.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def _redis_answers(self) -> bool:
        try:
            return bool(self.redis().ping())
        except redis.RedisError:
            return False

    def redis(self) -> redis.Redis:
        """A client of the test's Redis."""
        return redis.Redis(unix_socket_path=str(self.redis_socket), socket_timeout=5)

    # --- time -------------------------------------------------------------------------------------

    def until(
        self, is_so: Callable[[], Any], *, pace: float = 0.0, seconds: float = PATIENCE_SECONDS
    ) -> Any:
        """Wait until something holds; each second of it is `pace` more for everybody."""
        deadline = time.monotonic() + seconds
        while True:
            if value := is_so():
                return value
            assert time.monotonic() < deadline, f"did not become true within {seconds} s"
            time.sleep(0.05)
            if pace:
                self.system.advance(pace * 0.05)

    def work_here(self, is_so: Callable[[], Any], *, rounds: int = 60) -> None:
        """Do the sweeper's work in this process, over simulated time, until something holds."""
        world = self.system.sandbox.world
        for _ in range(rounds):
            delivery.wait_until_idle(world)
            self.system.advance(3)
            sweeper.tick(self.system.bridge)
            if is_so() and self.at_rest():
                return
        raise AssertionError(f"did not become true within {rounds} rounds of work")

    def at_rest(self) -> bool:
        """Whether nothing is left to decide, send or resolve, and all due events are delivered."""
        with self.system.bridge.store.read() as connection:
            dirty = connection.scalar(
                select(func.count()).select_from(work).where(work.c.dirty_gen > work.c.done_gen)
            )
            M = memberships.c  # noqa: N806 - as in the store
            unsettled = connection.scalar(
                select(func.count())
                .select_from(memberships)
                .where(
                    M.intent.is_not(None)
                    | (M.wanted & ~M.actual & M.hold.is_(None) & M.override.is_(None))
                    | (~M.wanted & M.actual & (M.owned != "no") & M.hold.is_(None))
                )
            )
            untold = statements.due_users(connection, self.system.bridge.clock.now(), 1)
        idle = delivery.is_idle(self.system.sandbox.world)
        return not dirty and not unsettled and not untold and idle

    def has_swept(self, since: datetime) -> bool:
        """Whether a sweep went through everything since then."""
        with self.system.bridge.store.read() as connection:
            last = state.get_time(connection, state.LAST_SWEEP)
        return last is not None and last > since

    # --- looking into the database ----------------------------------------------------------------

    def actions(self, user: str, group: str | None = None) -> list[str]:
        """The change log of somebody, in its order."""
        return [row.action for row in self.lines(user, group)]

    def lines(self, user: str, group: str | None = None) -> list[Row[Any]]:
        """The change log's lines about somebody."""
        query = select(changes).where(changes.c.user_id == self.system.user(user))
        if group is not None:
            query = query.where(changes.c.group_id == self.system.group(group))
        with self.system.bridge.store.read() as connection:
            return list(connection.execute(query.order_by(changes.c.id)))

    def stored(self, event_id: str | None = None) -> list[Row[Any]]:
        """Events in the inbox."""
        query = select(inbox)
        if event_id is not None:
            query = query.where(inbox.c.event_id == event_id)
        with self.system.bridge.store.read() as connection:
            return list(connection.execute(query))

    def generation(self, key: str) -> int:
        """How often something was made dirty."""
        with self.system.bridge.store.read() as connection:
            return connection.scalar(select(work.c.dirty_gen).where(work.c.key == key)) or 0

    def is_told(self, user: str) -> bool:
        """Whether the bridge knows that this member's message stands."""
        with self.system.bridge.store.read() as connection:
            topic_id = select(users.c.topic_id).where(users.c.user_id == self.system.user(user))
            return connection.scalar(topic_id) is not None

    def messages(self, user: str) -> int:
        """How many private messages the forum has for somebody."""
        user_id = self.system.user(user)
        topics = list(self.system.sandbox.forum.topics.values())
        return sum(1 for topic in topics if topic.is_message and user_id in topic.allowed_user_ids)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid:
            found.append(int(entry.name))
    return found


def command_of(pid: int) -> str:
    """The command line of a process; empty if it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@contextmanager
def live(
    tmp_path: Path,
    *,
    database_url: str | None = None,
    config: str = "",
    requests_per_minute: int = 50,
) -> Iterator[Live]:
    """A sandbox and a prepared database; the test starts the processes that it wants."""
    clock_file = tmp_path / "clock"
    config_file = tmp_path / "bridge.toml"
    config_file.write_text(config)
    sandbox = open_sandbox(clock_file)
    info = sandbox.info
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A unix socket's path must be short.
    redis_socket = Path(tempfile.mkdtemp(prefix="br-")) / "redis.sock"
    env = {
        "PATH": os.environ["PATH"],
        **{name: os.environ[name] for name in CLOCK if name in os.environ},
        **sandbox.settings(),
        "DISCOURSE_REQUESTS_PER_MINUTE": str(requests_per_minute),
        "BRIDGE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url or with_tables(tmp_path / "bridge.sqlite3"),
        "BRIDGE_DATA": str(tmp_path / "data"),
        "BRIDGE_CONFIG": str(config_file),
        "BRIDGE_CLOCK_FILE": str(clock_file),
    }
    bridge = wiring.build(Settings.from_env(env))
    compile_once(bridge.store)
    migrate.upgrade(bridge.store, bridge.clock.now())
    bridge.limiter.prepare()
    secret = info["stripe_webhook_secret"]
    add_webhook(sandbox.world, f"{env['BRIDGE_URL']}/webhooks/stripe", secret=secret)
    sdk = stripe.StripeClient(info["stripe_key"], base_addresses={"api": info["stripe_url"]})
    system = System(sandbox, bridge, env["BRIDGE_URL"], sdk)
    it = Live(system, tmp_path, port, env, redis_socket)
    try:
        yield it
    finally:
        it.close()
        bridge.store.close()
        sandbox.close()
