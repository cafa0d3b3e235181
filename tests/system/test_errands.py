"""What moderators have done at Stripe: previewed, done once, and logged as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.core.model.actor import moderator
from bridge.operations import refunding, stopping
from bridge.operations.stopping import Choice
from bridge.store import changes
from tests.harness import POLICY, System, system
from tests.system import acts

MIA, TOM = moderator(1, "console"), moderator(2, "console")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path, policy=replace(POLICY, refunds=True)) as it:
        yield it


def paid(world: System, subscription: str) -> str:
    return str(world.sdk.v1.subscriptions.retrieve(subscription).latest_invoice)


def test_a_refund_is_previewed_made_and_logged_with_before_and_after(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    price = world.price("patrons", amount=6000, discourse_on_refund="end")
    subscription = world.subscribe(world.customer("alice"), price).id
    world.settle()
    found = refunding.find_payment(bridge, paid(world, subscription), alice)
    assert found.payment.left_minor == 6000
    (effect,) = refunding.preview_refund(bridge, found, None, None)
    assert effect.turn == "loses"
    (kept,) = refunding.preview_refund(bridge, found, 1000, None)
    assert kept.turn == "stays in"
    assert refunding.refund(bridge, MIA, found, None, None, reason="Moved away") == "done"
    acts.confirm(world)
    assert world.groups_of("alice") == set()
    (refund,) = world.sdk.v1.refunds.list().data
    assert refund.amount == 6000
    with bridge.store.read() as connection:
        (line,) = changes.page(connection, action="refunded")
        detail = changes.find(connection, line.id).detail  # type: ignore[union-attr]
    assert (line.cause, line.outcome) == (str(MIA), "Moved away")
    assert detail is not None
    assert detail["before"] == {"refunded_minor": 0}
    assert detail["after"] == {"refunded_minor": 6000}
    assert detail["refund_id"] == refund.id


@pytest.mark.parametrize("act", ["cancelled", "paused"])
def test_a_subscription_is_stopped_and_goes_on(world: System, act: stopping.Act) -> None:
    bridge, alice = world.bridge, world.user("alice")
    subscription = world.subscribe(world.customer("alice"), world.price("patrons")).id
    world.settle()
    running = stopping.find_running(bridge, subscription, alice)
    (effect,) = stopping.preview(bridge, running, Choice(act))
    assert effect.turn == "stays in"
    assert (effect.until_at is not None) == (act == "cancelled")
    stopping.do(bridge, MIA, running, Choice(act), reason="They asked for it")
    world.settle()
    running = stopping.find_running(bridge, subscription, alice)
    assert bool(running.subscription.cancel_at) == (act == "cancelled")
    assert bool(running.subscription.pause_collection) == (act == "paused")
    back: stopping.Act = "kept" if act == "cancelled" else "resumed"
    stopping.do(bridge, MIA, running, Choice(back), reason="They changed their mind")
    world.settle()
    one = stopping.find_running(bridge, subscription, alice).subscription
    assert one.cancel_at is None
    assert one.pause_collection is None
    assert {act, back} <= set(acts.log_of(world, "alice"))
