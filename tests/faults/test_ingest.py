"""Between Stripe and the inbox: whatever dies, an event answered with 2xx is stored once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bridge.sandbox.stripe import account_of, delivery
from bridge.sandbox.stripe.courier import signature
from tests.processes import KILLED, Live

pytestmark = pytest.mark.faults


def attempts(live: Live, event_id: str) -> list[int]:
    """How the event's deliveries were answered so far; 0 is no answer."""
    found = delivery.deliveries(live.system.sandbox.world)
    return [a["status"] for d in found if d["event"] == event_id for a in d["attempts"]]


def newest_event(live: Live, kind: str) -> str:
    world = live.system.sandbox.world
    with world.lock:
        events = account_of(world).rows("event")
        return str([e for e in events if e["type"] == kind][-1]["id"])


def subscribed(live: Live) -> tuple[str, str]:
    """Somebody who is linked buys; only the event that says so is delivered, and returned."""
    world = live.system.sandbox.world
    delivery.hold(world)
    price = live.system.price("supporters")
    customer = live.system.customer("alice")
    live.system.subscribe(customer, price)
    event = newest_event(live, "customer.subscription.created")
    delivery.release(world, events=[event])
    return customer, event


def test_F01_web_killed_before_the_commit_stores_nothing_and_the_retry_stores_it_once(
    on_both: Live,
) -> None:
    live = on_both
    live.start("web", BRIDGE_CRASH_AT="before_inbox_commit")
    customer, event = subscribed(live)
    live.until(lambda: attempts(live, event))
    assert attempts(live, event)[0] == 0
    assert live.dies("web") == KILLED
    assert live.stored(event) == []
    generation = live.generation(customer)
    live.start("web")
    live.until(lambda: 200 in attempts(live, event), pace=60)
    assert len(live.stored(event)) == 1
    assert live.generation(customer) == generation + 1


def test_F02_web_killed_before_its_answer_makes_the_retry_a_duplicate(on_both: Live) -> None:
    live = on_both
    live.start("web", BRIDGE_CRASH_AT="after_inbox_commit")
    customer, event = subscribed(live)
    live.until(lambda: attempts(live, event))
    assert attempts(live, event)[0] == 0
    assert live.dies("web") == KILLED
    assert len(live.stored(event)) == 1
    generation = live.generation(customer)
    live.start("web")
    live.until(lambda: 200 in attempts(live, event), pace=60)
    assert len(live.stored(event)) == 1
    assert live.generation(customer) == generation


def test_F03_web_killed_before_the_hint_costs_seconds_and_nothing_else(on_both: Live) -> None:
    live = on_both
    live.start("redis")
    with_redis = {"REDIS_URL": f"unix://{live.redis_socket}"}
    live.start("web", BRIDGE_CRASH_AT="after_inbox_commit", **with_redis)
    _, event = subscribed(live)
    live.until(lambda: attempts(live, event))
    assert live.dies("web") == KILLED
    assert live.stored(event)
    assert live.redis().llen("rq:queue:bridge") == 0
    live.start("worker", **with_redis)
    live.start("sweep", **with_redis)
    live.until(lambda: live.system.groups_of("alice") == {"supporters"})


def test_F04_an_event_that_comes_a_hundred_times_at_once_is_stored_once(on_both: Live) -> None:
    live = on_both
    live.start("web")
    world = live.system.sandbox.world
    delivery.hold(world)
    customer = live.system.customer("alice")
    generation = live.generation(customer)
    body = (
        b'{"id": "evt_hundred", "object": "event", "type": "customer.updated", "livemode": false,'
        b'"created": 1700000000, "api_version": "2026-01-28.clover", "data": {"object":'
        b'{"id": "%s", "object": "customer"}}}' % customer.encode()
    )
    secret = live.env["STRIPE_WEBHOOK_SECRET"]
    headers = {"Stripe-Signature": signature(secret, body, int(time.time()))}

    def send(_: int) -> int:
        url = f"{live.system.url}/webhooks/stripe"
        return requests.post(url, data=body, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(25) as pool:
        assert list(pool.map(send, range(100))) == [200] * 100
    assert len(live.stored("evt_hundred")) == 1
    assert live.generation(customer) == generation + 1
