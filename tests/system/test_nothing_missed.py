"""The next sweep finds every purchase whose events were lost (A117)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from bridge.operations import links, reading
from bridge.sandbox.stripe import account_of, delivery, load
from bridge.store.schema.work import work
from bridge.worker import orders, reconcile
from tests.harness import DAY, OPERATOR, System, system
from tests.system.acts import assert_nothing_is_read_again, checkout, confirm


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
    assert_nothing_is_read_again(world)


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


def unheard(world: System) -> set[str]:
    """Look for missed events; the customers to read because of them."""
    orders.read_all(world.bridge)
    with world.bridge.store.read() as connection:
        dirty = select(work.c.key).where(work.c.dirty_gen > work.c.done_gen)
        found = {key for key in connection.scalars(dirty) if key.startswith("cus_")}
    confirm(world)
    confirm(world)
    return found


def last_charge(world: System, customer: str) -> str:
    return str(world.sdk.v1.charges.list({"customer": customer}).data[0].id)


def test_A108_A117_a_refund_on_an_invoice_whose_news_was_lost_is_found(world: System) -> None:
    price = world.price("visitors", interval=None)
    customer = world.customer("alice")
    invoice = world.sdk.v1.invoices.create({"customer": customer})
    item: Any = {"customer": customer, "invoice": invoice.id, "pricing": {"price": price}}
    world.sdk.v1.invoice_items.create(item)
    world.sdk.v1.invoices.pay(invoice.id)
    confirm(world)
    assert world.groups_of("alice") == {"visitors"}
    delivery.lose(world.sandbox.world)
    world.sdk.v1.refunds.create({"charge": last_charge(world, customer)})
    assert unheard(world) == {customer}
    assert world.groups_of("alice") == set()
    assert unheard(world) == set()


def test_A117_a_refund_of_a_subscription_and_of_an_old_order_is_found(world: System) -> None:
    monthly = world.price("supporters", discourse_on_refund="end", interval="year")
    once = world.price("visitors", interval=None)
    first, second = world.customer("alice"), world.customer("bob")
    world.subscribe(first, monthly)
    bought = checkout(world, "bob", once, mode="payment", customer=second)
    world.advance(60 * DAY)
    confirm(world)
    assert (world.groups_of("alice"), world.groups_of("bob")) == ({"supporters"}, {"visitors"})
    delivery.lose(world.sandbox.world)
    world.sdk.v1.refunds.create({"charge": last_charge(world, first)})
    world.sdk.v1.refunds.create({"payment_intent": bought.payment_intent})
    assert unheard(world) == {first, second}
    assert (world.groups_of("alice"), world.groups_of("bob")) == (set(), set())
    assert unheard(world) == set()


def test_A117_a_dispute_and_its_end_whose_news_was_lost_are_found(world: System) -> None:
    price = world.price("visitors", interval=None, discourse_on_dispute="suspend")
    world.settle()
    customer = world.customer("alice", payment_method="pm_card_createDispute")
    delivery.lose(world.sandbox.world)
    paid: Any = {"mode": "payment", "customer": customer, "card": "pm_card_createDispute"}
    checkout(world, "alice", price, **paid)
    unheard(world)
    assert world.groups_of("alice") == set()
    (dispute,) = world.sdk.v1.disputes.list().data
    winning: Any = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    world.sdk.v1.disputes.update(dispute.id, winning)
    assert unheard(world) == {customer}
    assert world.groups_of("alice") == {"visitors"}
    assert unheard(world) == set()


def test_A117_a_refund_that_failed_unheard_restores(world: System) -> None:
    price = world.price("visitors", interval=None)
    paid: Any = {"mode": "payment", "card": "pm_card_refundFail"}
    bought = checkout(world, "alice", price, **paid)
    confirm(world)
    world.sdk.v1.refunds.create({"payment_intent": bought.payment_intent})
    confirm(world)
    confirm(world)
    delivery.lose(world.sandbox.world)
    world.advance(DAY)
    assert unheard(world) == {bought.customer}
    assert world.groups_of("alice") == {"visitors"}


def test_A10_A117_a_refund_of_a_stranger_is_nobodys_here(world: System) -> None:
    world.settle()
    delivery.lose(world.sandbox.world)
    stranger = world.customer(None)
    charge: Any = {"amount": 500, "currency": "eur", "customer": stranger}
    paid = world.sdk.v1.charges.create(charge)
    world.sdk.v1.refunds.create({"charge": paid.id})
    assert unheard(world) == set()


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


# --- a reading that is cut off (A13) --------------------------------------------------------------

COPIES = 250


def copies(world: System, subscription: Any) -> None:
    """Three pages of subscriptions, made without events."""
    known = json.loads(str(subscription))
    (item,) = known["items"]["data"]
    rows = [
        {
            **known,
            "id": f"sub_copy{n}",
            "created": known["created"] - n,
            "items": {"data": [{**item, "id": f"si_copy{n}"}]},
        }
        for n in range(COPIES)
    ]
    load(world.sandbox.world, rows)


def listed(world: System, since: int) -> list[str | None]:
    """After which subscription each page of the list of everybody's was asked for."""
    asked = [one for one in world.calls("stripe", since) if one.path == "/v1/subscriptions"]
    return [parse_qs(one.query).get("starting_after", [None])[0] for one in asked]


def cut_off(world: System) -> None:
    """Have a reading of everybody's subscriptions killed after its first page."""

    class Killed(BaseException):
        """The process dies here."""

    def die(_count: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        reconcile.read_all_subscriptions(world.bridge, die)


def test_A13_a_reading_that_is_killed_goes_on_with_the_next_page(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    copies(world, subscription)
    mark = world.mark()
    cut_off(world)
    seen: list[int] = []
    reconcile.read_all_subscriptions(world.bridge, seen.append)
    first, *rest = listed(world, mark)
    assert first is None
    assert None not in rest, "only the first reading began at the beginning"
    assert seen == [200, COPIES + 1]
    mark = world.mark()
    reconcile.read_all_subscriptions(world.bridge)
    assert [one is None for one in listed(world, mark)] == [True, False, False]


def test_A13_a_reading_begins_again_after_hours_or_where_it_stood_is_gone(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    copies(world, subscription)
    cut_off(world)
    world.advance(7 * 3600)
    mark = world.mark()
    cut_off(world)
    assert listed(world, mark) == [None]
    account = account_of(world.sandbox.world)
    for row in account.rows("subscription"):
        if row["id"] != subscription.id:
            account.drop(row)
    reconcile.read_all_subscriptions(world.bridge)
    assert listed(world, mark)[-1] is None
