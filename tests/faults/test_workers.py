"""Workers are killed or stopped while they work: one effect, by one holder of the lease."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from bridge.sandbox.stripe import delivery
from bridge.store.leases import LEASE_SECONDS
from bridge.store.schema.work import leases
from tests.processes import KILLED, Live, children, command_of
from tests.processes import live as live_system

pytestmark = pytest.mark.faults

CAME_IN = ("added", "observed_done")


def with_redis(live: Live) -> dict[str, str]:
    return {"REDIS_URL": f"unix://{live.redis_socket}"}


def start_all(live: Live, **worker_env: str) -> None:
    """Redis, web, sweeper and a worker that may be set up to die."""
    live.start("redis")
    live.start("web", **with_redis(live))
    live.start("sweep", **with_redis(live))
    live.start("worker", **with_redis(live), **worker_env)


def buy(live: Live, user: str = "alice") -> str:
    """Somebody subscribes; the subscription's id."""
    price = live.system.price("supporters")
    return str(live.system.subscribe(live.system.customer(user), price).id)


def moves(live: Live, user: str) -> list[bool]:
    """How somebody came into the group and left it, as the forum saw it."""
    log = live.system.sandbox.forum.membership_log
    return [change.added for change in log if change.user_id == live.system.user(user)]


def crash_and_restart(live: Live) -> None:
    live.until(lambda: live.running["worker"].poll() is not None, pace=10)
    assert live.dies("worker") == KILLED
    live.system.advance(LEASE_SECONDS + 2)
    live.start("worker", **with_redis(live))


def test_F07_killed_after_adding_before_recording_it_is_one_membership_and_one_welcome(
    on_both: Live,
) -> None:
    live = on_both
    start_all(live, BRIDGE_CRASH_AT="after_discourse_add")
    buy(live)
    crash_and_restart(live)
    live.until(lambda: live.at_rest() and live.is_told("alice"), pace=10)
    assert live.system.members("supporters") == {"alice"}
    assert moves(live, "alice") == [True]
    log = live.actions("alice", "supporters")
    # A reading of the group may have seen the membership since: that is no change.
    assert [one for one in log if one != "seen"] == ["wanted", "intent_add", "observed_done"]
    assert live.messages("alice") == 1


def test_F08_killed_before_adding_after_writing_down_the_intent_adds_once(processes: Live) -> None:
    live = processes
    start_all(live, BRIDGE_CRASH_AT="before_discourse_add")
    buy(live)
    crash_and_restart(live)
    live.until(lambda: live.at_rest() and live.is_told("alice"), pace=10)
    assert moves(live, "alice") == [True]
    log = live.actions("alice", "supporters")
    assert log == ["wanted", "intent_add", "not_done", "intent_add", "added"]


def test_F09_killed_after_removing_before_recording_it_stays_removed(processes: Live) -> None:
    live = processes
    live.start("web")
    subscription = buy(live)
    live.work_here(lambda: live.is_told("alice"))
    live.kill("web")
    start_all(live, BRIDGE_CRASH_AT="after_discourse_remove")
    live.system.sdk.v1.subscriptions.cancel(subscription)
    crash_and_restart(live)
    live.until(live.at_rest, pace=10)
    assert moves(live, "alice") == [True, False]
    assert live.actions("alice", "supporters").count("removed") == 1


def test_a_hint_that_a_killed_worker_left_behind_holds_nobody_up(tmp_path: Path) -> None:
    # No reading of the group falls due meanwhile: it would find the work, too.
    with live_system(tmp_path, config="[site]\nsweep_seconds = 86400\n") as live:
        live.start("web")
        price = live.system.price("supporters")
        customer = live.system.customer("alice")
        live.work_here(lambda: True)  # the group was just read: nothing but hints are left
        live.kill("web")
        start_all(live, BRIDGE_CRASH_AT="before_discourse_add")
        live.system.subscribe(customer, price)
        crash_and_restart(live)
        mark = live.system.mark()
        live.until(lambda: live.system.groups_of("alice"))
        calls = [f"{e.method} {e.path}" for e in live.system.calls("discourse", mark)]
        assert not any(call.endswith("/supporters/members.json") for call in calls)


def holder(live: Live, name: str) -> tuple[str, int]:
    """The holder of a lease, and its number."""
    with live.system.bridge.store.read() as connection:
        row = connection.execute(select(leases).where(leases.c.name == name)).one()
    return row.owner, row.token


def test_F10_a_worker_without_its_parent_and_its_successor_do_it_once(processes: Live) -> None:
    live = processes
    live.start("redis")
    price = live.system.price("supporters")
    customer = live.system.customer("alice")
    faults = live.system.sandbox.world.faults
    faults.add("discourse", "PUT /groups/*", "slow", seconds=14)
    up = live.start("up", **with_redis(live))
    live.system.subscribe(customer, price)
    group_lease = f"group:{live.system.group('supporters')}"
    live.until(lambda: not faults.switches)  # the worker waits for the forum's answer
    first_owner, token = holder(live, group_lease)
    web, worker = ([p for p in children(up.pid) if n in command_of(p)] for n in ("web", "worker"))
    os.kill(up.pid, signal.SIGKILL)
    live.dies("up")
    live.until(lambda: not is_running(web))  # it frees the port
    live.start("up", "successor", **with_redis(live))
    live.system.advance(LEASE_SECONDS + 2)
    live.until(lambda: live.at_rest() and live.is_told("alice"), pace=10)
    assert first_owner
    assert holder(live, group_lease)[1] > token
    live.until(lambda: not is_running(worker))
    assert moves(live, "alice") == [True]
    assert sum(live.actions("alice", "supporters").count(one) for one in CAME_IN) == 1
    assert live.messages("alice") == 1


def is_running(pids: list[int]) -> bool:
    assert pids
    return any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_F11_a_worker_that_was_stopped_for_five_minutes_writes_nothing(processes: Live) -> None:
    live = processes
    world = live.system.sandbox.world
    live.start("web")
    subscription = buy(live)
    live.work_here(lambda: live.is_told("alice"))
    faults = world.faults
    # Its reading says that she has paid; it is stopped before it can write that down.
    faults.add("stripe", "GET /v1/subscriptions", "slow", seconds=1)
    sleeper = live.start("sweep", "sleeper")
    live.system.sdk.v1.subscriptions.update(subscription, {"metadata": {"any": "change"}})
    live.until(lambda: not faults.switches)
    sleeper.send_signal(signal.SIGSTOP)
    time.sleep(1.1)
    live.system.sdk.v1.subscriptions.cancel(subscription)
    live.system.advance(300)
    live.start("sweep", "successor")
    live.until(lambda: live.at_rest() and not live.system.groups_of("alice"), pace=10)
    before = live.lines("alice")
    sleeper.send_signal(signal.SIGCONT)
    live.until(lambda: "lease.lost" in live.log("sleeper"))
    assert live.lines("alice") == before
    live.kill("sleeper")
    live.system.advance(300)
    live.until(live.at_rest)
    assert moves(live, "alice") == [True, False]


def test_F36_two_of_everything_have_one_effect(on_both: Live) -> None:
    live = on_both
    people = [f"user{n}" for n in range(12)]
    price = live.system.price("supporters")
    live.start("redis")
    live.start("web", **with_redis(live))
    for n in (1, 2):
        live.start("sweep", f"sweep{n}", **with_redis(live))
        live.start("worker", f"worker{n}", **with_redis(live))
        live.start("sweep", f"alone{n}")  # without Redis it does the work itself
    delivery.duplicate(live.system.sandbox.world)
    for user in people:
        live.system.subscribe(live.system.customer(user), price)
    live.until(lambda: live.at_rest() and all(map(live.is_told, people)), pace=2)
    assert live.system.members("supporters") == set(people)
    for user in people:
        assert moves(live, user) == [True]
        assert live.messages(user) == 1
        log = live.actions(user, "supporters")
        assert sum(log.count(action) for action in CAME_IN) == 1
