"""Others continue the work of a killed process within seconds, however long its leases last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from bridge.process_name import has_ended, own_name
from bridge.store import processes
from bridge.store.leases import LeaseLost, check, claim
from bridge.store.schema.work import leases
from tests.harness import System
from tests.processes import Live, Process, children, command_of

pytestmark = pytest.mark.faults

HEIR_SECONDS = 10.0


def worker_of(up: Process, command: str) -> int:
    return next(pid for pid in children(up.pid) if f"bridge {command}" in command_of(pid))


def until_somebody_waits_for_the_forum(live: Live, price: str) -> None:
    """Let alice buy; the forum takes its time over the answer to her addition."""
    customer = live.system.customer("alice")
    faults = live.system.sandbox.world.faults
    faults.add("discourse", "PUT /groups/*", "slow", seconds=30)
    live.system.subscribe(customer, price)
    live.until(lambda: not faults.switches)


def holder(live: Live, name: str) -> str | None:
    with live.system.bridge.store.read() as connection:
        return connection.scalar(select(leases.c.owner).where(leases.c.name == name))


def test_A143_what_a_killed_worker_held_is_done_within_seconds(on_both: Live) -> None:
    live = on_both
    price = live.system.price("supporters")
    up = live.start("up")
    until_somebody_waits_for_the_forum(live, price)
    assert holder(live, f"group:{live.system.group('supporters')}")
    os.kill(worker_of(up, "worker"), signal.SIGKILL)
    live.until(lambda: live.system.groups_of("alice"), seconds=HEIR_SECONDS)
    live.until(lambda: live.at_rest() and live.is_told("alice"), pace=10)
    assert live.messages("alice") == 1
    assert "process.died" in live.log("up")


def test_A143_a_killed_sweeper_that_works_alone_has_an_heir_at_once(processes: Live) -> None:
    live = processes
    price = live.system.price("supporters")
    live.start("web")
    live.start("sweep")
    until_somebody_waits_for_the_forum(live, price)
    live.kill("sweep")
    live.start("sweep", "heir")
    live.until(lambda: live.system.groups_of("alice"), seconds=HEIR_SECONDS)


def test_A143_workers_killed_again_and_again_lose_and_double_nothing(processes: Live) -> None:
    live = processes
    price = live.system.price("supporters")
    up = live.start("up")
    people = [f"user{number}" for number in range(6)]
    for number, user in enumerate(people):
        live.system.subscribe(live.system.customer(user), price)
        live.until(lambda: any("bridge worker" in command_of(pid) for pid in children(up.pid)))
        if number % 2:
            os.kill(worker_of(up, "worker"), signal.SIGKILL)
    live.until(lambda: live.at_rest() and all(map(live.is_told, people)), pace=10)
    assert live.system.members("supporters") == set(people)
    assert [live.messages(user) for user in people] == [1] * len(people)


@contextmanager
def elsewhere(live: Live, name: str, lease: str, *, lives: bool) -> Iterator[None]:
    """A process of another machine that holds a lease; it goes on beating, or does not."""
    store, now = live.system.bridge.store, live.system.bridge.clock.now()
    stop = threading.Event()

    def beat() -> None:
        with store.write() as connection:
            processes.beat(connection, name)

    def go_on() -> None:
        while not stop.wait(1):
            beat()

    beat()
    with store.write() as connection:
        assert claim(connection, lease, name, now, seconds=3600)
    thread = threading.Thread(target=go_on)
    if lives:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if lives:
            thread.join()


def test_A143_on_another_machine_the_heartbeat_decides(on_both: Live) -> None:
    live = on_both
    with (
        elsewhere(live, "far:7:100:somewhere:a1", "group:1", lives=True),
        elsewhere(live, "far:8:100:somewhere:a2", "group:2", lives=False),
    ):
        live.start("sweep")
        live.until(lambda: holder(live, "group:2") == "", seconds=60)
        assert holder(live, "group:1") == "far:7:100:somewhere:a1"


def test_A143_who_was_taken_for_dead_writes_nothing_and_is_back_with_the_next_beat(
    world_on_both: System,
) -> None:
    store, clock = world_on_both.bridge.store, world_on_both.bridge.clock
    with store.write() as connection:
        processes.beat(connection, "one")
        lease = claim(connection, "group:1", "one", clock.now())
        assert lease
        processes.leave(connection, "one", clock.now())
        with pytest.raises(LeaseLost):
            check(connection, lease, clock.now() + timedelta(seconds=1))
        processes.beat(connection, "one")
        assert processes.beats(connection) == {"one": 1}


def test_A143_a_name_says_for_certain_whether_its_process_has_ended() -> None:
    words = "from bridge.process_name import own_name; print(own_name(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        name = child.stdout.readline().strip()
        assert not has_ended(name)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(name), "a zombie works no more"
    assert has_ended(name)


def test_A143_what_is_not_certain_is_no_death() -> None:
    host, pid, started, place, token = own_name().split(":")
    assert not has_ended(f"{host}:{pid}:{started}:{place}:{token}")
    assert has_ended(f"{host}:{pid}:1:{place}:{token}"), "its id belongs to another now"
    assert not has_ended(f"{host}:1:{started}:elsewhere:{token}")
    for name in ("", "one", "host:12:abc", f"{host}:x:{started}:{place}:{token}"):
        assert not has_ended(name)
