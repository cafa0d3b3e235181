"""Everybody is read again: 100,000 members in 10 groups, one in a hundred not as they should be."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import func, insert, select

from bridge.sandbox.discourse.membership import leave
from bridge.sandbox.discourse.people import load_members, load_users
from bridge.sandbox.stripe.account import account_of
from bridge.sandbox.stripe.loading import load
from bridge.store import state, subscriptions
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.people import customers, users
from bridge.worker import sweeper
from tests.bench.report import at_most, show
from tests.harness import System
from tests.processes import ROOT, Live, live

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
MEMBERS = int(os.environ.get("BENCH_MEMBERS", "100000"))
GROUPS = 10
DRIFT = MEMBERS // 100
MONTH = 30 * 86_400


@dataclass
class Reconciler:
    """The process that is measured."""

    told: IO[str]
    answers: IO[str]
    peak_mib: float = 0.0

    def do(self, what: str) -> int:
        self.told.write(f"{what}\n")
        self.told.flush()
        answer = json.loads(self.answers.readline())
        self.peak_mib = answer["peak_mib"]
        return int(answer["found"])


@contextmanager
def reconciler(system: Live) -> Iterator[Reconciler]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.reconciler"],
        cwd=ROOT,
        env=system.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Reconciler(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def test_a_full_reconcile_of_everybody(tmp_path: Path) -> None:
    with live(tmp_path) as it, reconciler(it) as process:
        world = it.system
        prices = [world.price(f"group{n}") for n in range(GROUPS)]
        process.do("learn")
        everybody = settled(world, prices)
        empty_mib = process.peak_mib
        drift(world, everybody)
        mark, began = world.mark(), time.monotonic()
        clock = world.sandbox.world.clock
        started_at = clock.now()
        process.do("reconcile")
        read_in = time.monotonic() - began
        while not is_right(world):
            process.do("tick")
            world.advance(1.0)
            assert clock.now() - started_at < 7200, "it does not come to its end"
        simulated = clock.now() - started_at
        told(world, mark, process, empty_mib, read_in, simulated)


def told(
    world: System,
    mark: int,
    process: Reconciler,
    empty_mib: float,
    read_in: float,
    simulated: float,
) -> None:
    kinds = Counter(kind(entry.method, entry.path) for entry in world.calls("discourse", mark))
    kinds.update(f"Stripe {kind(e.method, e.path)}" for e in world.calls("stripe", mark))
    pages = GROUPS * math.ceil(MEMBERS / GROUPS / 1000)
    writes = GROUPS * 2
    floor = pages + writes
    discourse = sum(n for name, n in kinds.items() if not name.startswith("Stripe"))
    show(
        f"Full reconcile of {MEMBERS:,} members in {GROUPS} groups, {DRIFT:,} of them astray",
        ("what", "value"),
        [
            ("calls to the forum", discourse),
            ("floor: pages of members and one write per group and direction", floor),
            ("ratio", f"{discourse / floor:.2f}"),
            ("everything read from Stripe in, seconds", read_in),
            ("simulated minutes until everybody was right, at 50 a minute", simulated / 60),
            ("peak memory of the process, MiB", process.peak_mib),
            ("of it before anything was read, MiB", empty_mib),
        ],
    )
    at_most(
        f"full reconcile of {MEMBERS:,}: calls to the forum", discourse / floor, 1.1, "x the floor"
    )
    at_most(f"full reconcile of {MEMBERS:,}: peak memory", process.peak_mib, 250, "MiB")
    show("Its calls", ("call", "times"), kinds.most_common())


def kind(method: str, path: str) -> str:
    parts = ["N" if part.split(".")[0].isdigit() else part for part in path.split("/")]
    if len(parts) > 2 and parts[1] == "groups":
        parts[2] = "N"
    return f"{method} {'/'.join(parts)}"


# --- the community --------------------------------------------------------------------------------


def settled(world: System, prices: list[str]) -> list[int]:
    """Everybody pays, is in their group, and the bridge knows it; returns the users' ids."""
    forum, clock = world.sandbox.forum, world.sandbox.world.clock
    then = clock.now()
    people = load_users(forum, MEMBERS, then)
    ours = forum.user_id_by_name[world.sandbox.info["discourse_username"]]
    for number in range(GROUPS):
        group = forum.groups[world.group(f"group{number}")]
        load_members(forum, group, people[number::GROUPS], then, ours)
    user_ids = [user.id for user in people]
    subscribe_all(world, prices, user_ids, int(then))
    clock.advance(MONTH / 3)
    record_all(world)
    return user_ids


def subscribe_all(world: System, prices: list[str], user_ids: list[int], then: int) -> None:
    tables = account_of(world.sandbox.world).tables
    shown = [world.sdk.v1.prices.retrieve(price).to_dict() for price in prices]
    for start in range(0, len(user_ids), 5000):
        chunk = [
            subscription(user_id, shown[(start + n) % GROUPS], then)
            for n, user_id in enumerate(user_ids[start : start + 5000])
        ]
        load(world.sandbox.world, chunk)
    tables["event"].clear()


def subscription(user_id: int, price: dict[str, Any], then: int) -> dict[str, Any]:
    item = {
        "id": f"si_{user_id}",
        "object": "subscription_item",
        "price": price,
        "quantity": 1,
        "created": then,
        "metadata": {},
    }
    return {
        "id": f"sub_{user_id}",
        "object": "subscription",
        "customer": f"cus_{user_id}",
        "status": "active",
        "created": then,
        "start_date": then,
        "current_period_start": then,
        "current_period_end": then + MONTH,
        "currency": "eur",
        "metadata": {},
        "items": {"object": "list", "data": [item]},
    }


def record_all(world: System) -> None:
    """As the bridge would have it on record after their sign-ups."""
    bridge = world.bridge
    now = bridge.clock.now()
    since = now - timedelta(seconds=MONTH / 3)
    for page in bridge.stripe.all_subscriptions():
        with bridge.store.write() as connection:
            rows = []
            for one in page:
                subscriptions.save(connection, one, now)
                user_id = int(one.customer_id.removeprefix("cus_"))
                rows.append((user_id, one))
            connection.execute(insert(customers), [customer(*row, now) for row in rows])
            connection.execute(insert(memberships), [membership(world, *row, now) for row in rows])
            connection.execute(
                insert(users),
                [
                    {"user_id": user_id, "username": None, "state": "active", "seen_at": since}
                    for user_id, _ in rows
                ],
            )
    with bridge.store.write() as connection:
        for job in sweeper.PERIODIC:
            state.put_time(connection, f"periodic.{job.name}", now)


def customer(user_id: int, one: Any, now: Any) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "user_id": user_id,
        "proof": "checkout",
        "first_seen_at": one.created_at,
        "linked_at": one.created_at,
        "read_at": now,
        "has_purchases": False,
    }


def membership(world: System, user_id: int, one: Any, now: Any) -> dict[str, Any]:
    product_id = one.items[0].product_id
    group = next(g for g in world.sandbox.forum.users[user_id].group_ids if g >= 100)
    return {
        "user_id": user_id,
        "group_id": group,
        "wanted": True,
        "wanted_since": one.created_at,
        "sources": [one.id],
        "reason": "active",
        "rule_id": f"product:{product_id}",
        "decided_at": one.created_at,
        "actual": True,
        "actual_since": one.created_at,
        "seen_at": now,
        "owned": "proven",
    }


def drift(world: System, user_ids: list[int]) -> None:
    """Half of the astray are lost by the forum, half have cancelled and nobody was told."""
    forum = world.sandbox.forum
    step = 2 * (MEMBERS // DRIFT) + 1  # odd, so that they are of all groups
    lost, cancelled = user_ids[7::step], user_ids[57::step]
    for user_id in lost:
        person = forum.users[user_id]
        for group in forum.groups_of(person):
            if not group.automatic:
                leave(forum, group, person)
    rows = account_of(world.sandbox.world).tables["subscription"]
    at = int(world.sandbox.world.clock.now())
    for user_id in cancelled:
        rows[f"sub_{user_id}"].update(status="canceled", ended_at=at, canceled_at=at)


def is_right(world: System) -> bool:
    """Whether the forum's groups are what Stripe says, and every group was read since."""
    forum = world.sandbox.forum
    rows = account_of(world.sandbox.world).tables["subscription"]
    paying = {int(id_[4:]) for id_, row in rows.items() if row["status"] == "active"}
    inside: set[int] = set()
    for number in range(GROUPS):
        inside.update(forum.groups[world.group(f"group{number}")].members)
    if inside != paying:
        return False
    with world.bridge.store.read() as connection:
        unread = connection.scalar(
            select(func.count())
            .select_from(groups)
            .where(groups.c.reading_since.is_not(None) | groups.c.read_due_at.is_not(None))
        )
    return not unread
