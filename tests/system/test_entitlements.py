"""Stripe's entitlements as a source of groups, through the running system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.answers import plan as plans
from bridge.core.rules.policy import Policy
from bridge.rulebook import Rulebook
from bridge.sandbox.stripe import delivery
from bridge.worker import reconcile
from tests.harness import POLICY, System, system
from tests.system.acts import confirm, membership, messages_to, moves, pass_days
from tests.system.explaining import explain
from tests.system.typing_commands import asked, typed

MAPPED = replace(POLICY, features={"forum": {"groups": "supporters", "grace": "3d"}})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path, policy=MAPPED) as it:
        it.group("supporters")
        yield it


def govern(world: System, policy: Policy) -> None:
    """Run under another bridge.toml from now on."""
    world.bridge = replace(world.bridge, policy=policy, rulebook=Rulebook(policy))


def feature_of(world: System, product: str, key: str = "forum", **metadata: str) -> str:
    """A feature that the product carries; the row that attaches it."""
    said: Any = {"name": key, "lookup_key": key, "metadata": metadata}
    feature = world.sdk.v1.entitlements.features.create(said)
    row = world.sdk.v1.products.features.create(product, {"entitlement_feature": feature.id})
    return row.id


def product_of(world: System, price: str) -> str:
    return str(world.sdk.v1.prices.retrieve(price).product)


def sold(world: System, groups: str = "") -> tuple[str, str, str]:
    """A price without groups of its own, whose product carries the feature."""
    price = world.price(groups)
    product = product_of(world, price)
    if not groups:
        world.sdk.v1.products.update(product, {"metadata": {"discourse_groups": ""}})
    return price, product, feature_of(world, product)


def verdict(world: System, user: str, **more: Any) -> Mapping[str, Any]:
    (group,) = explain(world.bridge, world.user(user), "supporters", **more)["groups"]
    (said,) = group["verdicts"]
    return dict(said)


def test_a_feature_leads_to_its_groups_as_long_as_the_subscription_runs(world: System) -> None:
    price, _, _ = sold(world)
    began = world.bridge.clock.now()
    bought = world.subscribe(world.customer("alice"), price)
    world.settle()
    assert world.members("supporters") == {"alice"}
    was = world.bridge.clock.now()
    said = verdict(world, "alice")
    assert (said["source"], said["id"], said["feature"]) == (
        "entitlement",
        f"{bought.id}:forum",
        "forum",
    )
    assert said["rests_on"][0]["said_in"] == "bridge.toml [features.forum]"
    assert "supporters" in messages_to(world, "alice")[0][0].raw
    pass_days(world, 1)
    world.sdk.v1.subscriptions.cancel(bought.id)
    world.settle()
    assert world.members("supporters") == {"alice"}  # proof first
    confirm(world)
    assert world.members("supporters") == set()
    assert verdict(world, "alice")["reason"] == "canceled"
    assert verdict(world, "alice", at=was)["reason"] == "active"
    assert verdict(world, "alice", at=was, known=True)["reason"] == "active"
    assert explain(world.bridge, world.user("alice"), at=began, known=True)["groups"] == []


def test_E10_a_trial_that_ends_into_a_pause_ends_the_group_though_not_the_entitlement(
    world: System,
) -> None:
    price, _, _ = sold(world)
    customer = world.customer("alice", payment_method=None)
    world.subscribe(
        customer,
        price,
        trial_period_days=1,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    world.settle()
    assert world.members("supporters") == {"alice"}
    pass_days(world, 1.1)
    confirm(world)
    left = world.sdk.v1.entitlements.active_entitlements.list({"customer": customer}).data
    assert [one.lookup_key for one in left] == ["forum"]
    assert verdict(world, "alice")["reason"] == "paused"
    assert world.members("supporters") == set()


def test_an_entitlement_that_ends_while_the_subscription_runs_ends_after_a_second_reading(
    world: System,
) -> None:
    price, product, row = sold(world)
    bought = world.subscribe(world.customer("alice"), price)
    world.settle()
    world.sdk.v1.products.features.delete(product, row)
    world.sdk.v1.subscriptions.update(bought.id, {"metadata": {"a": "b"}})  # Stripe looks again
    world.settle()
    assert world.members("supporters") == {"alice"}
    assert verdict(world, "alice")["reason"] == "not_entitled"
    confirm(world)
    assert world.members("supporters") == set()


def test_an_entitlement_without_a_product_that_carries_it_is_held_until_stripe_ends_it(
    world: System,
) -> None:
    price, product, row = sold(world)
    bought = world.subscribe(world.customer("alice"), price)
    world.settle()
    world.sdk.v1.products.features.delete(product, row)
    world.sdk.v1.products.update(product, {"name": "Changed"})
    confirm(world)
    assert verdict(world, "alice")["reason"] == "entitlement_unclear"
    assert membership(world, "alice", "supporters").hold == "entitlement_unclear"
    assert moves(world, "alice", "supporters") == ["in"]
    world.sdk.v1.subscriptions.update(bought.id, {"metadata": {"a": "b"}})
    confirm(world)
    assert world.members("supporters") == set()


def test_a_feature_attached_to_what_somebody_has_is_found_by_its_entitlement(
    world: System,
) -> None:
    """Read the product again, because no event reports that a feature was attached."""
    price = world.price("")
    product = product_of(world, price)
    world.subscribe(world.customer("alice"), price)
    world.settle()
    assert world.members("supporters") == set()
    feature_of(world, product)
    world.settle()
    assert world.members("supporters") == {"alice"}


def test_what_was_sold_before_a_feature_is_mapped_counts_and_ends_when_it_is_not_any_more(
    world: System,
) -> None:
    govern(world, POLICY)
    price, _, _ = sold(world)
    world.subscribe(world.customer("alice"), price)
    world.settle()
    mark = world.mark()
    assert world.members("supporters") == set()
    govern(world, MAPPED)
    world.settle()
    assert world.members("supporters") == {"alice"}
    assert any("entitlements" in call.path for call in world.calls("stripe", mark))
    govern(world, POLICY)
    confirm(world)
    assert world.members("supporters") == set()


def test_what_was_lost_on_the_way_is_made_up_for_at_night(world: System) -> None:
    price, product, row = sold(world)
    bought = world.subscribe(world.customer("alice"), price)
    world.settle()
    delivery.lose(world.sandbox.world)
    world.sdk.v1.products.features.delete(product, row)
    world.sdk.v1.subscriptions.update(bought.id, {"metadata": {"a": "b"}})
    world.settle()
    reconcile.read_all_subscriptions(world.bridge)
    confirm(world)
    assert world.members("supporters") == set()


def test_the_doctor_and_both_plans_know_features(world: System, tmp_path: Path) -> None:
    price, _, _ = sold(world)
    world.subscribe(world.customer("alice"), price)
    world.settle()
    assert plans.plan(world.bridge) == []
    other = tmp_path / "other.toml"
    other.write_text("[features.forum]\ngroups = []\n")
    (treated,) = asked(world, "plan", "--policy", str(other), code=1)["treated"]
    assert (treated["group"], treated["change"]) == ("supporters", "out")
    assert treated["now"]["sources"][0].endswith(":forum")
    mine = tmp_path / "mine.toml"
    mine.write_text('[features.forum]\ngroups = ["supporters"]\n[features.other]\n')
    told = typed(world, "doctor", env={"BRIDGE_CONFIG": str(mine)})
    assert "Entitlements: read" in told
    assert "does not send entitlements" not in told
    assert "[features.other]" in told
    assert "M115" in told
