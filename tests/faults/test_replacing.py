"""The bridge dies between letting somebody in and ending what they had before."""

from __future__ import annotations

import pytest

from bridge.core.signed.reference import sign_replacement
from bridge.store.leases import LEASE_SECONDS
from bridge.worker.end_replaced import AGAIN
from tests.harness import SECRET_KEY
from tests.processes import KILLED, Live
from tests.system.acts import checkout, moves

pytestmark = pytest.mark.faults


def test_A88_killed_before_the_old_one_is_ended_it_is_ended_by_the_next_who_looks(
    processes: Live,
) -> None:
    live, world = processes, processes.system
    low = world.price("everybody,supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("everybody,patrons", discourse_ladder="level", discourse_rank="2")
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    live.start("web")
    live.work_here(lambda: world.groups_of("alice") == {"everybody", "supporters"})
    live.start("sweep", BRIDGE_CRASH_AT="after_decision")
    word = sign_replacement(old.id, world.user("alice"), world.bridge.clock.now(), SECRET_KEY)
    data = {"metadata": {"bridge_replaces": word}}
    checkout(world, "alice", high, customer=customer, subscription_data=data)
    live.until(lambda: live.running["sweep"].poll() is not None, pace=5)
    assert live.dies("sweep") == KILLED
    assert world.sdk.v1.subscriptions.retrieve(old.id).status == "active"
    world.advance(max(LEASE_SECONDS, AGAIN.total_seconds()) + 2)
    live.start("sweep")
    live.until(lambda: world.sdk.v1.subscriptions.retrieve(old.id).status == "canceled", pace=5)
    live.until(lambda: world.groups_of("alice") == {"everybody", "patrons"}, pace=5)
    assert moves(world, "alice", "everybody") == ["in"]
    ended = [e for e in world.calls("stripe") if e.method == "DELETE"]
    assert [e.status for e in ended] == [200]
