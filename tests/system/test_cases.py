"""Cases of a subscription's life that are rarer, each seen on the forum."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.answers.backlog import backlog
from bridge.answers.worklists.lists import counts
from bridge.sandbox.stripe import delivery, fail_payments
from bridge.worker import publisher, sweeper
from tests.harness import DAY, System, system
from tests.system.acts import (
    account,
    checkout,
    confirm,
    membership,
    message_to,
    messages_to,
    moves,
    outcomes,
    page_of,
    pass_days,
    pay_open_invoices,
)
from tests.system.explaining import explain


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def test_E3_a_first_payment_that_never_came_gives_nothing_and_a_new_subscription_does(
    world: System,
) -> None:
    customer, price = world.customer("alice"), world.price("supporters")
    fail_payments(world.sandbox.world, customer, times=1)
    first = world.subscribe(customer, price, payment_behavior="default_incomplete")
    pass_days(world, 1.1)
    assert world.sdk.v1.subscriptions.retrieve(first.id).status == "incomplete_expired"
    assert moves(world, "alice", "supporters") == []
    fail_payments(world.sandbox.world, customer, times=0)
    world.subscribe(customer, price)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


def test_E15_what_is_to_begin_later_gives_nothing_until_it_begins(world: System) -> None:
    customer, price = world.customer("alice"), world.price("supporters")
    world.sdk.v1.subscription_schedules.create(
        {
            "customer": customer,
            "start_date": int(world.sandbox.world.clock.now()) + 3 * DAY,
            "phases": [{"items": [{"price": price, "quantity": 1}]}],
        }
    )
    pass_days(world, 2.5)
    assert moves(world, "alice", "supporters") == []
    pass_days(world, 1)
    assert world.groups_of("alice") == {"supporters"}


@pytest.mark.parametrize("given_up", ["void_invoice", "mark_uncollectible"])
def test_E31_E32_an_invoice_that_is_given_up_grants_nothing_and_takes_nothing_of_another(
    world: System, given_up: str
) -> None:
    account(world).settings.dunning_end = "unpaid"
    customer = world.customer("alice")
    world.subscribe(customer, world.price("choir"))
    world.subscribe(customer, world.price("supporters", interval="week"))
    world.settle()
    fail_payments(world.sandbox.world, customer, times=99)
    pass_days(world, 16)
    (owed, *_) = world.sdk.v1.invoices.list({"customer": customer, "status": "open"}).data
    getattr(world.sdk.v1.invoices, given_up)(owed.id)
    pass_days(world, 7)
    confirm(world)
    assert world.groups_of("alice") == {"choir"}
    fail_payments(world.sandbox.world, customer, times=0)
    if given_up == "mark_uncollectible":
        world.sdk.v1.invoices.pay(owed.id)
    pay_open_invoices(world, customer)
    world.settle()
    assert world.groups_of("alice") == {"choir", "supporters"}


def test_A27_A28_E33_credit_pays_for_one_term_each_and_no_term_twice(world: System) -> None:
    customer = world.customer("alice")
    world.sdk.v1.customers.update(customer, {"balance": -3000})
    fail_payments(world.sandbox.world, customer, times=99)  # no card would work
    at_once: Any = {"discourse_grace": "0", "discourse_grace_notice": "0"}
    price = world.price("supporters", interval="day", **at_once)
    world.subscribe(customer, price)
    pass_days(world, 2.9)
    assert moves(world, "alice", "supporters") == ["in"]
    assert world.sdk.v1.customers.retrieve(customer).balance == 0
    pass_days(world, 1)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out"]


def test_E41_who_pays_twice_is_in_once_is_told_so_and_may_cancel_one(world: System) -> None:
    customer, price = world.customer("alice"), world.price("supporters", interval="week")
    first = world.subscribe(customer, price)
    world.settle()
    assert "two subscriptions" not in page_of(world, "alice")
    world.subscribe(customer, price)
    world.settle()
    pass_days(world, 1)
    told = "You are paying for two subscriptions, but one is enough for supporters."
    assert f"{told} You can cancel one below." in page_of(world, "alice")
    assert f"{told} Change or cancel." in message_to(world, "alice")
    assert counts(world.bridge)["double"] == 1
    world.sdk.v1.subscriptions.update(first.id, {"cancel_at_period_end": True})
    world.settle()
    pass_days(world, 1.1)
    assert counts(world.bridge)["double"] == 0
    assert "two subscriptions" not in page_of(world, "alice") + message_to(world, "alice")
    pass_days(world, 8)
    assert moves(world, "alice", "supporters") == ["in"]


def test_E42_a_guests_purchase_waits_unmatched_until_somebody_links_it(world: System) -> None:
    world.user("alice")
    checkout(world, None, world.price("supporters"), email="alice@example.com")
    confirm(world)
    assert world.members("supporters") == set()
    (orphan,) = world.sdk.v1.customers.list().data
    assert backlog(world.bridge).orphans == 1
    world.link(orphan.id, "alice")
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


def test_D6_D21_the_news_of_a_subscription_alone_is_enough_and_nobody_has_to_log_in(
    world: System,
) -> None:
    customer, price = world.customer("alice"), world.price("supporters")
    world.settle()
    delivery.hold(world.sandbox.world)
    world.subscribe(customer, price)
    (created,) = [
        event["id"]
        for event in account(world).tables["event"].values()
        if event["type"] == "customer.subscription.created"
    ]
    delivery.release(world.sandbox.world, events=[created])
    delivery.clear(world.sandbox.world)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    assert world.calls("discourse"), "nobody has ever come to a page of the bridge"


def test_D12_E44_an_event_that_comes_again_later_does_nothing_again(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    mark, known = world.mark(), len(outcomes(world))
    for event_id in list(account(world).tables["event"]):
        delivery.resend(world.sandbox.world, event_id)
    confirm(world)
    assert len(outcomes(world)) == known
    assert moves(world, "alice", "supporters") == ["in", "out"]
    assert [line for line in world.calls("discourse", mark) if line.method != "GET"] == []


def test_E48_what_happens_in_one_second_needs_no_order(world: System) -> None:
    customer, price = world.customer("alice"), world.price("supporters")
    world.settle()
    delivery.hold(world.sandbox.world)
    old = world.subscribe(customer, price)
    world.sdk.v1.subscriptions.cancel(old.id)
    world.subscribe(customer, price)
    at = {
        event["created"]
        for event in account(world).tables["event"].values()
        if event["type"].startswith("customer.subscription.")
    }
    assert max(at) - min(at) <= 1
    delivery.release(world.sandbox.world, order="reversed")
    delivery.clear(world.sandbox.world)
    confirm(world)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]


def test_E45_what_stripe_stopped_trying_to_tell_is_read_from_its_list_of_events(
    world: System,
) -> None:
    price = world.price("supporters")
    world.settle()
    delivery.lose(world.sandbox.world)
    world.subscribe(world.customer("alice"), price)
    world.advance(5 * DAY)  # retries end after three
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


def test_A86_what_another_application_does_to_our_customer_is_followed_and_said_to_be_external(
    world: System,
) -> None:
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters"))
    world.settle()
    delivery.lose(world.sandbox.world)
    world.sdk.v1.customers.update(customer, {"metadata": {"discourse_user": "b1-1-forged"}})
    world.sdk.v1.subscriptions.cancel(subscription.id)
    account(world).tables["event"].clear()
    pass_days(world, 1.1)
    confirm(world)
    assert world.groups_of("alice") == set()
    assert not membership(world, "alice", "supporters").wanted
    (told,) = explain(world.bridge, world.user("alice"))["groups"]
    assert told["decided_by"]["cause"].startswith("external")
    assert told["moved_by"]["cause"].startswith("external")


def test_A32_after_an_upgrade_the_old_level_stays_in_the_history_with_its_cause(
    world: System,
) -> None:
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
    subscription = world.subscribe(world.customer("alice"), low)
    pass_days(world, 2)
    item = subscription["items"].data[0].id
    world.sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": high}]})
    confirm(world)
    stays = {
        group["id"]: group["stays"]
        for group in explain(world.bridge, world.user("alice"))["groups"]
    }
    (old,), (new,) = stays[world.group("supporters")], stays[world.group("patrons")]
    assert old["from"] < new["from"] <= old["until"]
    assert new["until"] is None
    assert old["went"]["event"]["type"] == "customer.subscription.updated"


def test_A87_what_was_paid_while_the_forum_is_down_is_given_once_when_it_is_back(
    world: System,
) -> None:
    price, customer = world.price("supporters"), world.customer("alice")
    world.settle()
    down = world.sandbox.world.faults
    down.add("discourse", "*", "status", status=503, times=None)
    checkout(world, "alice", price, customer=customer)
    for _ in range(30):
        delivery.wait_until_idle(world.sandbox.world)
        world.advance(60)
        sweeper.tick(world.bridge)
    assert world.members("supporters") == set()
    assert membership(world, "alice", "supporters").wanted
    down.clear()
    world.advance(1200)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]
    # A message is put off for longer than a group is (publisher.AGAIN).
    world.advance(publisher.AGAIN.longest_seconds)
    confirm(world)
    assert len(world.sdk.v1.invoices.list({"customer": customer}).data) == 1
    (told,) = messages_to(world, "alice")
    assert told[0].raw.count("10\\.00") >= 1


def test_E56_no_minute_ever_has_more_requests_than_are_set(tmp_path: Path) -> None:
    with system(tmp_path, per_minute=5) as world:
        world.advance(2)
        price = world.price("supporters")
        for number in range(12):
            world.subscribe(world.customer(f"member{number}"), price)
            world.advance(15)  # linking asks the forum who that is, too
        for _ in range(60):
            delivery.wait_until_idle(world.sandbox.world)
            sweeper.tick(world.bridge)
            world.advance(10)
        assert len(world.members("supporters")) == 12
        sent = [entry.at for entry in world.calls("discourse")]
        assert max(sum(at <= other < at + 60 for other in sent) for at in sent) <= 5
