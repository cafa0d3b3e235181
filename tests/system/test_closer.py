"""Removals need a complete reading, also if the event of a purchase was lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.stripe import delivery
from tests.harness import System, system
from tests.system.acts import checkout, confirm, moves


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def test_I3_a_lost_purchase_is_found_before_the_subscription_beside_it_ends_the_group(
    world: System,
) -> None:
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters"))
    once = world.price("supporters", interval=None)
    confirm(world)
    delivery.lose(world.sandbox.world, types="checkout.*")
    delivery.lose(world.sandbox.world, types="invoice.*")
    checkout(world, "alice", once, mode="payment", customer=customer)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]


def test_I3_a_lost_purchase_is_found_before_somebody_goes_down_a_ladder(world: System) -> None:
    customer = world.customer("alice")
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
    once = world.price("patrons", interval=None, discourse_ladder="level", discourse_rank="2")
    subscription = world.subscribe(customer, high)
    confirm(world)
    delivery.lose(world.sandbox.world, types="checkout.*")
    delivery.lose(world.sandbox.world, types="invoice.*")
    checkout(world, "alice", once, mode="payment", customer=customer)
    item = subscription["items"].data[0].id
    world.sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": low}]})
    confirm(world)
    assert moves(world, "alice", "patrons") == ["in"]
