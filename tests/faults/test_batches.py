"""Many at once: batches cut off in the middle, their echoes, and a forum that is slow."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, update

from bridge.sandbox.discourse import delivery as forum_delivery
from bridge.sandbox.discourse.hooks import listen
from bridge.sandbox.discourse.people import load_users
from bridge.store.schema.forum import groups as group_table
from bridge.store.schema.forum import memberships
from bridge.store.schema.work import inbox
from bridge.worker import applier, sweeper
from tests.faults.looking import CAME_IN, batch_size, log_of, moves_of, writes
from tests.harness import System

pytestmark = pytest.mark.faults


def wanted(world: System, names: list[str]) -> None:
    """Have them wanted in the group, as the decider writes it."""
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        connection.execute(
            insert(memberships),
            [
                {
                    "user_id": world.user(name),
                    "group_id": world.group("supporters"),
                    "wanted": True,
                    "decided_at": now,
                    "sources": [],
                    "actual": False,
                    "owned": "no",
                }
                for name in names
            ],
        )


def unwanted(world: System, names: list[str]) -> None:
    """Have them proven without a grant, as the decider writes it."""
    now = world.bridge.clock.now()
    ids = [world.user(name) for name in names]
    with world.bridge.store.write() as connection:
        connection.execute(
            update(memberships)
            .where(memberships.c.user_id.in_(ids))
            .values(wanted=False, unwanted_at=now, confirmed_at=now, decided_at=now)
        )


def people(world: System, count: int, prefix: str = "member") -> list[str]:
    """Many users of the forum."""
    now = world.sandbox.world.clock.now()
    made = load_users(world.sandbox.forum, count, now, prefix)
    world.users |= {user.username: user.id for user in made}
    return [user.username for user in made]


def work(world: System, seconds: float, *, step: float = 5) -> None:
    for _ in range(int(seconds / step)):
        world.advance(step)
        sweeper.tick(world.bridge)


@pytest.mark.parametrize("in_it", [1, 5, 9])
def test_F39_A104_a_batch_that_is_cut_off_is_finished_in_smaller_ones_nobody_twice_in_the_log(
    world: System, in_it: int
) -> None:
    world.price("supporters")
    world.settle()
    names = people(world, 10)
    wanted(world, names)
    faults = world.sandbox.world.faults
    faults.add("discourse", "PUT /groups/*", "partial", members=in_it)
    work(world, 60)
    assert world.members("supporters") == set(names)
    assert batch_size(world) < 100
    for name in names:
        assert moves_of(world, name) == [True]
        assert sum(log_of(world, name).count(action) for action in CAME_IN) == 1

    unwanted(world, names[:5])
    faults.add("discourse", "DELETE /groups/*", "partial", members=in_it // 2)
    work(world, 60)
    assert world.members("supporters") == set(names[5:])
    for name in names[:5]:
        assert moves_of(world, name) == [True, False]
        assert log_of(world, name).count("removed") == 1


def test_F40_a_thousand_echoes_of_one_batch_cost_no_request(world: System) -> None:
    world.price("supporters")
    world.settle()
    names = people(world, 1000)
    wanted(world, names)
    with world.bridge.store.write() as connection:
        connection.execute(update(group_table).values(batch_size=1000))
    secret = world.sandbox.info["discourse_webhook_secret"]
    listen(world.sandbox.forum, f"{world.url}/webhooks/discourse", secret)
    applier.work_on(world.bridge, world.group("supporters"))
    assert len(world.members("supporters")) == 1000
    mark = world.mark()
    assert forum_delivery.wait_until_idle(world.sandbox.world, 60)
    assert {e["state"] for e in forum_delivery.deliveries(world.sandbox.world)} == {"done"}
    work(world, 4, step=1)
    counted = select(inbox.c.status, inbox.c.outcome, func.count()).where(
        inbox.c.type == "discourse.user_added_to_group"
    )
    with world.bridge.store.read() as connection:
        rows = connection.execute(counted.group_by(inbox.c.status, inbox.c.outcome)).all()
    assert [tuple(row) for row in rows] == [
        ("ignored", "the echo of what the bridge did or knew", 1000)
    ]
    # What the sweep and the catalogue ask for anyway are lists; nobody is asked about.
    assert [e.path for e in world.calls("stripe", mark) if e.query.count("customer=")] == []
    assert [e.path for e in world.calls("discourse", mark) if "/users/" in e.path] == []
    assert writes(world, mark) == []


def test_F42_A104_batches_shrink_while_the_forum_is_slow_and_grow_again(world: System) -> None:
    world.price("supporters")
    world.settle()
    timing = world.sandbox.forum.timing
    timing.on, timing.add_seconds = True, 0.1

    def wave(count: int, prefix: str) -> float:
        """So many want to be in; how long the longest request took."""
        mark = world.mark()
        wanted(world, people(world, count, prefix))
        work(world, 10)
        return max(e.seconds for e in world.calls("discourse", mark) if e.method == "PUT")

    assert wave(40, "slow") >= 4
    assert batch_size(world) == 20
    assert 2 <= wave(20, "fitting") < 3
    assert batch_size(world) == 20
    timing.add_seconds = 0.001
    wave(60, "fast")
    assert batch_size(world) >= 80
    assert len(world.members("supporters")) == 120
