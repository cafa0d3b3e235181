"""A step of a ladder is left once its successor is there, and nothing goes on an old reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.answers.worklists.lists import counts
from bridge.sandbox.stripe import delivery
from tests.harness import POLICY, System, system
from tests.system.acts import confirm, moves, staff_remove
from tests.system.typing_commands import asked, typed

LADDER = {"level": ("bronze", "silver", "gold")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path, policy=replace(POLICY, ladders=LADDER)) as it:
        it.advance(2)
        for name in LADDER["level"]:
            it.group(name)
        yield it


def step(world: System, name: str) -> str:
    return world.price(name, discourse_ladder="level")


def refuse(world: System, what: str, group: str) -> Any:
    """Have the forum refuse to add to a group, or to remove from it."""
    path = f"{what} /groups/{world.group(group)}/members.json"
    return world.sandbox.world.faults.add("discourse", path, "status", times=None, status=502)


def test_A150_a_step_whose_own_end_waits_stays_until_a_step_bought_since_is_there(
    world: System,
) -> None:
    bronze, gold = step(world, "bronze"), step(world, "gold")
    first = world.subscribe(world.customer("alice"), bronze)
    world.settle()
    leaving, coming = refuse(world, "DELETE", "bronze"), refuse(world, "PUT", "gold")
    world.sdk.v1.subscriptions.cancel(first.id)
    confirm(world)
    world.subscribe(world.customer("alice"), gold)
    world.settle()
    world.sandbox.world.faults.switches.remove(leaving)
    for _ in range(3):
        world.advance(150)
        world.settle()
        assert world.groups_of("alice") == {"bronze"}
    world.sandbox.world.faults.switches.remove(coming)
    world.advance(150)
    world.settle()
    confirm(world)
    assert world.groups_of("alice") == {"gold"}
    assert moves(world, "alice", "bronze") == ["in", "out"]


def test_A150_a_lower_step_that_is_paid_for_stays_while_staff_keep_the_higher_one_away(
    world: System,
) -> None:
    bronze, gold = step(world, "bronze"), step(world, "gold")
    customer = world.customer("alice")
    world.subscribe(customer, bronze)
    world.settle()
    coming = refuse(world, "PUT", "gold")
    world.subscribe(customer, gold)
    world.settle()
    world.sandbox.world.faults.switches.remove(coming)
    leaving = refuse(world, "DELETE", "bronze")
    world.advance(150)
    world.settle()
    assert world.groups_of("alice") == {"bronze", "gold"}
    staff_remove(world, "gold", "alice")
    world.settle()
    world.sandbox.world.faults.switches.remove(leaving)
    for _ in range(3):
        world.advance(150)
        world.settle()
    assert world.groups_of("alice") == {"bronze"}


def test_A150_what_is_removed_was_read_within_the_last_minute_of_all_customers(
    world: System,
) -> None:
    price = step(world, "bronze")
    first, second = world.customer("alice"), world.customer("alice")
    bought = world.subscribe(first, price)
    world.settle()
    leaving = refuse(world, "DELETE", "bronze")
    world.sdk.v1.subscriptions.cancel(bought.id)
    confirm(world)
    assert world.groups_of("alice") == {"bronze"}
    delivery.hold(world.sandbox.world)
    world.subscribe(second, price)
    world.advance(130)
    world.sandbox.world.faults.switches.remove(leaving)
    world.settle()
    world.advance(130)
    world.settle()
    assert moves(world, "alice", "bronze") == ["in"], "its news is held; it was read before"


def test_A145_a_swap_whose_successor_is_in_is_no_removal_that_the_pace_counts(
    world: System,
) -> None:
    bronze, gold = step(world, "bronze"), step(world, "gold")
    bought = [world.subscribe(world.customer(f"user{n}"), bronze) for n in range(8)]
    world.settle()
    for subscription in bought:
        item: Any = {"items": [{"id": subscription["items"].data[0].id, "price": gold}]}
        world.sdk.v1.subscriptions.update(subscription.id, item)
    confirm(world)
    assert world.members("bronze") == set()
    assert len(world.members("gold")) == 8


def test_A34_a_kept_step_leaves_for_a_higher_one_and_waits_for_nobody(world: System) -> None:
    step(world, "gold")
    subscription = world.subscribe(world.customer("alice"), step(world, "bronze"))
    world.settle()
    unmapped: Any = {"items": [{"id": subscription.items.data[0].id, "price": world.price("")}]}
    world.sdk.v1.subscriptions.update(subscription.id, unmapped)
    confirm(world)
    mod = ("--reason", "Decided", "--by", "mod")
    typed(world, "keep", "alice", "bronze", *mod)
    world.settle()
    assert counts(world.bridge)["held"] == 0
    typed(world, "grant", "alice", "gold", *mod)
    confirm(world)
    confirm(world)
    assert (world.groups_of("alice"), counts(world.bridge)["held"]) == ({"gold"}, 0)
    gold = next(one["id"] for one in asked(world, "grant") if one["group"] == "gold")
    typed(world, "revoke", gold, *mod)
    confirm(world)
    assert (world.groups_of("alice"), counts(world.bridge)["held"]) == ({"bronze"}, 0)
