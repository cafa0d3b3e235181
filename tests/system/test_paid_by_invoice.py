"""A one-off price counts as bought on any paid invoice (A108)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.stripe import delivery
from bridge.worker import orders
from tests.harness import DAY, System, system
from tests.system.acts import assert_nothing_is_read_again, checkout, confirm


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        yield it


def invoiced(world: System, customer: str, price: str) -> Any:
    """An invoice made by hand with one item, paid."""
    invoice = world.sdk.v1.invoices.create({"customer": customer})
    item: Any = {"customer": customer, "invoice": invoice.id, "pricing": {"price": price}}
    world.sdk.v1.invoice_items.create(item)
    return world.sdk.v1.invoices.pay(invoice.id)


def test_A108_a_pass_paid_by_an_invoice_made_by_hand_counts_as_bought(world: System) -> None:
    once = world.price("visitors", amount=6000, interval=None)
    customer = world.customer("alice")
    assert invoiced(world, customer, once).status == "paid"
    world.settle()
    assert world.groups_of("alice") == {"visitors"}


def test_A108_a_pass_on_a_subscriptions_invoice_counts_as_bought(world: System) -> None:
    monthly, once = world.price("supporters"), world.price("visitors", amount=6000, interval=None)
    customer = world.customer("alice")
    world.subscribe(customer, monthly, add_invoice_items=[{"price": once}])
    world.settle()
    assert world.groups_of("alice") == {"supporters", "visitors"}


def test_A108_a_pass_added_to_a_renewal_counts_as_bought(world: System) -> None:
    monthly, once = world.price("supporters"), world.price("visitors", amount=6000, interval=None)
    customer = world.customer("alice")
    world.subscribe(customer, monthly)
    added: Any = {"customer": customer, "pricing": {"price": once}}
    world.sdk.v1.invoice_items.create(added)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    world.advance(33 * DAY)
    world.settle()
    assert world.groups_of("alice") == {"supporters", "visitors"}


def test_A108_a_refund_ends_what_an_invoice_sold(world: System) -> None:
    once = world.price("visitors", amount=6000, interval=None)
    customer = world.customer("alice")
    invoiced(world, customer, once)
    world.settle()
    (charge,) = world.sdk.v1.charges.list({"customer": customer}).data
    world.sdk.v1.refunds.create({"charge": charge.id})
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A108_A117_an_invoice_whose_news_was_lost_is_found_and_read_once(world: System) -> None:
    once = world.price("visitors", amount=6000, interval=None)
    customer = world.customer("alice")
    world.settle()
    delivery.lose(world.sandbox.world)
    invoiced(world, customer, once)
    orders.read_all(world.bridge)
    world.settle()
    assert world.groups_of("alice") == {"visitors"}
    assert_nothing_is_read_again(world)


def test_A50_what_is_bought_once_beside_a_membership_counts_though_the_buyer_never_comes_back(
    world: System,
) -> None:
    monthly, once = world.price("supporters"), world.price("visitors", amount=6000, interval=None)
    lines = [{"price": monthly, "quantity": 1}, {"price": once, "quantity": 1}]
    assert checkout(world, "alice", monthly, line_items=lines).status == "complete"
    world.settle()
    assert world.groups_of("alice") == {"supporters", "visitors"}
