"""Pages and messages say what is so on the forum."""

from __future__ import annotations

from pathlib import Path

from bridge.store import checkouts
from bridge.web import create_app
from tests.harness import System, system
from tests.system.acts import confirm, page_of


def done_page(world: System, user: str, price: str) -> str:
    """What a buyer of a price reads who comes back from Stripe."""
    now = world.bridge.clock.now()
    who, order = world.user(user), "an-order-of-the-test-itself"
    with world.bridge.store.write() as connection:
        checkouts.begin(connection, order, user_id=who, price_id=price, return_to=None, now=now)
    browser = create_app(world.bridge).test_client()
    with browser.session_transaction() as session:
        session["user_id"], session["username"] = world.user(user), user
        session["signed_in_at"] = now.isoformat()
    return browser.get(f"/join/done?order={order}").text


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


def test_A144_whoever_waits_to_be_removed_reads_that_they_are_in_still(tmp_path: Path) -> None:
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
