"""A payment that has a rule but gives nothing is an alert with who, what and why (A108)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from bridge.sandbox.stripe import fail_payments
from bridge.store.schema.rights import purchases
from bridge.worker import alerts as alerts_worker
from bridge.worker import bookkeeping, sweeper
from tests.harness import DAY, System, system
from tests.system.acts import checkout, confirm, pass_days, pay_open_invoices, staff_remove
from tests.system.typing_commands import asked, typed

MINUTE = 60


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.advance(2)
        yield it


def alerts(world: System) -> list[dict[str, Any]]:
    """The alert after six minutes."""
    confirm(world)
    for _ in range(6):
        world.advance(MINUTE)
        world.settle()
        sweeper.tick(world.bridge)
    return [one for one in asked(world, "alerts") if one["kind"] == "gives_nothing"]


def test_A108_an_invoice_paid_after_its_subscription_ended_is_an_alert(world: System) -> None:
    price = world.price("supporters", interval="month")
    customer = world.customer("alice")
    subscription = world.subscribe(customer, price)
    confirm(world)
    fail_payments(world.sandbox.world, customer, times=1)
    world.advance(32 * DAY)  # a month may have 31 days, and an invoice is a draft for an hour
    confirm(world)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()
    assert alerts(world) == []
    pay_open_invoices(world, customer)
    (alert,) = alerts(world)
    assert "alice" in alert["what"]
    assert "paid €10.00 for Membership supporters and got nothing" in alert["what"]
    assert f"{subscription.id} had ended before the invoice" in alert["what"]
    charge = world.sdk.v1.charges.list({"customer": customer}).data[0]
    world.sdk.v1.refunds.create({"charge": charge.id})
    assert alerts(world) == []


def test_A108_who_was_taken_out_and_buys_the_group_again_is_an_alert_until_let_in(
    world: System,
) -> None:
    price = world.price("visitors", interval=None)
    customer = world.customer("alice")
    checkout(world, "alice", price, mode="payment", customer=customer)
    confirm(world)
    staff_remove(world, "visitors", "alice")
    pass_days(world, 1)
    assert world.groups_of("alice") == set()
    assert alerts(world) == []
    checkout(world, "alice", price, mode="payment", customer=customer)
    (alert,) = alerts(world)
    assert "paid for Membership visitors again and got nothing" in alert["what"]
    assert "Staff had removed them from visitors." in alert["what"]
    assert f"bridge lift id:{world.user('alice')} visitors" in alert["todo"]
    typed(world, "lift", "alice", "visitors", "--by", "moderator", "--yes")
    assert alerts(world) == []
    assert world.groups_of("alice") == {"visitors"}


def test_A108_what_has_no_rule_or_gives_its_group_is_no_alert(world: System) -> None:
    mapped = world.price("visitors", interval=None)
    plain = world.price("", interval=None)
    confirm(world)
    checkout(world, "alice", mapped, mode="payment")
    checkout(world, "bob", plain, mode="payment")
    ended = world.subscribe(world.customer("carol"), world.price("supporters"))
    confirm(world)
    world.sdk.v1.subscriptions.cancel(ended.id)
    assert alerts(world) == []


def test_A108_a_payment_of_which_the_bridge_made_nothing_is_an_alert_within_a_day(
    world: System,
) -> None:
    """The books read all invoices and orders, so they show what other readings missed."""
    price = world.price("visitors", interval=None)
    checkout(world, "alice", price, mode="payment")
    pass_days(world, 2)
    sweeper.tick(world.bridge)
    with world.bridge.store.write() as connection:
        (lost,) = connection.scalars(delete(purchases).returning(purchases.c.id))
    world.advance(DAY)
    bookkeeping.keep(world.bridge)
    alerts_worker.look(world.bridge)
    world.advance(6 * MINUTE)
    alerts_worker.look(world.bridge)
    (alert,) = (one for one in asked(world, "alerts") if one["kind"] == "gives_nothing")
    assert f"has no record of {lost}." in alert["what"]
    assert alerts(world) == []  # the sweep that followed has read it again


def test_A108_a_new_payment_with_an_unclear_refund_is_an_alert(world: System) -> None:
    """Nothing was given before, so no membership is held, which would be an alert of its own."""
    prices = [world.price(group, interval=None) for group in ("visitors", "choir")]
    lines = [{"price": one, "quantity": 1} for one in prices]
    checkout(world, "alice", prices[0], mode="payment", line_items=lines)
    charge = world.sdk.v1.charges.list({}).data[0]
    world.sdk.v1.refunds.create({"charge": charge.id, "amount": 1000})
    pass_days(world, 2)
    sweeper.tick(world.bridge)
    assert world.groups_of("alice") == set()
    found = [one["what"] for one in alerts(world)]
    assert [said.split(" paid ")[0] for said in found] == [f"alice (id:{world.user('alice')})"] * 2
    assert all("A refund does not say which line of the order it is for" in it for it in found)
    world.sdk.v1.refunds.create({"charge": charge.id, "amount": 1000})
    assert alerts(world) == []
