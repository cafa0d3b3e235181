"""Why somebody is in a group or is not: the proof, what moved it, what it waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.answers.standing import standing as standing_of
from bridge.errors import NotFound
from bridge.sandbox.stripe import fail_payments
from bridge.store.schema.forum import changes
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import (
    account,
    checkout,
    confirm,
    console_of,
    pass_days,
    staff_remove,
    words,
)
from tests.system.explaining import explain
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.price("supporters,patrons")  # so that the groups are known before anybody buys
        it.settle()
        yield it


def about(world: System, user: str, group: str) -> Any:
    (found,) = explain(world.bridge, world.user(user), group)["groups"]
    return found


def test_A48_the_log_names_the_event_the_rule_and_the_decision_of_a_removal(
    world: System,
) -> None:
    price = world.price("supporters")
    subscription = world.subscribe(world.customer("alice"), price)
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    told = about(world, "alice", "supporters")
    moved = told["moved_by"]
    assert (moved["action"], moved["event"]["type"]) == ("removed", "customer.subscription.deleted")
    assert moved["event"]["object"] == subscription.id
    assert moved["rule"].startswith("product:")
    assert moved["detail"]["why"] == "canceled"
    with world.bridge.store.read() as connection:
        decision = connection.execute(
            changes.select().where(changes.c.id == moved["detail"]["decision"])
        ).one()
    assert (decision.action, decision.cause) == ("unwanted", moved["event"]["id"])
    assert decision.detail["ended_by"][0]["source"] == subscription.id


def test_a_membership_is_proven_by_its_source_its_rule_and_who_said_each_value(
    world: System,
) -> None:
    price = world.price("supporters", discourse_grace="9d")
    subscription = world.subscribe(world.customer("alice"), price)
    world.settle()
    told = about(world, "alice", "supporters")
    assert (told["member"], told["entitled"], told["owned"]) == (True, True, "proven")
    (verdict,) = told["verdicts"]
    assert (verdict["id"], verdict["counts"], verdict["reason"]) == (
        subscription.id,
        True,
        "active",
    )
    said = {one["key"]: (one["value"], one["said_in"]) for one in verdict["values"]}
    assert said["groups"] == ("supporters", f"product {verdict['product']}")
    assert said["grace"] == ("9d", f"product {verdict['product']}")
    assert said["trial"] == ("grant", "the bridge’s default")
    assert told["next"][0]["words"] == f"{subscription.id} renews if it is paid."
    assert told["moved_by"]["action"] == "added"
    assert told["moved_by"]["event"]["id"].startswith("evt_")
    assert told["waits"] == []


def test_a_group_that_is_lost_is_explained_by_the_value_that_ended_it(world: System) -> None:
    account(world).settings.dunning_end = "past_due"
    customer = world.customer("alice")
    price = world.price("supporters", interval="week", discourse_grace="2d")
    world.subscribe(customer, price)
    world.settle()
    fail_payments(world.sandbox.world, customer, times=99)
    pass_days(world, 8)
    told = about(world, "alice", "supporters")
    assert (told["member"], told["verdicts"][0]["reason"]) == (True, "grace")
    assert told["next"][0]["words"].endswith(" ends.")
    pass_days(world, 3)
    told = about(world, "alice", "supporters")
    assert (told["member"], told["verdicts"][0]["reason"]) == (False, "grace_over")
    assert ("grace", "2d") in [(v["key"], v["value"]) for v in told["verdicts"][0]["rests_on"]]
    assert told["decided_by"]["cause"] == "clock"


def test_A4_of_a_ladder_the_lower_step_is_told_to_be_outranked_everywhere(world: System) -> None:
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    world.price("patrons", discourse_ladder="level", discourse_rank="2")
    world.subscribe(world.customer("alice"), low)
    reason = ("--reason", "Helps a lot", "--by", "mod")
    typed(world, "grant", "alice", "patrons", *reason)
    confirm(world)
    assert world.groups_of("alice") == {"patrons"}
    told = about(world, "alice", "supporters")
    (verdict,) = told["verdicts"]
    assert (told["member"], verdict["holds"], verdict["counts"]) == (False, True, False)
    assert verdict["outranked_by"] == "patrons"
    assert verdict["words"] == "patrons takes its place."
    person, day = f"/moderate/person/{world.user('alice')}", f"{world.bridge.clock.now():%Y-%m-%d}"
    mia = console_of(world)
    pages = words(mia.get(person).text), words(mia.get(f"{person}/then?day={day}").text)
    standing = standing_of(world.bridge, world.user("alice"), "supporters").groups
    for text in (*pages, standing[0].reason):
        assert "patrons takes its place." in text.lower()
        assert "membership is active" not in text


def test_why_not_of_a_group_that_nothing_leads_to_says_what_would(world: System) -> None:
    price = world.price("supporters")
    world.subscribe(world.customer("alice"), world.price("readers"))
    world.settle()
    told = about(world, "alice", "supporters")
    assert (told["member"], told["entitled"], told["verdicts"]) == (False, False, [])
    product = str(world.sdk.v1.prices.retrieve(price).product)
    assert product in [one["product"] for one in told["given_by"]]
    with pytest.raises(NotFound):
        explain(world.bridge, world.user("alice"), "no-such-group")


def test_a_removal_that_is_decided_tells_what_it_waits_for(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    world.settle()
    told = about(world, "alice", "supporters")
    assert (told["member"], told["wanted"]) == (True, False)
    assert [one["for"] for one in told["waits"]] == ["confirm"]


def test_many_removals_at_once_tell_that_they_wait_for_a_moderator(tmp_path: Path) -> None:
    policy = replace(POLICY, removal_mass_min=0, removal_mass_percent=0)
    with system(tmp_path, policy=policy) as world:
        world.advance(2)
        subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
        world.settle()
        world.sdk.v1.subscriptions.cancel(subscription.id)
        confirm(world)
        told = about(world, "alice", "supporters")
        assert "limit" in [one["for"] for one in told["waits"]]
        assert "bridge release supporters" in told["waits"][0]["words"]


def test_a_membership_that_is_held_tells_why_and_what_lets_it_go(world: System) -> None:
    price = world.price("supporters")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    product = str(world.sdk.v1.prices.retrieve(price).product)
    world.sdk.v1.products.update(product, {"metadata": {"discourse_groups": "suporters"}})
    confirm(world)
    told = about(world, "alice", "supporters")
    assert (told["member"], told["held"]) == (True, "rule_halted")
    assert [one["code"] for one in told["waits"]] == ["rule_halted"]


def test_somebody_who_was_taken_out_by_staff_is_told_to_be_and_how_it_is_lifted(
    world: System,
) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters", interval="day"))
    world.settle()
    staff_remove(world, "supporters", "alice")
    pass_days(world, 1)
    told = about(world, "alice", "supporters")
    assert (told["member"], told["entitled"], told["taken_out_by"]) == (False, True, "staff")
    assert "bridge lift" in told["waits"][0]["words"]
    assert (told["moved_by"]["action"], told["moved_by"]["cause"]) == (
        "removed_by_others",
        "moderator",
    )


def test_people_read_the_same_as_scripts_in_plain_words(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    data = asked(world, "explain", "alice")
    words = typed(world, "explain", "alice")
    assert data["groups"][0]["group"] == "supporters"
    assert "is in supporters since" in words
    assert f"gives it: {subscription.id}" in words
    assert "Your monthly membership is active." in words
    assert "groups = supporters, set in product" in words
    assert "customer.subscription.created" in words
    day = f"{world.bridge.clock.now():%Y-%m-%d}"
    assert asked(world, "explain", "alice", "--at", day)["groups"][0]["entitled"]
    known = json.loads(
        typed(world, "explain", "alice", "--at", "2001-01-01", "--as-known", "--json")
    )
    assert known["groups"] == []
    assert "was in supporters" in typed(world, "explain", "alice", "--at", day, "--as-known")
    typed(world, "explain", "alice", "--as-known", code=2)
    typed(world, "explain", "alice", "--at", "yesterday", code=2)


def test_somebody_whom_neither_the_bridge_nor_the_forum_knows_is_refused(world: System) -> None:
    for argv in (("explain",), ("reference",), ("bank", "reference")):
        for nobody in ("id:9223372036854775807", "id:99999999"):
            assert "the forum has no user" in typed(world, *argv, nobody, code=1), argv
        typed(world, *argv, f"id:{world.user('newcomer')}")


def test_what_comes_next_is_told_of_what_still_comes_and_not_of_what_is_over(world: System) -> None:
    now = int(world.bridge.clock.now().timestamp())
    bought = world.price("patrons", interval=None, discourse_term="10d")
    customer = world.customer("alice")
    session = checkout(world, "alice", bought, mode="payment", customer=customer)
    price = world.price("supporters", discourse_after_instalments="lifetime", interval="week")
    plan = world.subscribe(customer, price, cancel_at=now + 21 * DAY)
    world.settle()
    assert [one["words"] for one in about(world, "alice", "supporters")["next"]] == [
        f"{plan.id} renews if it is paid.",
        f"The instalments of {plan.id} end, and the access continues.",
    ]
    (ends,) = about(world, "alice", "patrons")["next"]
    assert ends["words"].endswith(" ends.")
    world.sdk.v1.refunds.create({"payment_intent": session.payment_intent})
    confirm(world)
    assert about(world, "alice", "patrons")["next"] == []
