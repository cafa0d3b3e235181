"""Gifts: one member pays, another has the membership."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.signed.reference import sign_gift
from bridge.sandbox.stripe import delivery
from bridge.store.figures import figures
from tests.harness import DAY, SECRET_KEY, System, system
from tests.system.acts import checkout, confirm, membership, messages_to, moves, pass_days
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def gift_for(world: System, user: str) -> dict[str, str]:
    return {"bridge_beneficiary": sign_gift(world.user(user), world.bridge.clock.now(), SECRET_KEY)}


def give(world: System, customer: str, price: str, to: str) -> Any:
    return world.subscribe(customer, price, metadata=gift_for(world, to))


def statement_of(world: System, user: str) -> str:
    return messages_to(world, user)[-1][0].raw


def test_E52_E40_a_gift_is_its_beneficiarys_and_not_the_givers(world: System) -> None:
    price = world.price("supporters")
    gift = give(world, world.customer("alice"), price, "bob")
    world.settle()
    assert world.members("supporters") == {"bob"}
    world.sdk.v1.subscriptions.cancel(gift.id)
    confirm(world)
    assert moves(world, "bob", "supporters") == ["in", "out"]
    assert moves(world, "alice", "supporters") == []


def test_D16_E52_a_gift_neither_ends_nor_mends_what_the_giver_has(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    own = world.subscribe(customer, price)
    world.settle()
    gift = give(world, customer, price, "bob")
    confirm(world)
    assert world.members("supporters") == {"alice", "bob"}
    world.sdk.v1.subscriptions.cancel(own.id)
    confirm(world)
    assert world.members("supporters") == {"bob"}
    world.sdk.v1.subscriptions.cancel(gift.id)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out"]
    assert moves(world, "bob", "supporters") == ["in", "out"]


def test_E52_both_statements_say_it_and_only_the_givers_tells_of_money(world: System) -> None:
    give(world, world.customer("alice"), world.price("supporters"), "bob")
    world.settle()
    told = statement_of(world, "bob")
    assert "Your gifted monthly membership is active." in told
    assert "€" not in told
    assert "Next payment" not in told
    giver = statement_of(world, "alice")
    assert "Your monthly membership is a gift to another member" in giver
    assert "€10\\.00" in giver
    assert "Next payment" in giver


def test_E52_a_gift_by_an_order_without_an_account_counts_all_the_same(world: System) -> None:
    price = world.price("visitors", interval=None, discourse_term="3d")
    checkout(world, None, price, mode="payment", metadata=gift_for(world, "bob"))
    world.settle()
    assert world.members("visitors") == {"bob"}
    pass_days(world, 3)
    confirm(world)
    assert moves(world, "bob", "visitors") == ["in", "out"]


def test_E52_a_beneficiary_whom_the_bridge_did_not_sign_gets_nothing(world: System) -> None:
    forged = {"bridge_beneficiary": f"b1-{world.user('bob')}-{'A' * 32}"}
    world.subscribe(world.customer("alice"), world.price("supporters"), metadata=forged)
    world.settle()
    assert world.members("supporters") == {"alice"}


def test_E52_a_gift_that_is_given_to_somebody_else_follows(world: System) -> None:
    gift = give(world, world.customer("alice"), world.price("supporters"), "bob")
    world.settle()
    world.sdk.v1.subscriptions.update(gift.id, {"metadata": gift_for(world, "carol")})
    confirm(world)
    confirm(world)
    assert world.members("supporters") == {"carol"}


def test_E5_E52_a_gift_that_is_not_paid_any_more_ends_when_its_grace_does(world: System) -> None:
    price = world.price("supporters", interval="day", discourse_grace="2d")
    customer = world.customer("alice")
    give(world, customer, price, "bob")
    world.settle()
    delivery.lose(world.sandbox.world)
    world.sdk.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": ""}})
    for method in world.sdk.v1.customers.payment_methods.list(customer).data:
        world.sdk.v1.payment_methods.detach(method.id)
    world.advance(DAY + 10)
    delivery.clear(world.sandbox.world)
    pass_days(world, 1.5)
    assert world.members("supporters") == {"bob"}
    pass_days(world, 3)
    assert moves(world, "bob", "supporters") == ["in", "out"]


def test_I3_two_who_give_to_each_other_come_to_rest(world: System) -> None:
    price = world.price("supporters")
    alice, bob = world.customer("alice"), world.customer("bob")
    first = give(world, alice, price, "bob")
    give(world, bob, price, "alice")
    confirm(world)
    assert world.members("supporters") == {"alice", "bob"}
    world.sdk.v1.subscriptions.cancel(first.id)
    confirm(world)
    assert world.members("supporters") == {"alice"}
    assert membership(world, "alice", "supporters").wanted


def test_a_gift_costs_one_reading_and_its_renewal_no_write(world: System) -> None:
    price = world.price("supporters", interval="day")
    customer = world.customer("alice")
    give(world, customer, price, "bob")
    world.settle()
    mark = world.mark()
    world.advance(DAY + 10)
    world.settle()
    about_one = [
        call
        for call in world.calls("stripe", mark)
        if "customer=" in call.query and call.method == "GET"
    ]
    assert [call.path for call in about_one] == ["/v1/subscriptions"]
    assert [c.path for c in world.calls("discourse", mark) if c.method != "GET"] == []


def test_the_signed_reference_of_a_member_is_made_by_a_command(world: System) -> None:
    bob = world.user("bob")
    told = asked(world, "reference", "bob")
    assert told == {
        "user_id": bob,
        "reference": sign_gift(bob, world.bridge.clock.now(), SECRET_KEY),
    }


def test_gifts_and_seats_are_the_same_on_each_database(tmp_path: Path, database_url: str) -> None:
    with system(tmp_path, database_url=database_url) as world:
        world.advance(2)
        price, customer = world.price("supporters"), world.customer("alice")
        world.user("carol")
        gift = give(world, customer, price, "bob")
        world.settle()
        what: Any = {"items": [{"price": price, "quantity": 2}]}
        team = world.subscribe(customer, **what)
        world.settle()
        typed(world, "seats", team.id, "assign", "carol", "--by", "alice")
        world.settle()
        assert world.members("supporters") == {"alice", "bob", "carol"}
        with world.bridge.store.read() as connection:
            told = {key: value for key, _, value in figures(connection, world.bridge.clock.now())}
        assert told["bridge_paying_without_account"] == 0
        world.sdk.v1.subscriptions.cancel(gift.id)
        typed(world, "seats", team.id, "unassign", "carol", "--by", "alice")
        confirm(world)
        assert world.members("supporters") == {"alice"}
