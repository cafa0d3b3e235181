"""The past of gifts, seats, replaced accounts and acts by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.answers import plan as plans
from bridge.answers.simulator import simulate
from bridge.core.model.rights import Facts
from bridge.core.rules.law import Proposal
from bridge.core.rules.policy import parse_policy
from bridge.core.signed.reference import sign_gift
from bridge.operations import reading
from bridge.sandbox.stripe import delivery
from bridge.store import facts, history
from tests.harness import OPERATOR, SECRET_KEY, System, system
from tests.system.acts import checkout, confirm, pass_days, staff_remove
from tests.system.explaining import explain
from tests.system.typing_commands import asked, typed

HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        for name in ("bob", "carol", "dora"):
            it.user(name)
        it.price("supporters,patrons")
        it.settle()
        yield it


def now(world: System) -> datetime:
    return world.bridge.clock.now()


def mark_of(world: System) -> datetime:
    """This moment, with nothing else in its second."""
    found = now(world)
    world.advance(60)
    world.settle()
    return found


def said(world: System, user: str, at: datetime, *, known: bool = False) -> list[tuple[str, str]]:
    """Each source's verdict on supporters at a time: its reason and share."""
    (group,) = explain(world.bridge, world.user(user), "supporters", at=at, known=known)["groups"]
    return [(one["reason"], one["share"]) for one in group["verdicts"]]


def both(world: System, user: str, at: datetime) -> list[tuple[str, str]]:
    """The same, checked to be equal as known today and as known then."""
    was, known = said(world, user, at), said(world, user, at, known=True)
    assert was == known
    return was


def in_order(found: Facts) -> dict[str, Any]:
    """Facts as they can be compared: the order of things is nothing."""
    said = {name: getattr(found, name) for name in Facts.__dataclass_fields__}
    return {
        name: sorted(value, key=repr) if isinstance(value, tuple) else value
        for name, value in said.items()
    }


def prove(world: System, *users: str) -> None:
    """At every turn of a life, the known facts prove the decision of that time."""
    for user in users:
        with world.bridge.store.read() as connection:
            present, _ = facts.facts_of(connection, world.user(user))
            past = history.past_of(connection, world.user(user))
        assert in_order(past.known_at(now(world))) == in_order(present)
        assert in_order(past.was_at(now(world))) == in_order(present)
        with world.bridge.store.read() as connection:
            lines = history.lines_of_user(connection, world.user(user))
        turns = {line.at for line in lines if line.action in {"wanted", "unwanted", "changed"}}
        assert turns
        for at in sorted(turns):
            for group in explain(world.bridge, world.user(user), at=at, known=True)["groups"]:
                assert group["entitled"] == group["wanted"], (user, at, group)


def seats_of(world: System, bought: Any, at: datetime, *more: str) -> tuple[int, list[int]]:
    told = asked(world, "seats", bought.id, "--at", at.isoformat(), *more)
    return told["places"], [one["user_id"] for one in told["taken"]]


def seat(world: System, bought: Any, user: str, action: str = "assign") -> None:
    typed(world, "seats", bought.id, action, user, "--by", "alice")
    world.settle()


def gift_for(world: System, user: str) -> dict[str, str]:
    return {"bridge_beneficiary": sign_gift(world.user(user), world.bridge.clock.now(), SECRET_KEY)}


def a_life_of_seats(world: System) -> tuple[Any, dict[str, datetime]]:
    """Alice's three places: bob comes, carol comes, there are fewer, bob goes."""
    what: Any = {"items": [{"price": world.price("supporters"), "quantity": 3}]}
    bought = world.subscribe(world.customer("alice"), **what)
    world.settle()
    marks = {"empty": mark_of(world)}
    seat(world, bought, "bob")
    marks["bob"] = mark_of(world)
    seat(world, bought, "carol")
    marks["both"] = mark_of(world)
    item = bought["items"].data[0].id
    world.sdk.v1.subscriptions.update(bought.id, {"items": [{"id": item, "quantity": 2}]})
    world.settle()
    marks["over"] = mark_of(world)
    seat(world, bought, "bob", "unassign")
    confirm(world)
    marks["back"] = mark_of(world)
    return bought, marks


def test_E21_who_had_which_seat_is_told_as_of_a_date_both_ways(world: System) -> None:
    bought, at = a_life_of_seats(world)
    bob, carol = world.user("bob"), world.user("carol")
    for more in ((), ("--as-known",)):
        assert seats_of(world, bought, at["empty"], *more) == (2, [])
        assert seats_of(world, bought, at["bob"], *more) == (2, [bob])
        assert seats_of(world, bought, at["both"], *more) == (2, [bob, carol])
        assert seats_of(world, bought, at["over"], *more) == (1, [bob, carol])
        assert seats_of(world, bought, at["back"], *more) == (1, [carol])
    typed(world, "seats", bought.id, "assign", "dora", "--by", "a", "--at", "2027-01-01", code=2)
    early = (at["empty"] - timedelta(days=400)).isoformat()
    typed(world, "seats", bought.id, "--at", early, code=1)
    typed(world, "seats", bought.id, "--at", early, "--as-known", code=1)
    typed(world, "seats", bought.id, "--as-known", code=2)
    assert "1 of 1 seats were taken, besides the buyer's" in typed(
        world, "seats", bought.id, "--at", at["back"].isoformat()
    )


def test_E21_what_a_seat_gave_is_told_as_of_a_date_both_ways(world: System) -> None:
    _, at = a_life_of_seats(world)
    seated = [("active", "seat")]
    assert [both(world, "bob", at[when]) for when in ("empty", "bob", "back")] == [[], seated, []]
    assert [both(world, "carol", at[when]) for when in ("bob", "over", "back")] == [
        [],
        [("seat_ending", "seat")],
        seated,
    ]
    prove(world, "alice", "bob", "carol")


def test_E21_a_seat_whose_subscription_ended_before_that_was_heard_of_had_ended(
    world: System,
) -> None:
    price = world.price("supporters")
    what: Any = {"items": [{"price": price, "quantity": 2}]}
    bought = world.subscribe(world.customer("alice"), **what)
    world.settle()
    seat(world, bought, "bob")
    delivery.lose(world.sandbox.world)
    world.advance(60)
    world.sdk.v1.subscriptions.cancel(bought.id)
    world.advance(60)
    unheard = now(world)
    delivery.clear(world.sandbox.world)
    world.advance(HOUR.total_seconds() / 2)
    reading.sync_user(world.bridge, OPERATOR, world.user("bob"))
    confirm(world)
    assert said(world, "bob", unheard, known=True) == [("active", "seat")]
    assert said(world, "bob", unheard) == [("canceled", "seat")]


def test_E52_gifts_given_and_received_keep_their_past(world: System) -> None:
    world.settle()
    before = mark_of(world)
    customer = world.customer("alice")
    gift = world.subscribe(customer, world.price("supporters"), metadata=gift_for(world, "bob"))
    world.settle()
    given = mark_of(world)
    world.sdk.v1.subscriptions.update(gift.id, {"metadata": gift_for(world, "carol")})
    confirm(world)
    other = mark_of(world)
    world.sdk.v1.subscriptions.cancel(gift.id)
    confirm(world)
    over = mark_of(world)
    assert [said(world, "bob", at, known=True) for at in (before, given, other, over)] == [
        [],
        [("active", "gift")],
        [],
        [],
    ]
    assert [said(world, "carol", at, known=True) for at in (before, given, other, over)] == [
        [],
        [],
        [("active", "gift")],
        [("canceled", "gift")],
    ]
    assert [reason for at in (before, given, over) for reason, _ in both(world, "alice", at)] == [
        "given"
    ]
    prove(world, "bob", "carol")


def test_the_simulator_asks_what_becomes_of_gifts_and_seats_too(world: System) -> None:
    price = world.price("supporters")
    began = now(world)
    what: Any = {"items": [{"price": price, "quantity": 2}]}
    bought = world.subscribe(world.customer("alice"), **what)
    world.settle()
    seat(world, bought, "bob")
    world.subscribe(world.customer("dora"), price, metadata=gift_for(world, "carol"))
    world.settle()
    product = str(world.sdk.v1.prices.retrieve(price).product)
    other = parse_policy({"products": {product: {"groups": "none"}}})
    found = simulate(world.bridge, Proposal(other), began).treated
    treated = {(one.user_id, one.change, one.then.reason) for one in found}
    names = ("alice", "bob", "carol")
    assert treated == {(world.user(name), "out", "not_mapped") for name in names}
    assert simulate(world.bridge, Proposal(world.bridge.policy), began).treated == ()


def test_a_plan_knows_the_seats_that_are_new_to_it(world: System) -> None:
    price = world.price("supporters")
    what: Any = {"items": [{"price": price, "quantity": 2}]}
    bought = world.subscribe(world.customer("alice"), **what)
    world.settle()
    seat(world, bought, "bob")
    delivery.lose(world.sandbox.world)
    world.sdk.v1.subscriptions.cancel(bought.id)
    planned = {(one.user_id, one.action, one.reason) for one in plans.plan(world.bridge)}
    assert planned == {(world.user(name), "remove", "canceled") for name in ("alice", "bob")}


def test_what_an_account_had_before_another_followed_it_is_told_of_each(world: System) -> None:
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters"))
    what: Any = {"items": [{"price": world.price("supporters"), "quantity": 2}]}
    bought = world.subscribe(world.customer("dora"), **what)
    world.settle()
    seat(world, bought, "alice")
    before = mark_of(world)
    typed(world, "relink", f"id:{world.user('alice')}", "bob", "--by", "maria")
    confirm(world)
    after = mark_of(world)
    alice, bob = (said(world, name, before, known=True) for name in ("alice", "bob"))
    assert (sorted(alice), bob) == ([("active", "own"), ("active", "seat")], [])
    assert said(world, "alice", after, known=True) == []
    assert sorted(both(world, "bob", after)) == [("active", "own"), ("active", "seat")]
    told = explain(world.bridge, world.user("alice"), at=before, known=True)
    assert [(one["id"], one["proof"], one["linked_by"]) for one in told["customers"]] == [
        (customer, "operator", str(OPERATOR))
    ]
    assert explain(world.bridge, world.user("alice"), at=after, known=True)["customers"] == []
    assert explain(world.bridge, world.user("bob"), at=before, known=True)["customers"] == []
    prove(world, "alice", "bob")


def test_what_was_given_and_taken_by_hand_is_told_as_of_a_date(world: System) -> None:
    world.settle()
    before = mark_of(world)
    typed(world, "grant", "bob", "supporters", "--reason", "helps", "--by", "maria")
    confirm(world)
    given = mark_of(world)
    (grant,) = asked(world, "grant")
    typed(world, "revoke", grant["id"], "--by", "maria")
    confirm(world)
    revoked = mark_of(world)
    assert both(world, "bob", given) == [("hand", "own")]
    assert both(world, "bob", before) == []
    assert both(world, "bob", revoked) == [("hand_revoked", "own")]
    prove(world, "bob")


def test_an_override_and_its_lifting_are_told_as_of_a_date(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    mark_of(world)
    staff_remove(world, "supporters", "alice")
    pass_days(world, 0.1)
    confirm(world)
    out = mark_of(world)
    typed(world, "lift", "alice", "supporters", "--by", "maria")
    confirm(world)
    lifted = mark_of(world)

    def standing(at: datetime) -> tuple[Any, ...]:
        (group,) = explain(world.bridge, world.user("alice"), "supporters", at=at)["groups"]
        return group["taken_out_by"], group["member"], group["entitled"]

    assert standing(out) == ("staff", False, True)
    assert standing(lifted) == (None, True, True)


def test_what_was_paid_by_hand_and_bought_once_is_told_as_of_a_date(world: System) -> None:
    once = world.price("supporters", interval=None, discourse_term="2d")
    checkout(world, "carol", once, mode="payment")
    world.settle()
    bought = mark_of(world)
    pass_days(world, 2.1)
    confirm(world)
    over = mark_of(world)
    assert both(world, "carol", bought) == [("bought", "own")]
    assert both(world, "carol", over) == [("term_over", "own")]
    prove(world, "carol")
