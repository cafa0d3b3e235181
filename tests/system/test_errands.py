"""Moderators' acts at Stripe: previewed, done once, and logged correctly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.core.model.actor import moderator
from bridge.errors import NotFound, Permanent
from bridge.operations import refunding, stopping
from bridge.operations.stopping import Choice
from bridge.store import changes, errands
from bridge.stripe_api.client import StripeApi
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


def test_A107_a_refund_of_one_line_ends_what_that_line_bought_and_nothing_else(
    world: System,
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    ends = {"discourse_on_refund": "end"}
    both = world.price("patrons", amount=6000, **ends), world.price("choir", amount=2000, **ends)
    subscription = world.subscribe(world.customer("alice"), *both).id
    world.settle()
    assert world.groups_of("alice") == {"patrons", "choir"}
    invoice = paid(world, subscription)
    found = refunding.find_payment(bridge, invoice, alice)
    choir = next(one for one in found.payment.lines if one.amount_minor == 2000)
    turns = {one.group: one.turn for one in refunding.preview_refund(bridge, found, None, choir.id)}
    assert turns == {"choir": "loses", "patrons": "stays in"}
    with pytest.raises(Permanent, match="more than what is left"):
        refunding.to_refund(found, 2001, choir.id)
    assert refunding.refund(bridge, MIA, found, None, choir.id, reason="No voice") == "done"
    acts.confirm(world)
    assert world.groups_of("alice") == {"patrons"}
    (note,) = world.sdk.v1.credit_notes.list({"invoice": invoice}).data
    assert [line.invoice_line_item for line in note.lines.data] == [choir.id]
    again = refunding.find_payment(bridge, invoice, alice)
    left = {one.id: one.left_minor for one in again.payment.lines}
    assert left.pop(choir.id) == 0
    assert list(left.values()) == [6000]
    with pytest.raises(Permanent, match="refunded already"):
        refunding.to_refund(again, None, choir.id)


def test_what_is_disputed_by_hand_or_anothers_is_not_refunded(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    customer = world.customer("alice", payment_method="pm_card_createDispute")
    subscription = world.subscribe(customer, world.price("patrons")).id
    world.settle()
    found = refunding.find_payment(bridge, paid(world, subscription), alice)
    with pytest.raises(Permanent, match="disputed"):
        refunding.to_refund(found, None, None)
    for named in (paid(world, subscription), "in_made_up", "hand:1", ""):
        with pytest.raises(NotFound, match="not a payment of this member"):
            refunding.find_payment(bridge, named, world.user("bob"))


def test_a_stripe_that_does_not_answer_is_asked_again_until_it_does_it_once(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    subscription = world.subscribe(world.customer("alice"), world.price("patrons")).id
    world.settle()
    found = refunding.find_payment(bridge, paid(world, subscription), alice)
    silent = replace(bridge, stripe=StripeApi("sk_test_x", "http://127.0.0.1:9"))
    said = refunding.refund(silent, MIA, found, 300, None, reason="A part")
    assert said == "later"
    with bridge.store.read() as connection:
        (waits,) = errands.open_about(connection, alice)
    assert waits.reason == "A part"
    assert world.sdk.v1.refunds.list().data == []
    with pytest.raises(Permanent, match="somebody else has just decided"):
        refunding.refund(bridge, TOM, found, 500, None, reason="Another part")
    world.advance(1000)
    world.settle()
    assert [one.amount for one in world.sdk.v1.refunds.list().data] == [300]
    assert acts.log_of(world, "alice").count("refunded") == 1


def test_a_key_that_may_not_refund_is_said_before_anything_is_asked(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    subscription = world.subscribe(world.customer("alice"), world.price("patrons")).id
    world.settle()
    off = replace(bridge, policy=replace(bridge.policy, refunds=False))
    with pytest.raises(Permanent, match="refunds are off"):
        refunding.find_payment(off, paid(world, subscription), alice)
    key = "rk_test_reads_only"
    acts.account(world).restricted[key] = {"charges:read", "invoices:read"}
    reads = replace(bridge, stripe=StripeApi(key, world.sandbox.info["stripe_url"]))
    with pytest.raises(Permanent, match="the key at Stripe may not refund"):
        refunding.find_payment(reads, paid(world, subscription), alice)
