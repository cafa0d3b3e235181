"""When changes are sent one by one, and when those of a few seconds or minutes go together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bridge.core.model.discourse import User
from bridge.sandbox.kernel import Entry
from bridge.sandbox.stripe import delivery
from bridge.store import links, users, work
from bridge.worker import sweeper
from tests.harness import System, system
from tests.system.acts import account


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


# --- removals -------------------------------------------------------------------------------------


def members_of(world: System, *groups: str) -> dict[str, str]:
    """Three paying members in each group: user -> subscription."""
    prices = {group: world.price(group) for group in groups}
    found = {}
    for number in range(3):
        for group, price in prices.items():
            name = f"{group}{number}"
            found[name] = world.subscribe(world.customer(name), price).id
            world.settle()
    return found


def end_unheard(world: System, subscription: str) -> None:
    """End it at Stripe without any event, and have its customer read, as a full reading does."""
    row, at = account(world).tables["subscription"][subscription], world.bridge.clock.now()
    row.update(status="canceled", ended_at=int(at.timestamp()), canceled_at=int(at.timestamp()))
    with world.bridge.store.write() as connection:
        work.mark_dirty(connection, row["customer"], now=at, due_at=at, cause="x", needs=("read",))


def keep_busy(world: System, seconds: int) -> None:
    """Let time pass while pages of groups take more than half of each minute's requests."""
    for _ in range(seconds // 10):
        world.advance(10)
        while not world.bridge.limiter.is_scarce():
            with world.bridge.limiter.gate("low"):
                pass
        sweeper.tick(world.bridge)


def removals(world: System, since: int) -> list[Entry]:
    return [entry for entry in world.calls("discourse", since) if entry.method == "DELETE"]


def assert_read_just_before(world: System, removal: Entry, ending: dict[str, str]) -> None:
    """Everybody who is removed was read in the minute before (A150)."""
    for user_id in removal.query.removeprefix("user_ids=").split(","):
        subscription = ending[world.sandbox.forum.users[int(user_id)].username]
        customer = account(world).tables["subscription"][subscription]["customer"]
        read = max(e.at for e in world.calls("stripe") if f"customer={customer}" in e.query)
        assert removal.at - 60 <= read <= removal.at


def test_A150_ends_found_minute_by_minute_in_a_busy_time_cost_each_group_one_removal(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        ending = members_of(world, "supporters", "patrons")
        mark = world.mark()
        for pair in zip(*[iter(ending.values())] * 2, strict=True):
            for subscription in pair:
                end_unheard(world, subscription)
            keep_busy(world, 40)
        keep_busy(world, 300)
        found = removals(world, mark)
        assert sorted(entry.path for entry in found) == [
            f"/groups/{world.group(name)}/members.json" for name in ("supporters", "patrons")
        ]
        for one in found:
            assert_read_just_before(world, one, ending)
        assert not world.members("supporters") | world.members("patrons")


def test_nobody_waits_longer_than_five_minutes_for_another_whose_reading_is_put_off(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        ending = members_of(world, "supporters")
        for subscription in [*ending.values()][:2]:
            end_unheard(world, subscription)
        keep_busy(world, 70)
        now, key = world.bridge.clock.now(), work.user_key(world.user("supporters1"))
        with world.bridge.store.write() as connection:
            later = now + timedelta(hours=1)
            work.mark_dirty(connection, key, now=now, due_at=later, cause="x", needs=("read",))
        keep_busy(world, 200)
        assert len(world.members("supporters")) == 3, "they would go together"
        keep_busy(world, 150)
        assert world.members("supporters") == {"supporters1", "supporters2"}
