"""How it was on a date, as known today and as known then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bridge.core.rules.policy import parse_policy
from bridge.operations import links, reading
from bridge.rulebook import Rulebook
from bridge.sandbox.stripe import delivery, fail_payments
from bridge.store import history
from bridge.store.schema.forum import changes
from bridge.store.schema.rights import readings, subscriptions
from bridge.store.schema.work import work
from bridge.worker import reconcile
from tests.harness import DAY, OPERATOR, System, system
from tests.system.acts import account, confirm, pass_days, pay_open_invoices, staff_add
from tests.system.explaining import explain


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.price("supporters,patrons")  # so that the groups are known before anybody buys
        it.settle()
        yield it


def now(world: System) -> datetime:
    return world.bridge.clock.now()


def then(world: System, user: str, at: datetime, *, known: bool = False) -> Any:
    """The first group of somebody, as it was, or as it was known."""
    return explain(world.bridge, world.user(user), at=at, known=known)["groups"][0]


def names(world: System, group: str, at: datetime, *, known: bool = False) -> set[str]:
    """The members of a group at a time, from the record."""
    with world.bridge.store.read() as connection:
        found = history.memberships_at(
            connection, at, group_ids=[world.group(group)], as_known=known
        ).values()
    ids = {one.user_id for one in found if one.membership.actual}
    return {name for name, user_id in world.users.items() if user_id in ids}


def test_A61_news_that_comes_late_changes_how_it_was_and_not_how_it_was_known(
    world: System,
) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    delivery.lose(world.sandbox.world)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    world.advance(3600)
    between = now(world)
    world.advance(1800)
    reading.sync_user(world.bridge, OPERATOR, world.user("alice"))
    confirm(world)
    assert world.groups_of("alice") == set()
    as_it_was = then(world, "alice", between)
    assert (as_it_was["entitled"], as_it_was["member"]) == (False, True)
    assert as_it_was["verdicts"][0]["reason"] == "canceled"
    as_known = then(world, "alice", between, known=True)
    assert (as_known["entitled"], as_known["member"], as_known["wanted"]) == (True, True, True)
    assert as_known["verdicts"][0]["reason"] == "active"


def test_each_stay_keeps_from_until_and_the_events_that_began_and_ended_it(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    began = now(world)
    pass_days(world, 2)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    (group,) = explain(world.bridge, world.user("alice"))["groups"]
    (stay,) = group["stays"]
    assert stay["from"] <= began < stay["until"]
    assert stay["came"]["event"]["type"] == "customer.subscription.created"
    assert stay["went"]["event"]["type"] == "customer.subscription.deleted"
    assert then(world, "alice", began)["member"]
    assert not then(world, "alice", now(world))["member"]


def test_a_group_is_told_as_it_was_on_a_date(world: System) -> None:
    price = world.price("supporters")
    first = world.subscribe(world.customer("alice"), price)
    world.settle()
    one = now(world)
    pass_days(world, 1)
    world.subscribe(world.customer("bob"), price)
    world.settle()
    two = now(world)
    pass_days(world, 1)
    world.sdk.v1.subscriptions.cancel(first.id)
    confirm(world)
    assert names(world, "supporters", one - timedelta(hours=1)) == set()
    assert names(world, "supporters", one) == {"alice"}
    assert names(world, "supporters", two) == {"alice", "bob"}
    assert names(world, "supporters", now(world)) == {"bob"} == world.members("supporters")


def test_somebody_who_is_found_in_a_group_was_in_it_before_it_was_known(world: System) -> None:
    world.price("supporters")
    world.settle()
    staff_add(world, "supporters", "carol")
    world.advance(1)
    added = now(world)
    pass_days(world, 0.5)
    assert names(world, "supporters", added) == {"carol"}
    assert names(world, "supporters", added, known=True) == set()
    assert names(world, "supporters", now(world), known=True) == {"carol"}


def test_what_a_customer_gave_counts_for_whose_it_was_then(world: System) -> None:
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    linked = now(world)
    world.advance(60)
    links.unlink(world.bridge, OPERATOR, customer)
    confirm(world)
    (known,) = explain(world.bridge, world.user("alice"), at=linked, known=True)["groups"]
    assert (known["entitled"], known["member"]) == (True, True)
    (group,) = explain(world.bridge, world.user("alice"))["groups"]
    assert (group["entitled"], group["verdicts"]) == (False, [])
    assert group["stays"][0]["went"]["cause"] == f"unlink by {OPERATOR}"
    assert group["stays"][0]["went"]["detail"]["why"] == "not_theirs"


def test_the_rules_of_a_date_are_those_that_were_in_force_then(world: System) -> None:
    price = world.price("supporters")
    world.group("patrons")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    before = now(world)
    world.advance(60)
    product = world.sdk.v1.prices.retrieve(price).product
    world.sdk.v1.products.update(str(product), {"metadata": {"discourse_groups": "patrons"}})
    confirm(world)
    assert world.groups_of("alice") == {"patrons"}
    was = explain(world.bridge, world.user("alice"), at=before)["groups"]
    assert {one["group"] for one in was if one["entitled"]} == {"supporters"}
    is_ = explain(world.bridge, world.user("alice"))["groups"]
    assert {one["group"] for one in is_ if one["entitled"]} == {"patrons"}


def test_the_policy_of_a_date_is_the_one_that_was_in_force_then(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    before = now(world)
    world.advance(60)
    policy = parse_policy({"defaults": {"grace": "21d"}})
    world.bridge = replace(world.bridge, policy=policy, rulebook=Rulebook(policy))
    world.settle()

    def grace(told: Any) -> tuple[str, str]:
        (value,) = (one for one in told["verdicts"][0]["values"] if one["key"] == "grace")
        return value["value"], value["said_in"]

    assert grace(then(world, "alice", before)) == ("7d", "the bridge’s default")
    assert grace(then(world, "alice", now(world))) == ("21d", "bridge.toml [defaults]")


def test_at_every_turn_of_a_life_what_was_known_proves_what_was_decided(world: System) -> None:
    account(world).settings.dunning_end = "past_due"
    low = world.price("supporters", interval="week", discourse_ladder="l", discourse_rank="1")
    high = world.price("patrons", interval="week", discourse_ladder="l", discourse_rank="2")
    customer = world.customer("alice")
    subscription = world.subscribe(customer, low)
    pass_days(world, 1)
    world.sdk.v1.subscriptions.update(
        subscription.id, {"items": [{"id": subscription["items"].data[0].id, "price": high}]}
    )
    pass_days(world, 1)
    fail_payments(world.sandbox.world, customer, times=99)
    pass_days(world, 14)
    fail_payments(world.sandbox.world, customer, times=0)
    pay_open_invoices(world, customer)
    pass_days(world, 1)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    with world.bridge.store.read() as connection:
        lines = history.lines_of_user(connection, world.user("alice"))
    turns = {line.at for line in lines if line.action in {"wanted", "unwanted", "changed"}}
    assert len(turns) >= 5
    for at in sorted(turns):
        for group in explain(world.bridge, world.user("alice"), at=at, known=True)["groups"]:
            assert group["entitled"] == group["wanted"], (at, group)


def test_only_a_reading_that_differs_is_kept_and_the_log_is_never_edited(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()

    def rows() -> list[Any]:
        with world.bridge.store.read() as connection:
            return list(connection.execute(select(changes).order_by(changes.c.id)))

    def kept() -> int:
        with world.bridge.store.read() as connection:
            return connection.scalar(select(func.count()).select_from(readings)) or 0

    log, count = rows(), kept()
    for _ in range(3):
        reading.sync_user(world.bridge, OPERATOR, world.user("alice"))
        world.settle()
    assert kept() == count
    assert rows() == log
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert kept() > count
    assert rows()[: len(log)] == log
    assert len(rows()) > len(log)


def test_what_an_earlier_version_did_not_read_is_no_change(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    with world.bridge.store.write() as connection:
        (data,) = connection.scalars(select(subscriptions.c.data))
        older = {name: value for name, value in data.items() if name != "pending"}
        connection.execute(update(subscriptions).values(data=older))
        count = connection.scalar(select(func.count()).select_from(readings))
        rounds = connection.scalar(select(func.sum(work.c.dirty_gen)))
    reconcile.read_all_subscriptions(world.bridge)
    with world.bridge.store.read() as connection:
        assert connection.scalar(select(func.sum(work.c.dirty_gen))) == rounds
    reading.sync_user(world.bridge, OPERATOR, world.user("alice"))
    world.settle()
    with world.bridge.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(readings)) == count


def test_the_past_is_told_without_asking_anybody(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.advance(DAY)
    mark = world.mark()
    then(world, "alice", now(world) - timedelta(hours=1))
    then(world, "alice", now(world) - timedelta(hours=1), known=True)
    assert world.calls("stripe", mark) == []
    assert world.calls("discourse", mark) == []
