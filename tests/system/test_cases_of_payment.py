"""Cases of the table in which a payment waits, fails, is given back or is made by other means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from bridge.sandbox.stripe import fail_payments
from tests.harness import System, system
from tests.system.acts import (
    checkout,
    confirm,
    membership,
    messages_to,
    moves,
    outcomes,
    page_of,
    pass_days,
    pass_period,
    pay_open_invoices,
)

WINNING: Any = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
LOSING: Any = {"evidence": {"uncategorized_text": "losing_evidence"}, "submit": True}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def status(world: System, subscription: Any) -> str:
    return world.sdk.v1.subscriptions.retrieve(subscription.id).status


def pay_with(world: System, customer: str, card: str) -> None:
    """Have the customer's next payments made by this card."""
    if card.startswith("pm_card_"):
        card = world.sdk.v1.payment_methods.attach(card, {"customer": customer}).id
    world.sdk.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": card}})


# --- Trials and pauses ----------------------------------------------------------------------------


def test_E1_a_trial_that_waits_counts_from_the_first_payment_and_not_before_it(
    world: System,
) -> None:
    customer = world.customer("alice")
    price = world.price("supporters", interval="week", discourse_trial="wait")
    subscription = world.subscribe(customer, price, trial_period_days=3)
    world.settle()
    fail_payments(world.sandbox.world, customer, times=99)
    world.advance(3 * 86_400 + 60)
    world.settle()
    assert status(world, subscription) == "active", "its first invoice is a draft for an hour"
    pass_days(world, 1)
    assert status(world, subscription) == "past_due"
    assert moves(world, "alice", "supporters") == []
    assert "Access starts with the first payment" in page_of(world, "alice")
    fail_payments(world.sandbox.world, customer, times=0)
    pay_open_invoices(world, customer)
    world.settle()
    fail_payments(world.sandbox.world, customer, times=99)
    pass_days(world, 8)
    assert status(world, subscription) == "past_due"
    assert moves(world, "alice", "supporters") == ["in"], "a later one that fails has its grace"


def test_E11_resumed_it_is_given_back_with_the_payment_and_not_while_it_is_paused(
    world: System,
) -> None:
    customer = world.sdk.v1.customers.create({}).id
    world.link(customer, "alice")
    subscription = world.subscribe(
        customer,
        world.price("supporters"),
        trial_period_days=1,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    pass_days(world, 1.1)
    confirm(world)
    assert (status(world, subscription), world.groups_of("alice")) == ("paused", set())
    card = world.sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    world.sdk.v1.customers.update(
        customer, {"invoice_settings": {"default_payment_method": card.id}}
    )
    confirm(world)
    assert world.groups_of("alice") == set()
    world.sdk.v1.subscriptions.resume(subscription.id)
    world.settle()
    assert (status(world, subscription), world.groups_of("alice")) == ("active", {"supporters"})


def test_E12_paused_collection_may_keep_to_the_end_of_what_was_paid_and_is_back_when_it_runs_on(
    world: System,
) -> None:
    price = world.price("supporters", interval="week", discourse_on_pause_collection="period_end")
    subscription = world.subscribe(world.customer("alice"), price)
    world.settle()
    pause: Any = {"pause_collection": {"behavior": "void"}}
    world.sdk.v1.subscriptions.update(subscription.id, pause)
    pass_days(world, 6.5)
    assert world.groups_of("alice") == {"supporters"}
    assert "are paused. It is paid until" in page_of(world, "alice")
    pass_days(world, 1)
    confirm(world)
    assert world.groups_of("alice") == set()
    world.sdk.v1.subscriptions.update(subscription.id, {"pause_collection": ""})
    world.settle()
    assert world.groups_of("alice") == {"supporters"}


# --- Payments that fail ---------------------------------------------------------------------------


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
def test_E5_E6_a_renewal_that_fails_or_asks_for_consent_is_told_once_with_where_to_pay(
    world: System, card: str
) -> None:
    customer = world.customer("alice")
    subscription = world.subscribe(customer, world.price("supporters", interval="week"))
    world.settle()
    good = world.sdk.v1.customers.payment_methods.list(customer).data[0].id
    pay_with(world, customer, card)
    world.advance(7 * 86_400 + 3700)
    confirm(world)
    assert status(world, subscription) == "past_due"
    assert world.groups_of("alice") == {"supporters"}
    ((_, told),) = messages_to(world, "alice")
    assert "Your payment of **€10\\.00** for *Membership supporters* didn’t go through" in told.raw
    assert f"{world.bridge.settings.bridge_url}/me" in told.raw
    pass_days(world, 3)
    ((statement, *answers),) = messages_to(world, "alice")
    assert len(answers) == 1, "trying again tells nobody"
    assert "You keep access until" in statement.raw
    pay_with(world, customer, good)
    pay_open_invoices(world, customer)
    world.settle()
    assert moves(world, "alice", "supporters") == ["in"]


# --- Schedules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["release", "cancel"])
def test_A24_E16_E18_D14_of_a_schedule_the_phase_in_force_counts_and_its_end_releases_or_cancels(
    world: System, end: Any
) -> None:
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
    subscription = world.subscribe(world.customer("alice"), high)
    schedule = world.sdk.v1.subscription_schedules.create({"from_subscription": subscription.id})
    now = schedule.phases[0]
    span: Any = {"start_date": now.start_date, "end_date": now.end_date}
    phases: Any = [
        {"items": [{"price": high}], **span},
        {"items": [{"price": low}], "duration": {"interval": "month", "interval_count": 1}},
    ]
    world.sdk.v1.subscription_schedules.update(schedule.id, {"phases": phases, "end_behavior": end})
    world.advance(25 * 86_400)
    confirm(world)
    assert world.groups_of("alice") == {"patrons"}
    planned = "Membership patrons changes to Membership supporters."
    assert planned in page_of(world, "alice")
    world.advance(7 * 86_400)
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}
    page = page_of(world, "alice")
    assert "changes to" not in page
    is_ending = end == "cancel"
    assert ("membership ends on" in page, "Next payment" in page) == (is_ending, not is_ending)
    assert moves(world, "alice", "patrons") == ["in", "out"]
    world.advance(31 * 86_400)
    confirm(world)
    assert world.groups_of("alice") == ({"supporters"} if end == "release" else set())


# --- Invoices that are sent, and money by other means ---------------------------------------------


def test_E35_E36_a_sent_invoice_is_past_due_from_its_due_date_and_may_be_paid_out_of_band(
    world: System,
) -> None:
    customer = world.customer("alice")
    price = world.price("supporters", discourse_grace="2d", discourse_grace_notice="0")
    sent: Any = {"collection_method": "send_invoice", "days_until_due": 3}
    subscription = world.subscribe(customer, price, **sent)
    pass_days(world, 2.9)
    assert (status(world, subscription), world.groups_of("alice")) == ("active", {"supporters"})
    pass_days(world, 1)
    (owed,) = world.sdk.v1.invoices.list({"customer": customer, "status": "open"}).data
    grace_ends_at = membership(world, "alice", "supporters").wanted_until
    assert status(world, subscription) == "past_due"
    assert grace_ends_at.timestamp() == (owed.due_date or 0) + 2 * 86_400
    pass_days(world, 2)
    confirm(world)
    assert world.groups_of("alice") == set()
    world.sdk.v1.invoices.pay(owed.id, {"paid_out_of_band": True})
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    assert "Paid in total €10.00" in page_of(world, "alice")


# --- Money that is given back or disputed ---------------------------------------------------------


def test_E25_E27_a_part_that_is_given_back_keeps_and_a_refund_that_failed_restores(
    world: System,
) -> None:
    price = world.price("visitors", interval=None)
    customer = world.customer("alice")
    card = "pm_card_refundFail"
    bought = checkout(world, "alice", price, mode="payment", customer=customer, card=card)
    world.settle()
    paid_by: Any = {"payment_intent": bought.payment_intent}
    part: Any = {**paid_by, "amount": 400}
    world.sdk.v1.refunds.create(part)
    confirm(world)
    assert moves(world, "alice", "visitors") == ["in"]
    pass_days(world, 1)
    world.sdk.v1.refunds.create(paid_by)
    confirm(world)
    pass_days(world, 1)
    assert {refund.status for refund in world.sdk.v1.refunds.list().data} == {"failed"}
    assert world.groups_of("alice") == {"visitors"}


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_E28_E29_E30_a_dispute_suspends_where_it_is_to_and_ends_that_purchase_only_if_lost(
    world: System, outcome: str
) -> None:
    price = world.price(
        "visitors", interval=None, discourse_on_dispute="suspend", discourse_term="30d"
    )
    customer = world.customer("alice")
    disputed: Any = {"mode": "payment", "customer": customer, "card": "pm_card_createDispute"}
    checkout(world, "alice", price, **disputed)
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()
    assert "has been disputed since" in page_of(world, "alice")
    (dispute,) = world.sdk.v1.disputes.list().data
    world.sdk.v1.disputes.update(dispute.id, WINNING if outcome == "won" else LOSING)
    pass_days(world, 1)
    (dispute,) = world.sdk.v1.disputes.list().data
    assert dispute.status == outcome
    assert world.groups_of("alice") == ({"visitors"} if outcome == "won" else set())
    began = world.bridge.clock.now()
    checkout(world, "alice", price, mode="payment", customer=customer)
    world.settle()
    ends_at = membership(world, "alice", "visitors").wanted_until
    days = round((ends_at - began).total_seconds() / 86_400)
    assert days == (59 if outcome == "won" else 30), "a later one stands"


def test_E53_what_costs_nothing_is_like_anything_else(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("friends", amount=0, interval="week"))
    pass_days(world, 8)
    assert moves(world, "alice", "friends") == ["in"]
    assert {status for status, _ in outcomes(world).values()} <= {"done", "ignored"}


def test_E46_news_of_what_nobody_here_knows_is_accepted_and_noted_and_moves_nothing(
    world: System,
) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    mark = world.mark()
    made: Any = {"id": "tlx_1", "object": "teleporter", "customer": "cus_of_another"}
    news = {"id": "evt_new", "object": "event", "type": "teleporter.beamed", "created": 1}
    body = json.dumps({**news, "livemode": False, "data": {"object": made}}).encode()
    at = int(world.bridge.clock.now().timestamp())
    secret = world.sandbox.info["stripe_webhook_secret"]
    signature = stripe.WebhookSignature._compute_signature(f"{at}.{body.decode()}", secret)
    answer = requests.post(
        f"{world.url}/webhooks/stripe",
        data=body,
        headers={"Stripe-Signature": f"t={at},v1={signature}"},
        timeout=10,
    )
    world.settle()
    assert answer.status_code == 200
    assert outcomes(world)["evt_new"][0] == "ignored"
    assert [line for line in world.calls("discourse", mark) if line.method != "GET"] == []
    assert world.groups_of("alice") == {"supporters"}


def test_E28_E30_a_later_payment_mends_though_the_next_failed_before_anybody_looked(
    world: System,
) -> None:
    customer = world.customer("alice", payment_method="pm_card_createDispute")
    price = world.price("supporters", discourse_on_dispute="suspend")
    subscription = world.subscribe(customer, price)
    confirm(world)
    assert world.groups_of("alice") == set()
    card = world.sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    world.sdk.v1.customers.update(
        customer, {"invoice_settings": {"default_payment_method": card.id}}
    )
    pass_period(world, subscription.id)
    fail_payments(world.sandbox.world, customer, 1)
    pass_period(world, subscription.id)
    paid = world.sdk.v1.invoices.list({"customer": customer, "status": "paid"}).data
    assert (len(paid), world.groups_of("alice")) == (2, set())
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}
