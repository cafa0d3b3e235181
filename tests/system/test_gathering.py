"""When additions are sent one by one, and when those of a second or two go together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.core.model.discourse import User
from bridge.sandbox.stripe import delivery
from bridge.store import links, users
from bridge.worker import sweeper
from tests.harness import System, system


def buy(world: System, price: str, at: Sequence[float]) -> list[float]:
    """One person buys at each of these seconds; how long each waited, on the simulated clock."""
    clock = world.sandbox.world.clock
    customers = [customer_of(world, f"member{number}") for number in range(len(at))]
    world.settle()
    start, paid = clock.now(), dict[int, float]()
    waiting = sorted(zip(at, range(len(at)), strict=True), reverse=True)
    while waiting or len(came(world)) < len(at):
        began = clock.now()
        while waiting and waiting[-1][0] <= began - start:
            _, number = waiting.pop()
            paid[world.user(f"member{number}")] = began
            world.subscribe(customers[number], price)
        delivery.wait_until_idle(world.sandbox.world)
        sweeper.tick(world.bridge)
        sweeper.tick(world.bridge)
        world.advance(max(0.0, 0.5 - (clock.now() - began)))
        assert clock.now() - start < 600, "somebody waits for ever"
    there = came(world)
    return [there[user_id] - at for user_id, at in paid.items()]


def customer_of(world: System, name: str) -> str:
    """A customer that is linked without asking the forum, as one made by a link is."""
    customer, user_id, now = world.customer(None), world.user(name), world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        links.link(connection, customer, user_id, proof="made for them", actor="test", now=now)
        users.see(connection, User(user_id, name), now)
    return customer


def came(world: System) -> dict[int, float]:
    group_id = world.group("supporters")
    log = world.sandbox.forum.membership_log
    return {change.user_id: change.at for change in log if change.group_id == group_id}


def additions(world: System) -> int:
    return len([e for e in world.calls("discourse") if e.method == "PUT" and "members" in e.path])


def most_in_a_minute(world: System) -> int:
    times = sorted(entry.at for entry in world.calls("discourse"))
    return max(sum(1 for at in times if 0 <= at - first < 60) for first in times)


def test_twelve_buyers_in_45_seconds_wait_for_nobody(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        price = world.price("supporters")
        waits = buy(world, price, [n * 3.75 for n in range(12)])
        assert additions(world) == 12
        # The second of settling, and what this test's own steps take.
        assert max(waits) < 2.5


def test_in_a_rush_messages_give_way_first_and_nobody_waits_long(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        price = world.price("supporters")
        mark = world.mark()
        waits = buy(world, price, [n * 0.6 for n in range(105)])
        assert max(waits) < 9
        assert additions(world) < 60
        assert most_in_a_minute(world) <= 50, "I4"
        told = [e for e in world.calls("discourse", mark) if e.path == "/posts.json"]
        assert len(told) < 50, "most are told when the rush is over"
