"""Events in any order, lost, doubled or late: the same result, and nobody is removed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bridge.sandbox.stripe import delivery
from tests.harness import POLICY, System, system
from tests.system.acts import account, checkout, confirm, membership, moves

TOLD = (
    "customer.subscription.deleted",
    "customer.subscription.created",
    "invoice.paid",
    "checkout.session.completed",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    policy = replace(POLICY, removal_limit_percent=100)  # everybody is upgraded within an hour
    with system(tmp_path, policy=policy, per_minute=6000, discourse_limit=6000) as it:
        it.advance(2)
        yield it


@dataclass
class Upgrade:
    """Somebody who cancelled and bought again; the events, by type."""

    name: str
    events: dict[str, str]


def ladder(world: System) -> tuple[str, str]:
    low = world.price("everybody,supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("everybody,patrons", discourse_ladder="level", discourse_rank="2")
    return low, high


def upgrade(world: System, name: str, customer: str, old: str, high: str) -> Upgrade:
    """Cancel the old one and buy the new one, while no events arrive."""
    before = set(account(world).tables["event"])
    world.sdk.v1.subscriptions.cancel(old)
    checkout(world, name, high, customer=customer)
    events = account(world).tables["event"]
    new = {
        event["type"]: event["id"]
        for event_id, event in events.items()
        if event_id not in before and event["type"] in TOLD
    }
    assert new.keys() == set(TOLD)
    return Upgrade(name, new)


def final(world: System, name: str) -> tuple[object, ...]:
    """Everything that is recorded of the three memberships, times aside."""
    found = [membership(world, name, group) for group in ("everybody", "supporters", "patrons")]
    return tuple(
        (row.wanted, row.actual, row.reason, row.hold, row.override, row.wanted_until, row.ladder)
        for row in found
    )


@pytest.mark.timeout(240)
def test_A38_A39_A40_D17_D18_every_order_and_doubling_of_an_upgrades_news_ends_the_same(
    world: System,
) -> None:
    low, high = ladder(world)
    orders = list(itertools.permutations(TOLD))
    names = [f"member{number}" for number in range(len(orders))]
    customers = [world.customer(name) for name in names]
    old = [world.subscribe(customer, low).id for customer in customers]
    confirm(world)
    assert world.members("supporters") == set(names)
    delivery.hold(world.sandbox.world)
    upgrades = [
        upgrade(world, name, customer, subscription, high)
        for name, customer, subscription in zip(names, customers, old, strict=True)
    ]
    doubles = random.Random(40)  # noqa: S311 - which news comes twice, no secret
    for step in range(len(TOLD)):
        for order, one in zip(orders, upgrades, strict=True):
            delivery.release(world.sandbox.world, events=[one.events[order[step]]])
            for again in order[: step + 1]:
                if doubles.random() < 0.5:
                    delivery.resend(world.sandbox.world, one.events[again])
        delivery.clear(world.sandbox.world)
        confirm(world)
    assert {final(world, name) for name in names} == {final(world, "member0")}
    for name in names:
        assert world.groups_of(name) == {"everybody", "patrons"}
        assert moves(world, name, "everybody") == ["in"], f"{name} was out of the shared group"
        assert moves(world, name, "supporters") == ["in", "out"]
        assert moves(world, name, "patrons") == ["in"]


def test_A38_the_old_one_ends_and_is_told_before_the_new_one_exists(world: System) -> None:
    low, high = ladder(world)
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    confirm(world)
    world.sdk.v1.subscriptions.cancel(old.id)
    world.settle()
    assert not membership(world, "alice", "everybody").wanted
    world.advance(40)
    world.subscribe(customer, high)
    world.settle()
    assert membership(world, "alice", "everybody").unwanted_at is None
    confirm(world)
    assert world.groups_of("alice") == {"everybody", "patrons"}
    assert moves(world, "alice", "everybody") == ["in"]


def test_F05_a_deletion_that_arrives_last_ends_nothing_that_was_bought_since(
    world: System,
) -> None:
    low, _ = ladder(world)
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    confirm(world)
    delivery.hold(world.sandbox.world, types="customer.subscription.deleted")
    world.sdk.v1.subscriptions.cancel(old.id)
    world.subscribe(customer, low)
    confirm(world)
    delivery.release(world.sandbox.world)
    delivery.clear(world.sandbox.world)
    confirm(world)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]
    assert membership(world, "alice", "supporters").sources != [old.id]


def test_A42_changed_in_place_or_cancelled_and_bought_again_is_the_same(world: System) -> None:
    low, high = ladder(world)
    for name in ("alice", "bob"):
        world.subscribe(world.customer(name), low)
    confirm(world)
    by_name = {
        name: world.sdk.v1.subscriptions.retrieve(membership(world, name, "supporters").sources[0])
        for name in ("alice", "bob")
    }
    item = by_name["alice"]["items"].data[0].id
    world.sdk.v1.subscriptions.update(by_name["alice"].id, {"items": [{"id": item, "price": high}]})
    world.sdk.v1.subscriptions.cancel(by_name["bob"].id)
    world.subscribe(str(by_name["bob"].customer), high)
    confirm(world)
    assert final(world, "alice") == final(world, "bob")
    for name in ("alice", "bob"):
        assert moves(world, name, "everybody") == ["in"]


@pytest.mark.parametrize("seed", range(3))
def test_D18_shuffled_and_doubled_news_of_many_people_ends_as_stripe_says(
    world: System, seed: int
) -> None:
    luck = random.Random(seed)  # noqa: S311 - whose life goes how, no secret
    low, high = ladder(world)
    names = [f"member{n}" for n in range(8)]
    customers = {name: world.customer(name) for name in names}
    confirm(world)
    delivery.duplicate(world.sandbox.world, copies=2, types="customer.*")
    delivery.hold(world.sandbox.world)
    for _ in range(3):
        for name in names:
            _something_happens(world, luck, customers[name], low, high)
        delivery.release(world.sandbox.world, order="shuffled", seed=seed)
        world.settle()
        world.advance(luck.choice([5, 45, 90]))
    delivery.clear(world.sandbox.world)
    delivery.release(world.sandbox.world, order="reversed")
    confirm(world)
    confirm(world)
    for name in names:
        paid = {
            item.price.id
            for one in world.sdk.v1.subscriptions.list({"customer": customers[name]}).data
            for item in one["items"].data
        }
        step = {"patrons"} if high in paid else {"supporters"} if low in paid else set()
        assert world.groups_of(name) == step | ({"everybody"} if paid else set())


def _something_happens(
    world: System, luck: random.Random, customer: str, low: str, high: str
) -> None:
    running = world.sdk.v1.subscriptions.list({"customer": customer}).data
    what = luck.choice(["buy", "cancel", "change", "nothing"])
    if what == "buy" or not running:
        world.subscribe(customer, luck.choice([low, high]))
    elif what == "cancel":
        world.sdk.v1.subscriptions.cancel(running[0].id)
    elif what == "change":
        item = running[0]["items"].data[0].id
        price = luck.choice([low, high])
        world.sdk.v1.subscriptions.update(running[0].id, {"items": [{"id": item, "price": price}]})
