"""What no news told of is found by the next sweep, whatever kind of purchase it was (A117)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.operations import links, reading
from bridge.sandbox.stripe import delivery
from bridge.worker import orders, reconcile
from tests.harness import DAY, OPERATOR, System, system
from tests.system.acts import checkout, confirm


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        yield it


def once(world: System) -> str:
    price = world.price("supporters", interval=None)
    world.settle()
    delivery.lose(world.sandbox.world)
    return price


def nothing(_what: str, _count: int) -> None:
    pass


def test_A117_an_order_whose_news_was_lost_is_found_by_sync_all(world: System) -> None:
    checkout(world, "alice", once(world), mode="payment")
    reading.sync_everybody(world.bridge, nothing)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


def test_A117_an_order_is_found_by_the_nightly_reading_and_read_once(world: System) -> None:
    checkout(world, "alice", once(world), mode="payment")
    orders.read_all(world.bridge)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    before = world.mark()
    orders.read_all(world.bridge)
    world.settle()
    asked = [call.path for call in world.calls("stripe", before)]
    assert [path for path in asked if "events" not in path] == [
        "/v1/checkout/sessions",
        "/v1/invoices",
    ]


def test_A117_after_a_pause_longer_than_stripe_keeps_events_old_orders_are_found(
    world: System,
) -> None:
    price = once(world)
    checkout(world, "alice", price, mode="payment")
    world.advance(80 * DAY)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


def test_A117_a_subscription_of_a_customer_nobody_linked_is_found_by_its_orders_reference(
    world: System,
) -> None:
    price = world.price("supporters")
    world.settle()
    delivery.lose(world.sandbox.world)
    checkout(world, "alice", price)
    reconcile.read_everybody(world.bridge)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


def test_A117_a_refund_whose_news_was_lost_is_found_by_the_sweep(world: System) -> None:
    price = world.price("supporters", interval=None)
    world.settle()
    bought = checkout(world, "alice", price, mode="payment")
    confirm(world)
    delivery.lose(world.sandbox.world)
    world.sdk.v1.refunds.create({"payment_intent": bought.payment_intent})
    orders.read_all(world.bridge)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A117_a_link_that_was_undone_is_not_made_again_by_an_old_order(world: System) -> None:
    price = world.price("supporters", interval=None)
    world.settle()
    bought = checkout(world, "alice", price, mode="payment")
    confirm(world)
    links.unlink(world.bridge, OPERATOR, bought.customer)
    confirm(world)
    orders.read_all(world.bridge, whole=True)
    confirm(world)
    assert world.groups_of("alice") == set()
