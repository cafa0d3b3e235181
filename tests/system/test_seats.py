"""Seats: a quantity that one bought and others have places of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.rights.seats import SeatRefused
from bridge.errors import Permanent
from bridge.operations import seats
from tests.harness import System, system
from tests.system.acts import confirm, forum_user, log_of, messages_to, moves, pass_days
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
    assert "Your seat" in messages_to(world, "bob")[0][0].raw
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
    assert "You keep access until" in messages_to(world, "dora")[0][0].raw
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


def give(world: System, bought: Any, name: str, *, by: str = "alice") -> None:
    seats.give(world.bridge, world.user(by), bought.id, name)
    world.settle()


def refused(world: System, bought: Any, name: str, *, by: str = "alice") -> str:
    with pytest.raises(SeatRefused) as error:
        give(world, bought, name, by=by)
    return error.value.why


def test_E21_a_buyer_gives_a_seat_by_name_and_the_other_is_told_by_whom(world: System) -> None:
    bought = buy_seats(world, 3)
    give(world, bought, "Bob")
    assert world.members("supporters") == {"alice", "bob"}
    told = messages_to(world, "bob")[0][-1].raw
    assert "alice gave you a seat in **Membership supporters**" in told
    assert f"{world.bridge.settings.bridge_url}/me/seats" in told
    give(world, bought, "bob")
    assert len(messages_to(world, "bob")[0]) == 2, "told once"


def test_E21_somebody_who_has_a_statement_already_is_told_as_well(world: System) -> None:
    world.subscribe(world.customer("bob"), world.price("patrons"))
    world.settle()
    assert len(messages_to(world, "bob")[0]) == 1
    give(world, buy_seats(world, 3), "bob")
    assert "alice gave you a seat in" in messages_to(world, "bob")[0][-1].raw


def test_E21_a_buyer_takes_a_seat_back_after_notice_and_it_is_free_then(world: System) -> None:
    bought = buy_seats(world, 2)
    give(world, bought, "bob")
    seats.buyer_takes_back(world.bridge, world.user("alice"), bought.id, world.user("bob"))
    confirm(world)
    assert world.members("supporters") == {"alice", "bob"}, "there is notice first"
    assert refused(world, bought, "carol") == "full"
    pass_days(world, 6.5)
    assert world.members("supporters") == {"alice", "bob"}
    pass_days(world, 1)
    confirm(world)
    assert world.members("supporters") == {"alice"}
    give(world, bought, "carol")
    assert world.members("supporters") == {"alice", "carol"}
    assert moves(world, "bob", "supporters") == ["in", "out"]


def test_E21_a_seat_that_was_taken_back_may_be_left_after_all(world: System) -> None:
    bought, alice, bob = buy_seats(world, 2), world.user("alice"), world.user("bob")
    give(world, bought, "bob")
    seats.buyer_takes_back(world.bridge, alice, bought.id, bob)
    pass_days(world, 3)
    seats.buyer_leaves(world.bridge, alice, bought.id, bob)
    pass_days(world, 9)
    assert moves(world, "bob", "supporters") == ["in"]


def test_E21_of_fewer_places_those_taken_back_go_before_those_given_last(world: System) -> None:
    bought = buy_seats(world, 3)
    for name in ("bob", "carol"):
        give(world, bought, name)
    seats.buyer_takes_back(world.bridge, world.user("alice"), bought.id, world.user("bob"))
    change_quantity(world, bought, 2)
    pass_days(world, 8)
    confirm(world)
    assert world.members("supporters") == {"alice", "carol"}
    assert moves(world, "carol", "supporters") == ["in"]


def test_E21_somebody_who_was_given_a_seat_may_decline_it_and_is_not_asked_again(
    world: System,
) -> None:
    bought = buy_seats(world, 2)
    give(world, bought, "bob")
    seats.decline(world.bridge, world.user("bob"), bought.id)
    confirm(world)
    assert world.members("supporters") == {"alice"}
    assert refused(world, bought, "bob") == "declined"
    give(world, bought, "carol")
    assert world.members("supporters") == {"alice", "carol"}
    seat(world, bought, "carol", "unassign")
    seat(world, bought, "bob")  # a moderator may
    assert "bob" in world.members("supporters")


def test_E21_a_seat_is_given_only_by_its_buyer_and_only_to_somebody_who_can_use_it(
    world: System,
) -> None:
    bought = buy_seats(world, 2)
    assert refused(world, bought, "carol", by="bob") == "not_yours"
    for act in (seats.buyer_takes_back, seats.buyer_leaves):
        with pytest.raises(SeatRefused):
            act(world.bridge, world.user("bob"), bought.id, world.user("carol"))
    assert refused(world, bought, "alice") == "own"
    dora = forum_user(world, "dora")
    dora.suspended_till = world.sandbox.world.clock.now() + 86_400 * 30
    assert refused(world, bought, "dora") == "inactive"
    for nobody in ("nobody-here", "", "bob@example.com", "a" * 61):
        with pytest.raises(Permanent):
            give(world, bought, nobody)
    assert world.members("supporters") == {"alice"}


def test_E21_a_moderator_takes_a_seat_back_at_once_or_after_notice(world: System) -> None:
    bought = buy_seats(world, 3)
    for name in ("bob", "carol"):
        give(world, bought, name)
    seat(world, bought, "bob", "take-back")
    seat(world, bought, "carol", "unassign")
    confirm(world)
    assert world.members("supporters") == {"alice", "bob"}
    told = asked(world, "seats", bought.id)["taken"]
    assert [one["user_id"] for one in told] == [world.user("bob")]
    assert told[0]["over_since"]
    seat(world, bought, "bob", "assign")
    pass_days(world, 8)
    assert world.members("supporters") == {"alice", "bob"}
    seat(world, bought, "dora", "take-back", code=1)
