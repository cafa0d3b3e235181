"""Payments in several tabs become one subscription (A134), on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.answers.worklists.lists import WORKLISTS, counts
from bridge.answers.worklists.row import Row, Todo
from bridge.core.model.actor import moderator
from bridge.core.rights.double_payments import Twice
from bridge.core.signed.reference import sign_buyer
from bridge.operations import links, stopping
from bridge.store import Store, alerts, checkouts, paid_twice
from bridge.store.checkouts import Ordered
from tests.harness import DAY, SECRET_KEY, System, system
from tests.system.acts import checkout, confirm, moves, staff


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.advance(2)
        yield it


def buy(world: System, customer: str, price: str, user: str = "alice") -> Any:
    """Pay a page that the bridge opened for this user."""
    word = sign_buyer(world.user(user), world.bridge.clock.now(), SECRET_KEY)
    data = {"metadata": {"bridge_reference": word}}
    session = checkout(world, user, price, customer=customer, subscription_data=data)
    return world.sdk.v1.subscriptions.retrieve(session.subscription)


def statuses(world: System, *subscriptions: Any) -> list[str]:
    return [world.sdk.v1.subscriptions.retrieve(one.id).status for one in subscriptions]


def told(world: System) -> list[str]:
    now = world.bridge.clock.now()
    with world.bridge.store.read() as connection:
        return [one.what for one in alerts.open_ones(connection, now) if one.kind == "paid_twice"]


def test_A134_three_paid_sessions_become_one_subscription_and_the_rest_is_credited(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    bought = []
    for _ in range(3):
        bought.append(buy(world, customer, price))
        world.advance(20)
    confirm(world)
    confirm(world)
    assert statuses(world, *bought) == ["active", "canceled", "canceled"]
    assert world.sdk.v1.customers.retrieve(customer).balance == -2000
    assert moves(world, "alice", "supporters") == ["in"]
    assert len(told(world)) == 2
    assert all("alice" in one and "ends and is credited" in one for one in told(world))
    ended = [e for e in world.calls("stripe") if e.method == "DELETE"]
    assert len(ended) == 2


def test_A134_what_was_bought_a_day_later_or_not_through_the_bridge_was_meant(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    first = buy(world, customer, price)
    dashboard = world.subscribe(customer, price)
    confirm(world)
    world.advance(DAY + 60)
    later = buy(world, customer, price)
    confirm(world)
    assert statuses(world, first, dashboard, later) == ["active"] * 3
    assert told(world) == []


def test_A134_two_members_who_pay_in_the_same_minute_are_no_double(world: System) -> None:
    price = world.price("supporters")
    first = buy(world, world.customer("alice"), price)
    second = buy(world, world.customer("bob"), price, "bob")
    confirm(world)
    assert statuses(world, first, second) == ["active", "active"]
    assert world.members("supporters") == {"alice", "bob"}


def test_A134_nothing_ends_beside_one_that_is_to_end_itself(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    first = buy(world, customer, price)
    world.sdk.v1.subscriptions.update(first.id, {"cancel_at_period_end": True})
    second = buy(world, customer, price)
    confirm(world)
    assert statuses(world, first, second) == ["active", "active"]


def test_A134_one_order_is_open_however_many_clicks_come_at_once(world: System) -> None:
    store: Store = world.bridge.store
    now = world.bridge.clock.now()

    def click(number: int) -> str:
        with store.write() as connection:
            row = checkouts.begin(
                connection,
                f"order-{number}",
                user_id=1,
                ordered=[Ordered("price_1")],
                return_to=None,
                now=now + timedelta(seconds=number),
                open_for="1:product:prod_1",
            )
        assert row is not None
        return str(row.id)

    with ThreadPoolExecutor(8) as clicks:
        opened = set(clicks.map(click, range(8)))
    assert len(opened) == 1
    with store.write() as connection:
        checkouts.complete(connection, opened.pop(), now)
    assert click(99) == "order-99"


def test_E41_moderators_see_who_pays_through_two_customers_and_end_what_is_too_many(
    world: System,
) -> None:
    def listed() -> list[Row]:
        return list(WORKLISTS["double"].page(world.bridge, "running", "").rows)

    price = world.price("supporters")
    first = world.subscribe(world.customer("alice"), price)
    world.advance(DAY)
    payer = world.customer("alice")
    second = world.subscribe(payer, price)
    world.settle()
    (row,) = listed()
    assert (row.key, row.user_id) == (second.id, world.user("alice"))
    assert f"by another customer at Stripe ({first.customer}), includes it" in row.says
    (paid,) = world.sdk.v1.invoices.list({"customer": payer}).data
    assert row.todo == (
        Todo("cancel", {"subscription": second.id}),
        Todo("refund", {"payment": paid.id}),
    )
    running = stopping.find_running(world.bridge, second.id, world.user("alice"))
    choice = stopping.Choice("cancelled")
    (effect,) = stopping.preview(world.bridge, running, choice)
    assert effect.turn == "stays in"
    mia = moderator(staff(world).id, "console")
    stopping.do(world.bridge, mia, running, choice, reason="Paid twice")
    world.settle()
    assert listed() == []
    assert counts(world.bridge)["double"] == 0
    assert world.groups_of("alice") == {"supporters"}


def test_E41_what_is_paid_twice_is_listed_as_long_as_both_run_for_the_same_person(
    world: System,
) -> None:
    price = world.price("supporters")
    first = world.subscribe(world.customer("alice"), price)
    second = world.subscribe(world.customer("alice"), price)
    third = world.subscribe(world.customer("bob"), price)
    world.settle()
    assert counts(world.bridge)["double"] == 1
    mia = moderator(staff(world).id, "console")
    links.unlink(world.bridge, mia, second.customer)
    world.settle()
    assert counts(world.bridge)["double"] == 0
    links.link(world.bridge, mia, second.customer, world.user("bob"))
    world.settle()
    (row,) = WORKLISTS["double"].page(world.bridge, "running", "").rows
    assert (row.user_id, row.key) == (world.user("bob"), third.id)
    world.sdk.v1.subscriptions.cancel(second.id)
    world.settle()
    assert counts(world.bridge)["double"] == 0
    assert WORKLISTS["double"].page(world.bridge, "tabs", "").rows == ()
    assert told(world) == []
    assert world.sdk.v1.subscriptions.retrieve(first.id).status == "active"


def test_A134_what_was_listed_as_still_paid_twice_is_ended_when_both_payments_have_come(
    world: System,
) -> None:
    price, customer = world.price("supporters"), world.customer("alice")
    first, second = buy(world, customer, price), buy(world, customer, price)
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        paid_twice.keep(connection, world.user("alice"), [Twice(second.id, first.id)], now)
    confirm(world)
    confirm(world)
    assert statuses(world, first, second) == ["active", "canceled"]
    assert [row.key for row in WORKLISTS["double"].page(world.bridge, "tabs", "").rows] == [
        second.id
    ]
    assert counts(world.bridge)["double"] == 0
    assert len(told(world)) == 1
