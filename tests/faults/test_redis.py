"""Redis is a wake-up call: without it, or emptied, everything is only a little later."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from sqlalchemy import func, select

from bridge.queue import Hints
from bridge.sandbox.stripe import delivery
from bridge.store.schema.work import work
from bridge.store.work import mark_dirty, user_key
from tests.processes import Live

pytestmark = pytest.mark.faults

HINTS = 1000
KEYS = 60
BUYERS = 12


def address(live: Live) -> dict[str, str]:
    return {"REDIS_URL": f"unix://{live.redis_socket}"}


def flush(live: Live) -> None:
    live.redis().flushall()


def kill_without_a_file(live: Live) -> None:
    """This Redis keeps nothing on the disk: it comes back empty."""
    live.kill("redis")
    live.start("redis")


def count_dirty(live: Live) -> int:
    with live.system.bridge.store.read() as connection:
        return (
            connection.scalar(select(func.count()).where(work.c.dirty_gen > work.c.done_gen)) or 0
        )


def has_worker(live: Live) -> bool:
    """Start it again if it has ended, as a supervisor does."""
    if live.running["worker"].poll() is not None:
        live.dies("worker")
        live.start("worker", **address(live))
    return True


def queue_much(live: Live) -> list[str]:
    """Many keys are due, buyers among them, and a thousand hints are queued for them."""
    bridge, now = live.system.bridge, live.system.bridge.clock.now()
    price = live.system.price("supporters")
    people = [f"user{n}" for n in range(BUYERS)]
    for user in people:
        live.system.subscribe(live.system.customer(user), price)
    delivery.wait_until_idle(live.system.sandbox.world)
    with bridge.store.write() as connection:
        for number in range(KEYS - BUYERS):
            key = user_key(100_000 + number)
            mark_dirty(connection, key, now=now, due_at=now, cause="test", needs=["read"])
    with bridge.store.read() as connection:
        due = connection.execute(select(work.c.key, work.c.dirty_gen)).all()
    hints = Hints(address(live)["REDIS_URL"])
    for mark in range(HINTS // len(due) + 1):
        assert all(hints.send("decide", row.key, f"{row.dirty_gen}-{mark}") for row in due)
    return people


@pytest.mark.parametrize(
    "lose_everything",
    [
        pytest.param(flush, id="F12_flushed"),
        pytest.param(kill_without_a_file, id="F14_killed_with_no_file"),
    ],
)
def test_F12_F14_a_thousand_hints_lost_are_found_by_sweeps(
    processes: Live, lose_everything: Callable[[Live], None]
) -> None:
    live = processes
    live.start("redis")
    live.start("web", **address(live))
    people = queue_much(live)
    before = count_dirty(live)
    assert live.redis().llen("rq:queue:bridge") >= HINTS
    live.start("worker", **address(live))
    live.until(lambda: count_dirty(live) < before)  # it is at work
    lose_everything(live)
    live.start("sweep", **address(live))
    live.until(lambda: has_worker(live) and count_dirty(live) == 0 and live.at_rest())
    assert live.system.members("supporters") == set(people)


def test_F13_ten_minutes_without_redis_and_webhooks_are_stored_and_people_get_in(
    processes: Live,
) -> None:
    live = processes
    world = live.system.sandbox.world
    price = live.system.price("supporters")
    live.start("redis")
    live.start("up", **address(live))
    live.system.subscribe(live.system.customer("before"), price)
    live.until(lambda: live.system.members("supporters") == {"before"})

    live.kill("redis")
    sent = len(delivery.deliveries(world))
    live.system.subscribe(live.system.customer("during"), price)
    delivery.wait_until_idle(world)
    later = delivery.deliveries(world)[sent:]
    assert {attempt["status"] for one in later for attempt in one["attempts"]} == {200}
    ready = requests.get(f"{live.system.url}/readyz", timeout=5)
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    live.until(lambda: live.system.members("supporters") == {"before", "during"})
    live.system.advance(600)

    live.start("redis")
    seen = len(live.log("up"))
    live.system.subscribe(live.system.customer("after"), price)
    live.until(lambda: "after" in live.system.members("supporters"))
    # The worker is at work again, whether it waited or was started anew.
    live.until(lambda: re.search(r'^worker .*"decided"', live.log("up")[seen:], re.MULTILINE))
    assert all(map(live.messages, ("before", "during")))
