"""How many requests each event of a member's life costs: exact, because they are the budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.kernel import Entry
from bridge.sandbox.stripe import delivery
from tests.harness import DAY, POLICY, System, system


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        yield it


def reads(entries: list[Entry]) -> list[str]:
    return [f"{e.method} {e.path}" for e in entries]


def writes(entries: list[Entry]) -> list[str]:
    """What was sent to the forum, without the sweep's own reading of groups."""
    return [f"{e.method} {e.path}" for e in entries if e.method != "GET"]


def bridge_reads(world: System, since: int) -> list[str]:
    """What the bridge read of Stripe about somebody: not the nightly reading of everybody."""
    about_one = [
        e
        for e in world.calls("stripe", since)
        if e.method == "GET" and ("customer=" in e.query or not e.query)
    ]
    return reads(about_one)


def test_a_signup_costs_one_stripe_read_and_two_discourse_calls(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    world.settle()
    mark = world.mark()
    world.subscribe(customer, price)
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    group = world.group("supporters")
    assert reads(world.calls("discourse", mark)) == [
        f"PUT /groups/{group}/members.json",
        "POST /posts.json",
    ]
    assert world.groups_of("alice") == {"supporters"}


def test_a_signup_for_what_a_mapped_feature_gives_costs_one_read_more(tmp_path: Path) -> None:
    policy = replace(POLICY, features={"forum": {"groups": "supporters"}})
    with system(tmp_path, policy=policy) as world:
        price = world.price("supporters")
        product = world.sdk.v1.prices.retrieve(price).product
        made: Any = {"name": "The forum", "lookup_key": "forum"}
        feature = world.sdk.v1.entitlements.features.create(made)
        row: Any = {"entitlement_feature": feature.id}
        world.sdk.v1.products.features.create(str(product), row)
        customer = world.customer("alice")
        world.settle()
        mark = world.mark()
        world.subscribe(customer, price)
        world.settle()
        assert bridge_reads(world, mark) == [
            "GET /v1/subscriptions",
            "GET /v1/entitlements/active_entitlements",
        ]


def test_without_a_mapped_feature_stripe_is_never_asked_for_entitlements(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.advance(DAY + 10)
    world.settle()
    asked = {entry.path for entry in world.calls("stripe") if entry.method == "GET"}
    assert "/v1/products" in asked
    assert not [path for path in asked if "entitlement" in path or path.endswith("/features")]


def test_a_renewal_costs_one_stripe_read_and_no_discourse_call(world: System) -> None:
    price = world.price("supporters", interval="day")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    mark = world.mark()
    world.advance(DAY + 10)
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    assert writes(world.calls("discourse", mark)) == []


def test_a_duplicate_costs_nothing(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    world.settle()
    delivery.duplicate(world.sandbox.world, copies=3)
    mark = world.mark()
    world.subscribe(customer, price)
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    assert len(writes(world.calls("discourse", mark))) == 2


def test_an_upgrade_costs_one_stripe_read_and_two_writes_the_addition_first(
    world: System,
) -> None:
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
    subscription = world.subscribe(world.customer("alice"), low)
    world.settle()
    mark = world.mark()
    world.sdk.v1.subscriptions.update(
        subscription.id, {"items": [{"id": subscription["items"].data[0].id, "price": high}]}
    )
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    assert writes(world.calls("discourse", mark)) == [
        f"PUT /groups/{world.group('patrons')}/members.json",
        f"DELETE /groups/{world.group('supporters')}/members.json",
    ]
    assert world.groups_of("alice") == {"patrons"}
