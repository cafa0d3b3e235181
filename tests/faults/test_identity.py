"""Links between people and customers, made by several processes at the same time."""

from __future__ import annotations

import threading
import time

import pytest

from bridge.core.events.stripe import read_event
from bridge.sandbox.stripe import delivery
from bridge.store import inbox
from tests.harness import System

pytestmark = pytest.mark.faults


def test_F26_a_link_that_is_made_while_an_event_is_being_stored_is_heeded(
    world_on_both: System,
) -> None:
    world = world_on_both
    bridge = world.bridge
    price = world.price("supporters")
    world.settle()
    delivery.lose(world.sandbox.world)
    customer = world.customer(None)
    world.subscribe(customer, price)
    now = bridge.clock.now()
    payload = {
        "id": "evt_first",
        "object": "event",
        "type": "customer.updated",
        "livemode": False,
        "created": 1_700_000_000,
        "data": {"object": {"id": customer, "object": "customer"}},
    }
    linking = threading.Thread(target=world.link, args=[customer, "alice"])
    with bridge.store.write() as connection:
        inbox.record(
            connection,
            read_event(payload),
            source="stripe",
            payload_sha256="",
            now=now,
            due_at=now,
        )
        linking.start()
        time.sleep(0.3)  # PostgreSQL lets it begin; on SQLite it waits for its turn
    linking.join()
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
