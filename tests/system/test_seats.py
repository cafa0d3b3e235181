"""Seats: a quantity that one bought and others have places of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import System, system
from tests.system.acts import confirm, log_of, messages_to, moves, pass_days
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        for name in ("bob", "carol", "dora"):
            it.user(name)
        yield it


def buy_seats(world: System, quantity: int) -> Any:
    price = world.price("supporters")
    what: Any = {"items": [{"price": price, "quantity": quantity}]}
    bought = world.subscribe(world.customer("alice"), **what)
    world.settle()
    return bought


def change_quantity(world: System, bought: Any, quantity: int) -> None:
    item = bought["items"].data[0].id
    world.sdk.v1.subscriptions.update(bought.id, {"items": [{"id": item, "quantity": quantity}]})
    world.settle()


def seat(world: System, bought: Any, user: str, action: str = "assign", code: int = 0) -> str:
    told = typed(world, "seats", bought.id, action, user, "--by", "alice", code=code)
    world.advance(1)
    world.settle()
    return told


def test_E21_the_buyers_own_seat_counts_and_the_others_are_assigned(world: System) -> None:
    bought = buy_seats(world, 3)
    assert world.members("supporters") == {"alice"}
    seat(world, bought, "bob")
    seat(world, bought, "carol")
    assert world.members("supporters") == {"alice", "bob", "carol"}
    assert "2 are taken" in seat(world, bought, "dora", code=1)
    seat(world, bought, "alice", code=1)
    seat(world, bought, "bob")  # twice is once
    told = asked(world, "seats", bought.id)
    assert (told["places"], len(told["taken"])) == (2, 2)
    assert "your seat" in messages_to(world, "bob")[0][0].raw
    assert "seat_assigned" in log_of(world, "bob")


def test_E21_when_the_quantity_shrinks_who_came_last_goes_first_and_after_notice(
    world: System,
) -> None:
    bought = buy_seats(world, 4)
    for name in ("carol", "bob", "dora"):
        seat(world, bought, name)
    change_quantity(world, bought, 2)
    assert "seat_too_many" in log_of(world, "dora")
    pass_days(world, 6.5)
    assert world.members("supporters") == {"alice", "bob", "carol", "dora"}
    assert "you keep access until" in messages_to(world, "dora")[0][0].raw
    pass_days(world, 1)
    confirm(world)
    assert world.members("supporters") == {"alice", "carol"}
    assert moves(world, "alice", "supporters") == ["in"]


def test_E21_with_no_seat_left_the_buyer_is_out_and_the_others_have_their_notice(
    world: System,
) -> None:
    bought = buy_seats(world, 3)
    seat(world, bought, "bob")
    change_quantity(world, bought, 0)
    confirm(world)
    assert world.members("supporters") == {"bob"}
    pass_days(world, 8)
    confirm(world)
    assert world.members("supporters") == set()


def test_E21_a_seat_that_is_there_again_in_time_is_kept(world: System) -> None:
    bought = buy_seats(world, 2)
    seat(world, bought, "bob")
    change_quantity(world, bought, 1)
    pass_days(world, 3)
    change_quantity(world, bought, 2)
    pass_days(world, 6)
    assert moves(world, "bob", "supporters") == ["in"]


def test_E21_a_seat_that_is_taken_back_is_free_for_the_next(world: System) -> None:
    bought = buy_seats(world, 2)
    seat(world, bought, "bob")
    seat(world, bought, "bob", "unassign")
    confirm(world)
    seat(world, bought, "carol")
    assert world.members("supporters") == {"alice", "carol"}
    seat(world, bought, "bob", "unassign", code=1)
    typed(world, "seats", "sub_unknown", code=1)
    typed(world, "seats", bought.id, "assign", code=2)


def test_E21_seats_end_with_the_subscription(world: System) -> None:
    bought = buy_seats(world, 2)
    seat(world, bought, "bob")
    world.sdk.v1.subscriptions.cancel(bought.id)
    confirm(world)
    assert world.members("supporters") == set()
