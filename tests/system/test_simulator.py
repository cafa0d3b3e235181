"""Plans: the pending changes, and the effects of another policy; neither writes anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.answers import plan as plans
from bridge.answers.simulator import Treated, simulate
from bridge.core.rules.law import Proposal
from bridge.core.rules.policy import parse_policy
from bridge.operations import links
from bridge.sandbox.stripe import delivery, fail_payments
from bridge.store.schema.columns import metadata
from bridge.store.schema.rights import readings
from tests.harness import OPERATOR, System, system
from tests.system.acts import account, confirm, pass_days
from tests.system.typing_commands import typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.price("supporters,patrons")  # so that the groups are known before anybody buys
        it.settle()
        yield it


def contents(world: System) -> dict[str, list[Any]]:
    """Everything in the database but the counters of the forum's requests."""
    with world.bridge.store.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name != "slots"
        }


def told(found: tuple[Treated, ...], world: System) -> set[tuple[int, str, str, str, str]]:
    names = {user_id: name for name, user_id in world.users.items()}
    return {
        (found.index(one), names[one.user_id], one.group, one.change, one.then.reason)
        for one in found
    }


def test_the_same_policy_treats_nobody_differently(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    began = world.bridge.clock.now()
    world.settle()
    pass_days(world, 1)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert simulate(world.bridge, Proposal(world.bridge.policy), began).treated == ()


def test_a_longer_grace_would_have_kept_somebody_who_paid_late(world: System) -> None:
    account(world).settings.dunning_end = "past_due"
    began = world.bridge.clock.now()
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters", interval="week"))
    world.subscribe(world.customer("bob"), world.price("supporters"))
    world.settle()
    fail_payments(world.sandbox.world, customer, times=99)
    pass_days(world, 7 + 9)
    assert world.members("supporters") == {"bob"}
    other = parse_policy({"defaults": {"grace": "30d"}})
    found = simulate(world.bridge, Proposal(other), began).treated
    assert told(found, world) == {(0, "alice", "supporters", "in", "grace")}
    (one,) = found
    missed = subscription["items"].data[0].current_period_end
    assert one.until_at is None
    assert abs(one.from_at.timestamp() - missed - timedelta(days=7).total_seconds()) < 7200
    assert (one.now.is_in, one.now.reason, one.then.rule_id) == (
        False,
        "grace_over",
        one.now.rule_id,
    )
    assert simulate(world.bridge, Proposal(other), began + timedelta(days=1)).treated == found


def test_without_a_grace_somebody_would_have_been_out_for_the_time_until_they_paid(
    world: System,
) -> None:
    account(world).settings.dunning_end = "past_due"
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters", interval="week"))
    began = world.bridge.clock.now()
    world.settle()
    fail_payments(world.sandbox.world, customer, times=1)
    pass_days(world, 13)
    assert world.members("supporters") == {"alice"}
    found = simulate(
        world.bridge, Proposal(parse_policy({"defaults": {"grace": "0d"}})), began
    ).treated
    assert [(one.change, one.now.reason, one.then.reason) for one in found] == [
        ("out", "grace", "grace_over")
    ]
    assert found[0].until_at is not None
    assert (
        simulate(world.bridge, Proposal(parse_policy({"defaults": {"grace": "0d"}}))).treated == ()
    )


def test_what_another_bridge_toml_would_do_is_told_without_a_call_or_a_write(
    world: System, tmp_path: Path
) -> None:
    price = world.price("supporters")
    world.group("patrons")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    product = str(world.sdk.v1.prices.retrieve(price).product)
    other = tmp_path / "other.toml"
    other.write_text(f'[products.{product}]\ngroups = ["patrons"]\n')
    before, mark = contents(world), world.mark()
    file = (tmp_path / "bridge.db").read_bytes()
    day = f"{world.bridge.clock.now():%Y-%m-%d}"
    words = ("plan", "--policy", str(other), "--since", day)
    answer = json.loads(typed(world, *words, "--json", code=1))
    assert {(one["group"], one["username"], one["change"]) for one in answer["treated"]} == {
        ("supporters", "alice", "out"),
        ("patrons", "alice", "in"),
    }
    assert "no longer includes this" in typed(world, *words, code=1)
    assert contents(world) == before
    assert (tmp_path / "bridge.db").read_bytes() == file
    assert world.calls("stripe", mark) == []
    assert world.calls("discourse", mark) == []
    other.write_text("")
    assert "Nobody would be treated differently" in typed(world, *words)
    other.write_text("[site]\nnonsense = 1\n")
    typed(world, *words, code=3)
    typed(world, "plan", "--since", day, code=2)


def test_a_rule_that_the_other_policy_breaks_touches_nobody_and_is_named(world: System) -> None:
    price = world.price("supporters")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    product = str(world.sdk.v1.prices.retrieve(price).product)
    other = parse_policy({"products": {product: {"groups": "no-such-group"}}})
    found = simulate(world.bridge, Proposal(other))
    assert found.treated == ()
    assert [problem.split()[0] for problem in found.problems] == ["M101"]


def test_a_plan_only_reads(world: System, tmp_path: Path) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.subscribe(world.customer("bob"), world.price("supporters"))
    delivery.wait_until_idle(world.sandbox.world)
    before, mark = contents(world), world.mark()
    words = typed(world, "plan", code=1)
    assert "add" in words
    sent = [*world.calls("stripe", mark), *world.calls("discourse", mark)]
    assert {entry.method for entry in sent} == {"GET"}
    assert contents(world) == before
    assert world.members("supporters") == {"alice"}
    assert (tmp_path / "bridge.db").exists()


def test_a_plan_goes_by_the_catalogue_as_it_is_now_and_by_who_was_unlinked(
    world: System,
) -> None:
    price = world.price("supporters")
    world.group("patrons")
    customer = world.customer("alice")
    world.subscribe(world.customer("bob"), price)
    world.subscribe(customer, price)
    world.settle()
    links.unlink(world.bridge, OPERATOR, customer)
    product = str(world.sdk.v1.prices.retrieve(price).product)
    world.sdk.v1.products.update(product, {"metadata": {"discourse_groups": "patrons"}})
    found = {(one.user_id, one.action, one.group, one.reason) for one in plans.plan(world.bridge)}
    assert found == {
        (world.user("alice"), "remove", "supporters", "not_theirs"),
        (world.user("bob"), "remove", "supporters", "not_mapped"),
        (world.user("bob"), "add", "patrons", "active"),
    }


def test_the_policy_in_force_is_kept_with_the_readings_once(world: System) -> None:
    world.settle()
    pass_days(world, 1)
    with world.bridge.store.read() as connection:
        kinds = list(connection.scalars(select(readings.c.kind)))
    assert kinds.count("policy") == 1
