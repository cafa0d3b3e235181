"""A member's life at a simulated Stripe, as a simulated forum shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.stripe import delivery, fail_payments
from tests.harness import DAY, System, system
from tests.system.acts import (
    account,
    checkout,
    confirm,
    membership,
    messages_to,
    moves,
    pass_days,
    pass_period,
    pay_open_invoices,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)  # whatever is bought now is bought after the bridge began
        yield it


# --- Coming, staying, going -----------------------------------------------------------------------


def test_A17_E4_through_three_renewals_nobody_is_out_for_an_instant(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters", interval="day"))
    pass_days(world, 3.5)
    assert moves(world, "alice", "supporters") == ["in"]
    assert len(world.sdk.v1.invoices.list({"status": "paid"}).data) == 4


def test_E5_E7_grace_ends_though_stripe_keeps_trying_and_paying_brings_it_back(
    world: System,
) -> None:
    account(world).settings.dunning_end = "past_due"
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters"))
    fail_payments(world.sandbox.world, customer, times=99)
    world.settle()
    pass_period(world, subscription.id)
    pass_days(world, 6.5)
    assert world.sdk.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert world.groups_of("alice") == {"supporters"}
    pass_days(world, 1)
    assert world.groups_of("alice") == {"supporters"}, "not before a second reading"
    confirm(world)
    assert world.groups_of("alice") == set()
    fail_payments(world.sandbox.world, customer, times=0)
    pay_open_invoices(world, customer)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    assert moves(world, "alice", "supporters") == ["in", "out", "in"]


def test_D8_D15_E8_unpaid_ends_it_and_payment_restores_it(world: System) -> None:
    account(world).settings.dunning_end = "unpaid"
    customer = world.customer("alice")
    price = world.price("supporters", interval="week", discourse_grace="90d")
    subscription = world.subscribe(customer, price)
    world.settle()
    fail_payments(world.sandbox.world, customer, times=99)
    world.advance(8 * DAY)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    pass_days(world, 16)
    assert world.sdk.v1.subscriptions.retrieve(subscription.id).status == "unpaid"
    confirm(world)
    assert world.groups_of("alice") == set()
    fail_payments(world.sandbox.world, customer, times=0)
    pay_open_invoices(world, customer)
    world.settle()
    assert world.sdk.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert world.groups_of("alice") == {"supporters"}


def test_E9_D2_a_cancelled_subscription_ends_after_a_second_reading_even_for_the_last_member(
    world: System,
) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    world.advance(61)
    world.settle()
    assert world.members("supporters") == set()


def test_E13_cancelled_at_the_period_end_it_stays_until_then_and_unsetting_clears_the_end(
    world: System,
) -> None:
    subscription = world.subscribe(
        world.customer("alice"), world.price("supporters", interval="week")
    )
    world.settle()
    for wish in (True, False, True):
        world.sdk.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": wish})
        world.settle()
        assert (membership(world, "alice", "supporters").wanted_until is not None) is wish
    pass_days(world, 6.9)
    assert world.groups_of("alice") == {"supporters"}
    world.advance(DAY / 5)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A19_E14_instalments_end_with_stripes_word_alone(world: System) -> None:
    now = int(world.sandbox.world.clock.now())
    price = world.price("supporters", interval="day")
    world.subscribe(world.customer("alice"), price, cancel_at=now + 3 * DAY)
    pass_days(world, 2)
    assert world.groups_of("alice") == {"supporters"}
    world.advance(2 * DAY)
    confirm(world)
    assert world.groups_of("alice") == set()


@pytest.mark.parametrize("choice", ["end", "lifetime", "3d"])
def test_A20_instalments_that_are_all_paid_are_over_or_bought_something_that_lasts(
    world: System, choice: str
) -> None:
    now = int(world.sandbox.world.clock.now())
    price = world.price("supporters", interval="day", discourse_after_instalments=choice)
    customer = world.customer("alice")
    subscription = world.subscribe(customer, price, cancel_at=now + 3 * DAY)
    pass_days(world, 4)
    confirm(world)
    assert world.sdk.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert len(world.sdk.v1.invoices.list({"customer": customer, "status": "paid"}).data) == 3
    assert world.groups_of("alice") == (set() if choice == "end" else {"supporters"})
    pass_days(world, 3)
    confirm(world)
    assert world.groups_of("alice") == ({"supporters"} if choice == "lifetime" else set())


def test_D7_E10_E11_a_trial_counts_and_one_that_ends_without_a_card_pauses(world: System) -> None:
    customer = world.sdk.v1.customers.create({}).id
    world.link(customer, "alice")
    subscription = world.subscribe(
        customer,
        world.price("supporters"),
        trial_period_days=3,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    pass_days(world, 3.1)
    assert world.sdk.v1.subscriptions.retrieve(subscription.id).status == "paused"
    confirm(world)
    assert world.groups_of("alice") == set()


def test_E12_pausing_collection_keeps_the_group(world: System) -> None:
    price = world.price("supporters", interval="week")
    subscription = world.subscribe(world.customer("alice"), price)
    world.settle()
    world.sdk.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void"}})
    pass_days(world, 8)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]


def test_E2_A46_an_incomplete_subscription_gives_nothing_and_takes_nothing(world: System) -> None:
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
    customer = world.customer("alice")
    world.subscribe(customer, low)
    world.settle()
    fail_payments(world.sandbox.world, customer, times=1)
    dear = world.subscribe(customer, high, payment_behavior="default_incomplete")
    confirm(world)
    assert dear.status == "incomplete"
    assert world.groups_of("alice") == {"supporters"}


# --- One-off purchases ----------------------------------------------------------------------------


def test_E22_E23_a_purchase_with_a_term_lasts_that_long_and_a_second_one_is_stacked(
    world: System,
) -> None:
    price = world.price("visitors", interval=None, discourse_term="3d")
    first = checkout(world, "alice", price, mode="payment")
    world.settle()
    assert world.groups_of("alice") == {"visitors"}
    pass_days(world, 2)
    checkout(world, "alice", price, mode="payment", customer=first.customer)
    pass_days(world, 3.9)
    assert world.groups_of("alice") == {"visitors"}
    pass_days(world, 0.2)
    confirm(world)
    assert world.groups_of("alice") == set()
    assert moves(world, "alice", "visitors") == ["in", "out"]


def test_E24_a_refund_in_full_ends_what_was_bought_once_and_leaves_a_subscription(
    world: System,
) -> None:
    bought = checkout(world, "alice", world.price("visitors", interval=None), mode="payment")
    checkout(world, "alice", world.price("supporters"), customer=bought.customer)
    world.settle()
    assert world.groups_of("alice") == {"visitors", "supporters"}
    world.sdk.v1.refunds.create({"payment_intent": bought.payment_intent})
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}


def test_E26_a_refund_of_a_subscriptions_invoice_leaves_it_running(world: System) -> None:
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters", interval="week"))
    world.settle()
    charge = world.sdk.v1.charges.list({"customer": customer}).data[0]
    world.sdk.v1.refunds.create({"charge": charge.id})
    confirm(world)
    pass_days(world, 8)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]


def test_E43_a_bank_debit_gives_nothing_until_it_has_arrived(world: System) -> None:
    price = world.price("visitors", interval=None)
    session = checkout(world, "alice", price, mode="payment", card="pm_usBankAccount")
    world.settle()
    assert (session.payment_status, world.groups_of("alice")) == ("unpaid", set())
    pass_days(world, 4)
    assert world.groups_of("alice") == {"visitors"}


def test_E34_a_purchase_for_nothing_is_a_purchase(world: System) -> None:
    free = world.sdk.v1.coupons.create({"percent_off": 100, "duration": "forever"})
    price = world.price("supporters")
    session = checkout(world, "alice", price, discounts=[{"coupon": free.id}])
    world.settle()
    assert session.payment_status == "no_payment_required"
    assert world.groups_of("alice") == {"supporters"}


def test_A80_a_donation_without_a_group_is_a_payment_and_nothing_else(world: System) -> None:
    price = world.price("", interval=None, discourse_kind="donation")
    checkout(world, "alice", price, mode="payment")
    confirm(world)
    assert world.groups_of("alice") == set()
    (told,) = messages_to(world, "alice")
    assert "10\\.00" in told[0].raw


def test_A47_a_cancellation_is_not_undone_by_an_unrelated_purchase(world: System) -> None:
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters", interval="week"))
    world.sdk.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    world.settle()
    ends_at = membership(world, "alice", "supporters").wanted_until
    mug = world.price("", interval=None, discourse_kind="other")
    checkout(world, "alice", mug, mode="payment", customer=customer)
    world.settle()
    assert membership(world, "alice", "supporters").wanted_until == ends_at
    pass_days(world, 7.1)
    confirm(world)
    assert world.groups_of("alice") == set()


# --- Several at once ------------------------------------------------------------------------------


def test_A3_A21_D1_of_several_subscriptions_only_the_cancelled_ones_groups_end(
    world: System,
) -> None:
    customer = world.customer("alice")
    kept = {"letters", "choir"}
    for group in sorted(kept):
        world.subscribe(customer, world.price(group))
    ending = world.subscribe(customer, world.price("supporters"))
    world.settle()
    world.sdk.v1.subscriptions.cancel(ending.id)
    confirm(world)
    assert world.groups_of("alice") == kept
    assert [moves(world, "alice", group) for group in sorted(kept)] == [["in"], ["in"]]


def test_F25_E39_of_two_customers_of_one_user_one_cancels_and_the_user_stays(
    world: System,
) -> None:
    price = world.price("supporters")
    first = world.subscribe(world.customer("alice"), price)
    world.subscribe(world.customer("alice"), price)
    world.settle()
    world.sdk.v1.subscriptions.cancel(first.id)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]


def test_D9_E19_every_item_of_a_subscription_counts(world: System) -> None:
    prices = [world.price(f"circle{n}") for n in range(12)]
    world.subscribe(world.customer("alice"), *prices)
    confirm(world)  # twelve groups take more requests than one minute has
    assert world.groups_of("alice") == {f"circle{n}" for n in range(12)}


def test_E37_a_deleted_customer_ends_its_subscriptions_and_keeps_what_was_bought_once(
    world: System,
) -> None:
    bought = checkout(world, "alice", world.price("visitors", interval=None), mode="payment")
    checkout(world, "alice", world.price("supporters"), customer=bought.customer)
    world.settle()
    assert world.groups_of("alice") == {"visitors", "supporters"}
    world.sdk.v1.customers.delete(bought.customer)
    confirm(world)
    assert world.groups_of("alice") == {"visitors"}


def test_E51_an_archived_price_keeps_those_who_are_on_it(world: System) -> None:
    price = world.price("supporters", interval="week")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    product = str(world.sdk.v1.prices.update(price, {"active": False}).product)
    world.sdk.v1.products.update(product, {"active": False})
    pass_days(world, 8)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]


# --- What is lost is found ------------------------------------------------------------------------


def test_A14_F34_webhooks_lost_for_a_day_are_made_up_for(world: System) -> None:
    price = world.price("supporters")
    ending = world.subscribe(world.customer("alice"), price)
    world.settle()
    delivery.lose(world.sandbox.world)
    world.sdk.v1.subscriptions.cancel(ending.id)
    world.subscribe(world.customer("bob"), price)
    checkout(world, "carol", world.price("visitors", interval=None), mode="payment")
    pass_days(world, 1)
    assert world.groups_of("bob") == {"supporters"}
    assert world.groups_of("carol") == {"visitors"}
    world.advance(300)  # nobody is removed before moderators were told that news was lost (A37)
    world.settle()
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A14_E45_what_even_the_events_list_has_forgotten_is_found_by_the_nightly_reading(
    world: System,
) -> None:
    price = world.price("supporters")
    ending = world.subscribe(world.customer("alice"), price)
    world.settle()
    delivery.lose(world.sandbox.world)
    account(world).settings.events_kept_days = 0
    world.sdk.v1.subscriptions.cancel(ending.id)
    world.subscribe(world.customer("bob"), price)
    account(world).tables["event"].clear()
    pass_days(world, 1.1)
    confirm(world)
    assert (world.groups_of("alice"), world.groups_of("bob")) == (set(), {"supporters"})


# --- Told to the member ---------------------------------------------------------------------------


def test_A78_the_first_purchase_is_told_by_the_statement_and_a_later_one_by_an_answer_in_it(
    world: System,
) -> None:
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    (told,) = messages_to(world, "alice")
    assert len(told) == 1
    pass_days(world, 2)
    world.subscribe(customer, world.price("choir", amount=2500))
    world.settle()
    (told,) = messages_to(world, "alice")
    assert len(told) == 2
    assert "25\\.00" in told[1].raw
    pass_days(world, 1)
    (told,) = messages_to(world, "alice")
    assert len(told) == 2
    assert "25\\.00" in told[0].raw, "and the statement is brought up to date"


def test_a_renewal_is_told_by_the_statement_and_by_no_message_of_its_own(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters", interval="week"))
    pass_days(world, 9)
    (told,) = messages_to(world, "alice")
    assert len(told) == 1
    assert "20\\.00" in told[0].raw
