"""Pages and messages show the state on the forum."""

from __future__ import annotations

import re
from pathlib import Path

from flask.testing import FlaskClient

from bridge.sandbox.discourse.cooked import cook
from bridge.sandbox.stripe import fail_payments
from bridge.store import checkouts
from bridge.store.checkouts import Ordered
from bridge.web import create_app
from tests.harness import System, system
from tests.system.acts import (
    confirm,
    message_to,
    messages_to,
    page_of,
    pass_days,
    pass_quiet_days,
    staff_add,
    staff_remove,
    words,
)
from tests.system.typing_commands import asked


def done_page(world: System, user: str, price: str) -> str:
    """The page for a buyer of a price who comes back from Stripe."""
    now = world.bridge.clock.now()
    who, order = world.user(user), "an-order-of-the-test-itself"
    with world.bridge.store.write() as connection:
        checkouts.begin(
            connection, order, user_id=who, ordered=[Ordered(price)], return_to=None, now=now
        )
    return browser_of(world, user).get(f"/join/done?order={order}").text


def browser_of(world: System, user: str) -> FlaskClient:
    """A browser in which a member is signed in."""
    browser = create_app(world.bridge).test_client()
    with browser.session_transaction() as session:
        session["user_id"], session["username"] = world.user(user), user
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    return browser


def shop_page(world: System, user: str, price: str) -> str:
    """The page for a member who follows the link to something they have."""
    return words(browser_of(world, user).get(f"/join/{price}").text)


def test_A144_who_goes_up_a_ladder_without_a_base_is_not_in_while_only_the_lower_step_is(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
        high = world.price("patrons", discourse_ladder="level", discourse_rank="2")
        world.subscribe(world.customer("alice"), low)
        confirm(world)
        assert "You are in" not in done_page(world, "alice", high)
        world.subscribe(world.customer("alice"), high)
        confirm(world)
        assert "You are in" in done_page(world, "alice", high)


def test_A144_somebody_who_waits_to_be_removed_reads_that_they_are_in_still(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        bought = world.subscribe(world.customer("alice"), world.price("supporters"))
        world.settle()
        world.sdk.v1.subscriptions.cancel(bought.id)
        world.settle()
        assert world.members("supporters") == {"alice"}
        told = page_of(world, "alice")
        assert "You are still in supporters" in told
        assert "have a membership" not in told
        confirm(world)
        assert "You are not in supporters" in page_of(world, "alice")


def test_A144_after_grace_the_link_says_that_they_are_out_and_why(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        price, customer = world.price("supporters", interval="week"), world.customer("alice")
        world.subscribe(customer, price)
        confirm(world)
        assert "You are in supporters. Your weekly membership is active." in shop_page(
            world, "alice", price
        )
        fail_payments(world.sandbox.world, customer, times=99)
        pass_days(world, 8)  # an invoice is a draft for an hour
        assert "You are in supporters for now. The payment" in shop_page(world, "alice", price)
        pass_days(world, 9)
        assert world.members("supporters") == set()
        told = shop_page(world, "alice", price)
        assert "You are not in supporters. The payment for your weekly membership failed" in told
        assert "You are in" not in told


def test_A144_somebody_who_was_added_by_others_is_in_because_of_them(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        price = world.price("supporters")
        world.settle()
        staff_add(world, "supporters", "alice")
        bought = world.subscribe(world.customer("alice"), price)
        confirm(world)
        world.sdk.v1.subscriptions.cancel(bought.id)
        confirm(world)
        world.advance(700)
        confirm(world)
        assert world.members("supporters") == {"alice"}
        for told in (page_of(world, "alice"), message_to(world, "alice")):
            assert "You are in supporters because someone on the forum added you" in told
            assert "for now" not in told
        (group,) = asked(world, "explain", "alice")["groups"]
        assert group["state"] == "in_by_others"


def test_A144_who_buys_a_lower_step_reads_the_name_of_the_higher_one_they_are_in(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
        high = world.price("patrons", discourse_ladder="level", discourse_rank="2")
        world.subscribe(world.customer("alice"), high)
        confirm(world)
        assert "You are in patrons" in done_page(world, "alice", low)


def test_A144_while_removals_are_stopped_page_message_and_explain_say_that_they_are_in(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        price = world.price("supporters")
        names = [f"member{number}" for number in range(30)]
        bought = [world.subscribe(world.customer(name), price) for name in names]
        confirm(world)
        for one in bought:
            world.sdk.v1.subscriptions.cancel(one.id)
        confirm(world)
        world.advance(700)
        confirm(world)
        (name, *_) = sorted(world.members("supporters"))
        for told in (page_of(world, name), message_to(world, name)):
            assert "You are still in supporters for now" in told
        (group,) = asked(world, "explain", name)["groups"]
        assert group["state"] == "leaving"
        assert [one["for"] for one in group["waits"]] == ["limit"]


def test_A122_page_and_message_of_a_held_member_say_the_same(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        ruled, bare = world.price("supporters"), world.price("", amount=500)
        bought = world.subscribe(world.customer("alice"), ruled)
        confirm(world)
        world.sdk.v1.subscriptions.update(
            bought.id, {"items": [{"id": bought["items"].data[0].id, "price": bare}]}
        )
        confirm(world)
        world.advance(700)
        confirm(world)
        held = "You are in supporters for now. No group is set for what you pay for."
        assert held in page_of(world, "alice")
        assert held in message_to(world, "alice")
        assert "have a membership" not in page_of(world, "alice")


def test_A122_page_and_message_of_somebody_whom_staff_took_out_say_the_same(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        world.subscribe(world.customer("alice"), world.price("supporters"))
        confirm(world)
        staff_remove(world, "supporters", "alice")
        pass_days(world, 0.1)
        world.advance(700)
        confirm(world)
        out = "You are not in supporters. A moderator removed you."
        assert out in page_of(world, "alice")
        assert out in message_to(world, "alice")


def test_A122_the_end_of_grace_is_told_and_the_way_to_pay_stays(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        customer = world.customer("alice")
        world.subscribe(customer, world.price("supporters"))
        confirm(world)
        fail_payments(world.sandbox.world, customer, times=99)
        pass_quiet_days(world, 26)
        pass_days(world, 7)
        ((_, failed, *more),) = messages_to(world, "alice")
        assert more == []
        told = words(cook(failed.raw))
        assert re.fullmatch(
            r"Your payment of €10\.00 for Membership supporters didn't go through on .* 20\d\d: "
            r"your bank declined it or asks you to confirm it\. It will be tried again on .*\. "
            r"You keep access to supporters until .* 20\d\d\. Pay now or update your card\.",
            told.strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        ), told
        pass_days(world, 9)
        assert world.members("supporters") == set()
        ((*_, over),) = messages_to(world, "alice")
        told = words(cook(over.raw))
        assert "Your paid access to supporters has ended. The payment for your monthly" in told
        assert "pay now or update your card" in told
        assert "Pay €10.00 now" in page_of(world, "alice")
        assert "Pay now or update your card" in message_to(world, "alice")
