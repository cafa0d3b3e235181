"""Accounts, the owners of memberships, and groups that people change by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.answers.backlog import backlog
from bridge.clock import Clock
from bridge.operations import links
from bridge.sandbox.discourse.membership import remove_member
from bridge.sandbox.discourse.people import delete, rename
from bridge.sandbox.stripe import delivery
from bridge.store.schema.people import customers
from bridge.worker.group_members import read_members
from tests.harness import OPERATOR, System, system
from tests.system.acts import (
    checkout,
    confirm,
    forum_user,
    log_of,
    membership,
    messages_to,
    moves,
    outcomes,
    pass_days,
    staff,
    staff_add,
    staff_remove,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def read_groups_again(world: System) -> None:
    """Let the next reading of the list of groups, and of their members, come."""
    world.advance(11 * 60)
    world.settle()


# --- Whose customer it is -------------------------------------------------------------------------


def test_F26_an_unlinked_customer_is_shown_as_an_orphan_and_follows_once_linked(
    world: System,
) -> None:
    customer = world.customer(None)
    world.subscribe(customer, world.price("supporters"))
    confirm(world)
    assert world.members("supporters") == set()
    assert backlog(world.bridge).orphans == 1
    world.link(customer, "alice")
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    assert backlog(world.bridge).orphans == 0


def test_D10_D19_E38_a_buyer_is_known_by_the_reference_whatever_e_mail_was_typed(
    world: System,
) -> None:
    world.user("bob")
    checkout(world, "alice", world.price("supporters"), email="bob@example.com")
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}
    assert world.groups_of("bob") == set()


def test_A12_D10_nobody_is_linked_by_an_e_mail_address(world: System) -> None:
    world.user("alice")
    checkout(world, None, world.price("supporters"), email="alice@example.com")
    confirm(world)
    assert world.members("supporters") == set()
    assert backlog(world.bridge).orphans == 1


def test_a_reference_that_the_bridge_did_not_sign_links_nobody(world: System) -> None:
    forged = f"b1-{world.user('alice')}-{'A' * 32}"
    session = checkout(world, None, world.price("supporters"), client_reference_id=forged)
    confirm(world)
    assert session.status == "complete"
    assert world.members("supporters") == set()


def test_A8_a_signed_reference_never_moves_a_customer_to_another_user(world: System) -> None:
    customer = world.customer("alice")
    checkout(world, "bob", world.price("supporters"), customer=customer)
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}
    assert world.groups_of("bob") == set()


def test_A10_D11_D20_news_of_strangers_on_a_shared_account_is_accepted_and_moves_nothing(
    world: System,
) -> None:
    world.price("supporters")
    others = world.customer(None, email="stranger@example.com")
    product = world.sdk.v1.products.create({"name": "Another shop's"})
    price = world.sdk.v1.prices.create(
        {
            "product": product.id,
            "currency": "eur",
            "unit_amount": 5,
            "recurring": {"interval": "day"},
        }
    )
    subscription = world.subscribe(others, price.id)
    pass_days(world, 1.5)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert delivery.deliveries(world.sandbox.world, "pending") == []
    assert {status for status, _ in outcomes(world).values()} <= {"done", "ignored"}
    assert [line for line in world.calls("discourse") if line.method != "GET"] == []


def test_unlinking_ends_what_the_customer_gave(world: System) -> None:
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    links.unlink(world.bridge, OPERATOR, customer)
    confirm(world)
    assert world.groups_of("alice") == set()


# --- Staff's hand ---------------------------------------------------------------------------------


def test_F28_E59_whom_staff_take_out_stays_out_through_sweeps_and_renewals(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters", interval="day"))
    world.settle()
    staff_remove(world, "supporters", "alice")
    pass_days(world, 2.5)
    assert moves(world, "alice", "supporters") == ["in", "out"]
    assert membership(world, "alice", "supporters").override == "staff"
    assert "override" in log_of(world, "alice")


def test_F28_E59_who_leaves_by_themselves_stays_out(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    alice = forum_user(world, "alice")
    remove_member(forum, forum.groups[world.group("supporters")], alice, alice, now)
    pass_days(world, 1.5)
    assert moves(world, "alice", "supporters") == ["in", "out"]
    assert membership(world, "alice", "supporters").override == "left"


def test_F28_a_membership_that_nobody_ended_is_put_right(world: System) -> None:
    """As after a restored backup: gone, and the group's history does not know of it."""
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    forum = world.sandbox.forum
    group = forum.groups[world.group("supporters")]
    alice = forum_user(world, "alice")
    del group.members[alice.id]
    del alice.group_ids[group.id]
    group.changes += 1
    read_groups_again(world)
    assert world.groups_of("alice") == {"supporters"}


def test_F28_D3_I5_whom_staff_added_before_stays_when_their_subscription_ends(
    world: System,
) -> None:
    price = world.price("supporters")
    staff_add(world, "supporters", "alice")
    subscription = world.subscribe(world.customer("alice"), price)
    confirm(world)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    read_groups_again(world)
    assert moves(world, "alice", "supporters") == ["in"]
    assert membership(world, "alice", "supporters").owned == "no"


def test_D3_guests_of_staff_outlive_every_sweep(world: System) -> None:
    world.price("supporters")
    staff_add(world, "supporters", "guest")
    pass_days(world, 2.1)
    assert moves(world, "guest", "supporters") == ["in"]


def test_I5_taken_out_and_put_in_again_by_staff_it_is_theirs(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.advance(300)
    staff_remove(world, "supporters", "alice")
    world.advance(60)
    staff_add(world, "supporters", "alice")
    read_groups_again(world)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    read_groups_again(world)
    assert moves(world, "alice", "supporters") == ["in", "out", "in"]


def test_A84_A45_D22_D23_only_mapped_groups_change_and_the_account_stays(world: System) -> None:
    world.group("gardeners")
    staff_add(world, "gardeners", "alice")
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    read_groups_again(world)
    assert world.groups_of("alice") == {"gardeners"}
    assert forum_user(world, "alice").suspended_till is None


# --- People change --------------------------------------------------------------------------------


def test_F27_E54_a_renamed_member_is_the_same_member(world: System) -> None:
    price = world.price("supporters", interval="week")
    subscription = world.subscribe(world.customer("alice"), price)
    world.settle()
    rename(world.sandbox.forum, forum_user(world, "alice"), "alice_in_chains")
    pass_days(world, 8)
    assert moves(world, "alice", "supporters") == ["in"]
    (told,) = messages_to(world, "alice")
    assert len(told) == 1
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out"]


def test_E58_a_deleted_account_holds_nothing_up(world: System) -> None:
    price = world.price("supporters")
    alice, bob = world.customer("alice"), world.customer("bob")
    delete(
        world.sandbox.forum,
        forum_user(world, "alice"),
        staff(world),
        world.sandbox.world.clock.now(),
    )
    world.subscribe(alice, price)
    world.subscribe(bob, price)
    confirm(world)
    assert world.members("supporters") == {"bob"}


# --- Groups and mapping rules change --------------------------------------------------------------


def test_A93_D13_E57_a_renamed_group_is_still_the_group(world: System) -> None:
    price = world.price("supporters")
    ending = world.subscribe(world.customer("alice"), price)
    world.settle()
    forum = world.sandbox.forum
    group = forum.groups[world.group("supporters")]
    del forum.group_id_by_name[group.name]
    group.name = "friends"
    forum.group_id_by_name["friends"] = group.id
    read_groups_again(world)
    world.subscribe(world.customer("bob"), price)
    world.sdk.v1.subscriptions.cancel(ending.id)
    confirm(world)
    assert world.members("supporters") == {"bob"}


def test_A93_E57_a_deleted_group_halts_its_rule_alone(world: System) -> None:
    doomed, fine = world.price("supporters"), world.price("choir")
    customer = world.customer("alice")
    world.subscribe(customer, doomed)
    ending = world.subscribe(customer, fine)
    world.settle()
    forum = world.sandbox.forum
    gone = forum.groups.pop(world.groups.pop("supporters"))
    del forum.group_id_by_name[gone.name]
    del forum_user(world, "alice").group_ids[gone.id]
    read_groups_again(world)
    with world.bridge.store.read() as connection:
        rules = world.bridge.rulebook.compile(connection).rules
    assert len(rules.halted) == 1
    assert any(problem.halts for problem in rules.problems)
    world.subscribe(world.customer("bob"), fine)
    world.sdk.v1.subscriptions.cancel(ending.id)
    confirm(world)
    assert world.members("choir") == {"bob"}


def test_A34_a_subscription_moved_to_a_price_without_a_rule_keeps_its_groups_held(
    world: System,
) -> None:
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters"))
    world.settle()
    product = world.sdk.v1.products.create({"name": "Something new"})
    price = world.sdk.v1.prices.create(
        {
            "product": product.id,
            "currency": "eur",
            "unit_amount": 9,
            "recurring": {"interval": "month"},
        }
    )
    item = subscription["items"].data[0].id
    world.sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": price.id}]})
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}
    assert membership(world, "alice", "supporters").hold == "no_rule"
    assert "held" in log_of(world, "alice")


def test_A83_A33_a_product_that_is_mapped_later_counts_for_those_who_bought_it_before(
    world: System,
) -> None:
    price = world.price("")
    world.subscribe(world.customer("alice"), price)
    once = world.price("", interval=None)
    checkout(world, "bob", once, mode="payment")
    world.settle()
    world.group("supporters")
    read_groups_again(world)
    for one in (price, once):
        product = str(world.sdk.v1.prices.retrieve(one).product)
        world.sdk.v1.products.update(product, {"metadata": {"discourse_groups": "supporters"}})
    world.settle()
    assert world.members("supporters") == {"alice", "bob"}


def test_a_group_that_is_made_after_its_mapping_rule_is_found(world: System) -> None:
    world.settle()
    product = world.sdk.v1.products.create(
        {"name": "Early", "metadata": {"discourse_groups": "pioneers"}}
    )
    price = world.sdk.v1.prices.create(
        {
            "product": product.id,
            "currency": "eur",
            "unit_amount": 9,
            "recurring": {"interval": "month"},
        }
    )
    world.subscribe(world.customer("alice"), price.id)
    world.settle()
    world.group("pioneers")
    read_groups_again(world)
    assert world.groups_of("alice") == {"pioneers"}


def test_the_record_of_customers_holds_no_address(world: System) -> None:
    checkout(world, "alice", world.price("supporters"), email="alice@private.example")
    world.settle()
    database = Path(str(world.bridge.store.url.database))
    held = b"".join(
        path.read_bytes() for path in database.parent.glob(database.name + "*") if path.is_file()
    )
    assert b"private.example" not in held
    assert "email" not in {column.name for column in customers.columns}


# --- A clock that was wrong -----------------------------------------------------------------------


class HourFast(Clock):
    """A clock that is an hour fast."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def test_a_clock_that_was_an_hour_fast_puts_nobody_off(world: System) -> None:
    price = world.price("supporters")
    world.settle()
    fast = replace(world.bridge, clock=HourFast(world.bridge.settings.clock_file))
    assert read_members(fast, world.group("supporters"))
    world.subscribe(world.customer("alice"), price)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
