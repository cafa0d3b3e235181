"""Undoing lines of the log: by the reverse act, once, with a preview and both in the log."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model.actor import Actor, moderator
from bridge.core.rights.paid_by_hand import Bought, Payment
from bridge.core.telling.outcomes import said
from bridge.errors import NotFound, Permanent
from bridge.operations import accounts, grants, holds, links, payments, seats, undoing
from bridge.store import changes
from bridge.store import links as stored
from tests.harness import System, system
from tests.system import acts
from tests.system.typing_commands import typed

MIA = moderator(1, "console")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.price("supporters")
        it.settle()
        yield it


def last(world: System, action: str) -> int:
    with world.bridge.store.read() as connection:
        return changes.page(connection, action=action)[0].id


def test_a_grant_and_its_taking_back_are_undone_once_each(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason="Speaker")
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    given = last(world, "granted")
    (effect,) = undoing.reverse_of(bridge, given).preview()
    assert effect.turn == "loses"
    undoing.undo(bridge, MIA, given)
    acts.confirm(world)
    assert world.groups_of("alice") == set()
    with pytest.raises(NotFound, match="in force"):
        undoing.undo(bridge, MIA, given)
    taken = last(world, "revoked")
    (effect,) = undoing.reverse_of(bridge, taken).preview()
    assert effect.turn == "gains"
    undoing.undo(bridge, MIA, taken)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    with pytest.raises(Permanent, match="already"):
        undoing.undo(bridge, MIA, taken)
    assert acts.log_of(world, "alice").count("granted") == 2


def test_a_link_and_its_undoing_are_undone_unless_the_customer_is_anothers_by_now(
    world: System,
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    customer = world.sdk.v1.customers.create({}).id
    links.link(bridge, MIA, customer, alice)
    linked = last(world, "linked")
    undoing.undo(bridge, MIA, linked)
    with bridge.store.read() as connection:
        assert stored.user_of(connection, customer) is None
    with pytest.raises(Permanent, match="is linked to nobody"):
        undoing.undo(bridge, MIA, linked)
    unlinked = last(world, "unlinked")
    links.link(bridge, MIA, customer, world.user("bob"))
    with pytest.raises(Permanent, match=f"is linked to id:{world.user('bob')}"):
        undoing.undo(bridge, MIA, unlinked)
    with pytest.raises(Permanent, match=f"is linked to id:{world.user('bob')}"):
        undoing.undo(bridge, MIA, linked)
    links.unlink(bridge, MIA, customer)
    undoing.undo(bridge, MIA, unlinked)
    with bridge.store.read() as connection:
        assert stored.user_of(connection, customer) == alice


def test_A59_a_payment_recorded_by_hand_is_undone_with_the_group_that_it_bought(
    world: System,
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    paid = Payment(
        amount_minor=1200, currency="eur", what="A year", method="cash", at=bridge.clock.now()
    )
    bought = Bought("supporters", None)
    payments.record_payment(bridge, MIA, alice, paid, bought, token=uuid.uuid4())
    world.settle()
    with pytest.raises(Permanent, match="undo the payment"):
        undoing.undo(bridge, MIA, last(world, "granted"))
    recorded = last(world, "payment_recorded")
    undoing.undo(bridge, MIA, recorded)
    acts.confirm(world)
    assert world.groups_of("alice") == set()
    with pytest.raises(Permanent, match="corrected already"):
        undoing.undo(bridge, MIA, recorded)


def test_what_the_bridge_did_or_a_message_cannot_be_undone_and_the_words_say_so(
    world: System,
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason="Speaker")
    world.settle()
    with pytest.raises(Permanent, match="only what people decided"):
        undoing.undo(bridge, MIA, last(world, "added"))
    with pytest.raises(NotFound, match="no line 999999"):
        undoing.undo(bridge, MIA, 999_999)


def test_who_was_let_in_again_by_mistake_stays_out_as_long_as_they_are_not_in(
    world: System,
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    given = grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason="Speaker")
    world.settle()
    acts.staff_remove(world, "supporters", "alice")
    world.advance(700)
    world.settle()
    grants.revoke(bridge, MIA, given.grant.id, reason="No longer")
    world.settle()
    holds.lift(bridge, MIA, alice, "supporters", reason="They asked")
    lifted = last(world, "lifted")
    undoing.undo(bridge, MIA, lifted, reason="The wrong person")
    world.settle()
    grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason="Speaker")
    world.settle()
    assert world.groups_of("alice") == set(), "staff's removal stands again"
    with pytest.raises(Permanent, match="undone already"):
        undoing.undo(bridge, MIA, lifted)
    holds.lift(bridge, MIA, alice, "supporters", reason="The right one now")
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    with pytest.raises(Permanent, match="in the group again"):
        undoing.undo(bridge, MIA, last(world, "lifted"))


def test_what_was_let_go_by_mistake_waits_again_while_they_are_still_in(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    unmapped = world.price("", amount=700)
    item = subscription["items"].data[0].id
    world.sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": unmapped}]})
    world.settle()
    assert acts.membership(world, "alice", "supporters").hold == "no_rule"
    holds.let_go(bridge, MIA, alice, "supporters", reason="They left")
    world.settle()
    let_go = last(world, "lifted")
    (effect,) = undoing.reverse_of(bridge, let_go).preview()
    assert effect.turn == "stays in"
    undoing.undo(bridge, MIA, let_go, reason="They did not")
    acts.confirm(world)
    assert world.groups_of("alice") == {"supporters"}
    assert acts.membership(world, "alice", "supporters").hold == "no_rule"
    holds.let_go(bridge, MIA, alice, "supporters", reason="They did")
    acts.confirm(world)
    assert world.groups_of("alice") == set()
    with pytest.raises(Permanent, match="give it to them by hand"):
        undoing.undo(bridge, MIA, last(world, "lifted"))


@pytest.mark.parametrize("reason", ["", " ", "x" * 10_000, "two\nlines"])
def test_each_act_refuses_a_reason_that_is_none_in_words_and_does_nothing(
    world: System, reason: str
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    customer = world.customer("alice")
    given = grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason="Speaker")
    world.settle()
    granted = last(world, "granted")
    for act in (
        lambda: grants.revoke(bridge, MIA, given.grant.id, reason=reason),
        lambda: links.unlink(bridge, MIA, customer, reason=reason),
        lambda: links.link(bridge, MIA, customer, alice, reason=reason),
        lambda: undoing.undo(bridge, MIA, granted, reason=reason),
        lambda: grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason=reason),
    ):
        with pytest.raises(Permanent, match="the reason"):
            act()
    assert world.groups_of("alice") == {"supporters"}
    with bridge.store.read() as connection:
        assert stored.user_of(connection, customer) == alice


def test_a_treasurer_undoes_only_payments_that_they_recorded(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    paid = Payment(
        amount_minor=500, currency="eur", what="Tea", method="cash", at=bridge.clock.now()
    )
    payments.record_payment(bridge, Actor("treasurer", "7", "console"), alice, paid)
    grants.grant(
        bridge, Actor("treasurer", "7", "console"), alice, "supporters", until_at=None, reason="x"
    )
    with bridge.store.read() as connection:
        (payment,) = changes.page(connection, action="payment_recorded")
        (granted,) = changes.page(connection, action="granted")
    money, decide = frozenset({"look", "money"}), frozenset({"look", "money", "decide"})
    assert undoing.may_undo(money, 7, payment)  # type: ignore[arg-type] # rights
    assert not undoing.may_undo(money, 77, payment)  # type: ignore[arg-type] # rights
    assert not undoing.may_undo(money, 7, granted)  # type: ignore[arg-type] # rights
    assert undoing.may_undo(decide, 8, granted)  # type: ignore[arg-type] # rights
    assert not undoing.may_undo(frozenset({"look"}), 7, payment)


def test_A48_a_relink_and_its_reason_are_in_the_log_and_it_is_undone_from_the_old_accounts_line(
    world: System,
) -> None:
    bridge, alice, alicia = world.bridge, world.user("alice"), world.user("alicia")
    grants.grant(bridge, MIA, alice, "supporters", until_at=None, reason="Speaker")
    world.settle()
    accounts.relink(bridge, MIA, alice, alicia, reason="A new account")
    acts.confirm(world)
    assert world.groups_of("alicia") == {"supporters"}
    with bridge.store.read() as connection:
        lines = {one.user_id: one for one in changes.page(connection, action="relinked")}
    assert {said(one).reason for one in lines.values()} == {"A new account"}
    assert undoing.may_undo(["decide"], MIA.user_id or 0, lines[alice])
    assert not undoing.may_undo(["decide"], MIA.user_id or 0, lines[alicia])
    with pytest.raises(Permanent, match="undo the line of the other account"):
        undoing.undo(bridge, MIA, lines[alicia].id)
    undoing.undo(bridge, MIA, lines[alice].id, reason="A mix-up")
    acts.confirm(world)
    assert (world.groups_of("alice"), world.groups_of("alicia")) == ({"supporters"}, set())
    with pytest.raises(NotFound, match="nothing was moved"):
        undoing.undo(bridge, MIA, lines[alice].id)


def test_A48_a_seat_that_was_given_or_taken_back_is_undone_with_both_reasons_in_the_log(
    world: System,
) -> None:
    bridge, bob = world.bridge, world.user("bob")
    team: Any = {"price": world.price("supporters", discourse_seats="yes"), "quantity": 3}
    bought = world.sdk.v1.subscriptions.create(
        {"customer": world.customer("alice"), "items": [team]}
    )
    world.settle()
    seats.assign(bridge, MIA, bought.id, bob, reason="The second cook")
    world.settle()
    given = last(world, "seat_assigned")
    undoing.undo(bridge, MIA, given, reason="A mix-up")
    acts.confirm(world)
    assert "supporters" not in world.groups_of("bob")
    taken_back = last(world, "seat_unassigned")
    undoing.undo(bridge, MIA, taken_back, reason="After all")
    with pytest.raises(Permanent, match="again already"):
        undoing.undo(bridge, MIA, taken_back, reason="Twice")
    world.settle()
    assert world.groups_of("bob") == {"supporters"}
    with bridge.store.read() as connection:
        lines = changes.page(connection, user_id=bob)
    reasons = [said(one).reason for one in lines if one.action.startswith("seat_")]
    assert reasons == ["After all", "A mix-up", "The second cook"]


def test_A148_a_number_that_no_line_can_have_is_refused_in_words(world: System) -> None:
    for number in (2**63, 10**30):
        refused = typed(world, "undo", str(number), "--by", "maria", "--reason", "x", code=1)
        assert "line" in refused
