"""Stripe is late, out of order, half there, or of the other mode: nobody is dropped for it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from typing import Any

import pytest
import requests
from sqlalchemy import select

from bridge.sandbox.stripe import delivery
from bridge.store.schema.forum import groups
from bridge.store.schema.work import inbox
from bridge.worker import sweeper
from tests.faults.looking import log_of, moves_of
from tests.harness import System, eventually

pytestmark = pytest.mark.faults


def send(world: System, body: bytes) -> requests.Response:
    """Deliver something that is signed as Stripe signs."""
    at = int(time.time())
    secret = world.sandbox.info["stripe_webhook_secret"].encode()
    signed = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={at},v1={signed}"}
    return requests.post(f"{world.url}/webhooks/stripe", data=body, headers=headers, timeout=10)


def event(event_id: str, obj: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {
            "id": event_id,
            "object": "event",
            "type": "customer.subscription.deleted",
            "livemode": False,
            "created": 1_700_000_000,
            "api_version": "2026-01-28.clover",
            "data": {"object": obj},
            **more,
        }
    ).encode()


def dead(world: System) -> list[str]:
    with world.bridge.store.read() as connection:
        return list(connection.scalars(select(inbox.c.event_id).where(inbox.c.status == "dead")))


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_F05_whatever_the_order_of_events_the_end_is_what_stripe_says(
    world_on_both: System, order: str
) -> None:
    world = world_on_both
    price = world.price("supporters")
    customer = world.customer("alice")
    delivery.hold(world.sandbox.world)
    first = world.subscribe(customer, price)
    world.sdk.v1.subscriptions.update(first.id, {"metadata": {"a": "b"}})
    world.sdk.v1.subscriptions.cancel(first.id)
    second = world.subscribe(customer, price)
    assert delivery.release(world.sandbox.world, order, seed=5) > 10
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    world.sdk.v1.subscriptions.cancel(second.id)
    third = world.subscribe(customer, price)
    world.sdk.v1.subscriptions.cancel(third.id)
    delivery.release(world.sandbox.world, order, seed=6)
    world.settle()
    world.advance(120)
    world.settle()
    assert world.groups_of("alice") == set()
    assert moves_of(world, "alice") == [True, False]


def test_F06_an_event_that_comes_after_the_reading_is_another_reading(
    world_on_both: System,
) -> None:
    world = world_on_both
    old = world.price("supporters")
    subscription = world.subscribe(world.customer("alice"), old)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    # The subscription is read with a price that was never seen: its product is asked for, slowly.
    delivery.hold(world.sandbox.world)
    new = world.price("patrons")
    faults = world.sandbox.world.faults
    faults.add("stripe", "GET /v1/products/*", "slow", seconds=1.5)
    change(world, subscription, new)
    delivery.release(world.sandbox.world)
    delivery.clear(world.sandbox.world)
    delivery.wait_until_idle(world.sandbox.world)
    world.sandbox.world.clock.advance(1.1)
    reading = threading.Thread(target=sweeper.tick, args=[world.bridge])
    reading.start()
    eventually(lambda: not faults.switches)
    change(world, subscription, old)  # after the reading, before it is written down
    delivery.wait_until_idle(world.sandbox.world)
    assert reading.is_alive()
    reading.join()
    world.settle()
    world.advance(120)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    assert False not in moves_of(world, "alice")


def change(world: System, subscription: Any, price: str) -> None:
    items: Any = [{"id": subscription["items"].data[0].id, "price": price}]
    world.sdk.v1.subscriptions.update(subscription.id, {"items": items})


def test_F21_when_the_second_page_fails_nothing_is_decided(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    oldest = world.subscribe(customer, price)  # on the last page
    delivery.lose(world.sandbox.world)
    for _ in range(100):
        ended = world.subscribe(customer, price)
        world.sdk.v1.subscriptions.cancel(ended.id)
    delivery.clear(world.sandbox.world)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    faults = world.sandbox.world.faults
    fault = faults.add("stripe", "GET /v1/subscriptions", "status", times=None, skip=1, status=500)
    before = log_of(world, "alice")
    world.sdk.v1.subscriptions.update(oldest.id, {"metadata": {"a": "b"}})
    for _ in range(5):
        world.advance(60)
        delivery.wait_until_idle(world.sandbox.world)
        sweeper.tick(world.bridge)
    failed = [e for e in world.calls("stripe") if e.fault == "status"]
    assert failed
    assert fault.skip == 0
    assert log_of(world, "alice") == before
    assert world.groups_of("alice") == {"supporters"}


def test_F22_E50_an_event_of_the_other_mode_is_kept_dead_and_removes_nobody(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    subscription = world.subscribe(customer, price)
    world.settle()
    mark = world.mark()
    lie = {"id": subscription.id, "object": "subscription", "customer": customer}
    answer = send(world, event("evt_live", {**lie, "status": "canceled"}, livemode=True))
    assert answer.status_code == 200
    world.settle()
    world.advance(120)
    world.settle()
    assert dead(world) == ["evt_live"]
    assert [e for e in world.calls("stripe", mark) if customer in e.query] == []
    assert world.groups_of("alice") == {"supporters"}


def test_F23_half_of_all_members_lapse_and_no_more_than_the_cap_are_removed(
    world: System,
) -> None:
    price = world.price("supporters")
    people = [f"user{n}" for n in range(16)]
    subscriptions = [world.subscribe(world.customer(user), price) for user in people]
    world.settle()
    world.advance(120)
    world.settle()
    assert world.members("supporters") == set(people)
    for subscription in subscriptions[:8]:
        world.sdk.v1.subscriptions.cancel(subscription.id)
    for _ in range(6):
        world.settle()
        world.advance(70)
    assert len(world.members("supporters")) == 16 - 5
    with world.bridge.store.read() as connection:
        group = connection.execute(select(groups).where(groups.c.name == "supporters")).one()
    assert group.removals_stopped_at is None
    # The next ones follow in the next hour, without anybody's word.
    world.advance(3600)
    for _ in range(3):
        world.settle()
        world.advance(70)
    assert len(world.members("supporters")) == 16 - 8


def test_F33_a_poisoned_event_is_stored_dead_and_the_others_flow(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    assert send(world, b"{this is no JSON").status_code == 200
    assert send(world, event("evt_no_object", {})).status_code == 200
    assert send(world, event("evt_no_customer", {"object": "subscription"})).status_code == 200
    assert send(world, b'{"id": "evt_list", "data": []}').status_code == 200
    world.subscribe(customer, price)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    with world.bridge.store.read() as connection:
        rows = {row.event_id: row.status for row in connection.execute(select(inbox))}
    assert "received" not in rows.values()
    assert len(dead(world)) >= 2


def test_F25_of_two_customers_of_one_user_one_cancels_and_the_user_stays(
    world_on_both: System,
) -> None:
    world = world_on_both
    price = world.price("supporters")
    first = world.subscribe(world.customer("alice"), price)
    second = world.subscribe(world.customer("alice"), price)
    world.settle()
    world.sdk.v1.subscriptions.cancel(first.id)
    for _ in range(3):
        world.settle()
        world.advance(120)
    assert moves_of(world, "alice") == [True]
    world.sdk.v1.subscriptions.cancel(second.id)
    for _ in range(3):
        world.settle()
        world.advance(120)
    assert moves_of(world, "alice") == [True, False]
