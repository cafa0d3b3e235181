"""Changes in bridge.toml or in Stripe's metadata take effect for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.rules.policy import parse_policy
from bridge.rulebook import Rulebook
from tests.harness import System, system
from tests.system.acts import confirm, membership, page_of, pass_days
from tests.system.explaining import explain
from tests.system.typing_commands import typed

STEPS = ["supporters", "patrons"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def restart_with(world: System, **toml: Any) -> None:
    """Start the bridge again under another bridge.toml."""
    policy = parse_policy(toml)
    world.bridge = replace(world.bridge, policy=policy, rulebook=Rulebook(policy))


def move(world: System, subscription: Any, price: str) -> None:
    items: Any = [{"id": subscription["items"].data[0].id, "price": price}]
    world.sdk.v1.subscriptions.update(subscription.id, {"items": items})


def test_A35_on_a_ladder_that_does_not_follow_a_changed_plan_moves_nobody_until_it_follows(
    world: System,
) -> None:
    low = world.price("members,supporters", discourse_ladder="level")
    high = world.price("members,patrons", amount=5000, discourse_ladder="level")
    restart_with(world, ladders={"level": {"groups": STEPS, "follow": False}})
    subscription = world.subscribe(world.customer("alice"), low)
    confirm(world)
    move(world, subscription, high)
    confirm(world)
    assert world.groups_of("alice") == {"members", "supporters"}
    assert "You are in members and supporters. Your" in page_of(world, "alice")
    told = {one["group"]: one for one in explain(world.bridge, world.user("alice"))["groups"]}
    assert [told[group]["entitled"] for group in STEPS] == [True, False]
    for group, counts in zip(STEPS, (True, False), strict=True):
        (verdict,) = told[group]["verdicts"]
        assert (verdict["counts"], verdict["stays_on"]) == (counts, "supporters")
    now = world.bridge.clock.now()
    past = explain(world.bridge, world.user("alice"), at=now, known=True)["groups"]
    assert {one["group"]: one["entitled"] for one in past} == {
        group: one["entitled"] for group, one in told.items()
    }
    restart_with(world, ladders={"level": STEPS})
    confirm(world)
    assert world.groups_of("alice") == {"members", "patrons"}


def test_A34_what_was_held_for_a_price_without_a_rule_ends_once_the_site_says_so(
    world: System,
) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    confirm(world)
    move(world, subscription, world.price(""))
    confirm(world)
    assert membership(world, "alice", "supporters").hold == "no_rule"
    restart_with(world, site={"unmapped": "end"})
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A93_what_a_moderator_gave_and_ended_while_its_rule_was_halted_ends_afterwards(
    world: System,
) -> None:
    price = world.price("supporters")
    world.user("alice")
    world.settle()
    typed(world, "grant", "alice", "supporters", "--for", "1d", "--reason", "x", "--by", "maria")
    world.settle()
    product = str(world.sdk.v1.prices.retrieve(price).product)
    world.sdk.v1.products.update(product, {"metadata": {"discourse_grace": "soon"}})
    pass_days(world, 2)
    assert world.groups_of("alice") == {"supporters"}
    assert membership(world, "alice", "supporters").hold == "rule_halted"
    world.sdk.v1.products.update(product, {"metadata": {"discourse_grace": ""}})
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_I3_the_base_group_given_by_hand_takes_no_step_of_the_ladder_from_who_pays(
    world: System,
) -> None:
    low = world.price("members,supporters", discourse_ladder="level", discourse_rank="1")
    world.subscribe(world.customer("alice"), low)
    confirm(world)
    given = ("grant", "alice", "members", "--reason", "x", "--by", "maria")
    typed(world, *given)
    confirm(world)
    assert world.groups_of("alice") == {"members", "supporters"}
    world.price("members,patrons", discourse_ladder="level", discourse_rank="2")
    confirm(world)
    assert world.groups_of("alice") == {"members", "supporters"}
