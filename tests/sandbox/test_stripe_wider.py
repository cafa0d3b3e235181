"""Schedules, test clocks, credit notes, entitlements, search, links and pausing."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe import account_of, load
from tests.sandbox.stripe_shop import DAY, Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def schedule(shop: Shop, prices: list[str], **more: Any) -> Any:
    month = {"interval": "month", "interval_count": 1}
    phases = [{"items": [{"price": p}], "duration": month} for p in prices]
    return shop.v1.subscription_schedules.create(
        {"customer": shop.customer(), "start_date": "now", "phases": phases, **more}
    )


def price_of(shop: Shop, subscription: str) -> str:
    return str(shop.v1.subscriptions.retrieve(subscription)["items"].data[0].price.id)


def test_a_schedule_changes_the_price_with_the_period_and_then_lets_go(shop: Shop) -> None:
    low, high = shop.price(1000), shop.price(3000)
    made = schedule(shop, [low, high])
    assert (made.status, price_of(shop, made.subscription)) == ("active", low)
    shop.advance(31)
    assert price_of(shop, made.subscription) == high
    sub = shop.v1.subscriptions.retrieve(made.subscription, {"expand": ["latest_invoice"]})
    assert (sub.latest_invoice.total, len(sub.latest_invoice.lines.data)) == (3000, 1)
    shop.advance(31)
    done = shop.v1.subscription_schedules.retrieve(made.id)
    assert (done.status, done.released_subscription) == ("completed", sub.id)
    released = shop.v1.subscriptions.retrieve(sub.id)
    assert (released.status, released.schedule) == ("active", None)


def test_a_schedule_that_ends_with_cancel_ends_the_subscription(shop: Shop) -> None:
    made = schedule(shop, [shop.price()], end_behavior="cancel")
    shop.advance(32)
    assert shop.v1.subscriptions.retrieve(made.subscription).status == "canceled"
    assert shop.v1.subscription_schedules.retrieve(made.id).status == "completed"


def test_a_schedule_in_the_future_has_no_subscription_yet(shop: Shop) -> None:
    made = schedule(shop, [shop.price()], start_date=shop.now + 10 * DAY)
    assert (made.status, made.subscription) == ("not_started", None)
    shop.advance(11)
    begun = shop.v1.subscription_schedules.retrieve(made.id, {"expand": ["subscription"]})
    assert begun.subscription.status == "active"
    assert begun.subscription.created == made.phases[0].start_date


def test_releasing_and_cancelling_a_schedule(shop: Shop) -> None:
    one, two = schedule(shop, [shop.price()]), schedule(shop, [shop.price()])
    shop.v1.subscription_schedules.release(one.id)
    assert shop.v1.subscriptions.retrieve(one.subscription).status == "active"
    shop.v1.subscription_schedules.cancel(two.id)
    assert shop.v1.subscriptions.retrieve(two.subscription).status == "canceled"


def test_a_test_clock_moves_only_its_own_customers(shop: Shop) -> None:
    clock = shop.v1.test_helpers.test_clocks.create({"frozen_time": shop.now})
    mine = shop.subscribe(customer=shop.customer(test_clock=clock.id))
    other = shop.subscribe()
    advancing = shop.v1.test_helpers.test_clocks.advance(
        clock.id, {"frozen_time": shop.now + 40 * DAY}
    )
    assert advancing.status == "advancing"
    assert shop.v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    assert shop.last_invoice(mine).billing_reason == "subscription_cycle"
    assert shop.last_invoice(other).billing_reason == "subscription_create"
    assert [s.id for s in shop.v1.subscriptions.list().data] == [other.id]


def test_a_credit_note_lowers_an_open_invoice_or_gives_money_back(shop: Shop) -> None:
    sub = shop.subscribe(
        customer=shop.customer(card=None), collection_method="send_invoice", days_until_due=30
    )
    shop.advance(0.1)
    shop.v1.credit_notes.create({"invoice": sub.latest_invoice, "amount": 400})
    lowered = shop.last_invoice(sub)
    assert (lowered.amount_remaining, lowered.pre_payment_credit_notes_amount) == (600, 400)
    paid = shop.subscribe()
    note = shop.v1.credit_notes.create(
        {"invoice": paid.latest_invoice, "amount": 300, "refund_amount": 300}
    )
    assert (note.type, note.refunds[0].amount_refunded) == ("post_payment", 300)
    charge = shop.v1.charges.list({"customer": paid.customer}).data[0]
    assert charge.amount_refunded == 300


def test_entitlements_come_and_go_with_the_subscription(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Gold"}).id
    feature = shop.v1.entitlements.features.create({"name": "Forum", "lookup_key": "forum"})
    shop.v1.products.features.create(product, {"entitlement_feature": feature.id})
    sub = shop.subscribe(shop.price(product=product))
    listed = shop.v1.entitlements.active_entitlements.list({"customer": sub.customer}).data
    assert [e.lookup_key for e in listed] == ["forum"]
    shop.v1.subscriptions.cancel(sub.id)
    assert shop.v1.entitlements.active_entitlements.list({"customer": sub.customer}).data == []
    told = shop.events("entitlements.active_entitlement_summary.updated")
    assert [len(e.data.object.entitlements.data) for e in told] == [1, 0]


def test_a_paused_trial_keeps_its_entitlements(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Gold"}).id
    feature = shop.v1.entitlements.features.create({"name": "Forum", "lookup_key": "forum"})
    shop.v1.products.features.create(product, {"entitlement_feature": feature.id})
    sub = shop.subscribe(
        shop.price(product=product),
        shop.customer(card=None),
        trial_period_days=3,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    shop.advance(4)
    paused = shop.read(sub)
    why = paused.status_details.paused.subscription.type
    assert (paused.status, why) == ("paused", "trial_end_without_payment_method")
    listed = shop.v1.entitlements.active_entitlements.list({"customer": sub.customer}).data
    assert len(listed) == 1


def test_a_subscription_is_paused_and_resumed_with_a_new_period(shop: Shop) -> None:
    sub = shop.subscribe()
    assert shop.v1.subscriptions.pause(sub.id, {"type": "subscription"}).status == "paused"
    shop.advance(40)
    assert shop.read(sub).latest_invoice == sub.latest_invoice
    resumed = shop.v1.subscriptions.resume(sub.id)
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert resumed["items"].data[0].current_period_start == shop.now
    assert len(shop.events("customer.subscription.resumed")) == 1


def test_resuming_on_payment_waits_until_it_is_paid(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    shop.v1.subscriptions.pause(sub.id, {"type": "subscription"})
    shop.account.failing[customer] = ["generic_decline"]
    waiting = shop.v1.subscriptions.resume(
        sub.id, {"payment_behavior": "resume_on_payment_success"}
    )
    assert waiting.status == "paused"
    shop.v1.invoices.pay(waiting.latest_invoice)
    assert shop.read(sub).status == "active"


def test_search_understands_stripes_queries_and_lags(shop: Shop) -> None:
    shop.account.settings.search_lag_seconds = 60
    shop.customer(card=None, name="Ann", metadata={"user": "7"})
    query = {"query": 'metadata["user"]:"7" AND name~"an"'}
    assert shop.v1.customers.search(query).data == []
    shop.advance(0.01)
    assert [c.name for c in shop.v1.customers.search(query).data] == ["Ann"]
    assert shop.v1.customers.search({"query": "-metadata['user']:'7'"}).data == []
    for nonsense in ("nonsense", 'colour:"red"'):
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.customers.search({"query": nonsense})
    sub = shop.subscribe()
    shop.advance(0.01)
    found = shop.v1.invoices.search({"query": f'subscription:"{sub.id}"'}).data
    assert [invoice.id for invoice in found] == [sub.latest_invoice]


def test_a_payment_link_carries_the_reference_that_its_address_is_given(shop: Shop) -> None:
    items = [{"price": shop.price(), "quantity": 1}]
    link = shop.v1.payment_links.create({"line_items": items})
    for given, kept in (("user-7_x", "user-7_x"), ("user 7!", None)):
        followed = requests.get(link.url, {"client_reference_id": given}, timeout=10)
        assert "Subscribe" in followed.text
        newest = shop.v1.checkout.sessions.list({"payment_link": link.id}).data[0]
        assert newest.client_reference_id == kept
    pricing = requests.get(f"{shop.server.url}/_pricing", {"client_reference_id": "7"}, timeout=10)
    assert f"{link.url}?client_reference_id=7" in pricing.text
    shop.v1.payment_links.update(link.id, {"active": False})
    assert requests.get(link.url, timeout=10).status_code == 410


def test_a_price_is_sold_in_several_currencies(shop: Shop) -> None:
    price = shop.price(1000, currency_options={"usd": {"unit_amount": 1200}})
    options = shop.v1.prices.retrieve(price, {"expand": ["currency_options"]}).currency_options
    assert {name: option["unit_amount"] for name, option in options.to_dict().items()} == {
        "eur": 1000,
        "usd": 1200,
    }
    sub = shop.subscribe(price, currency="usd")
    assert (shop.last_invoice(sub).total, shop.last_invoice(sub).currency) == (1200, "usd")
    with pytest.raises(stripe.InvalidRequestError):
        shop.subscribe(price, currency="gbp")
    session = shop.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "currency": "usd",
            "line_items": [{"price": price, "quantity": 2}],
            "success_url": "http://localhost/",
        }
    )
    assert (session.amount_total, session.currency) == (2400, "usd")


def test_a_payout_fails_when_the_bank_sends_it_back(shop: Shop) -> None:
    shop.subscribe()
    shop.advance(3)
    before = shop.v1.balance.retrieve().available[0].amount
    made = shop.v1.payouts.create(
        {"amount": 500, "currency": "eur", "destination": "ba_account_closed"}
    )
    shop.advance(2)
    failed = shop.v1.payouts.retrieve(made.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert failed.failure_balance_transaction.amount == 500
    assert len(shop.events("payout.failed")) == 1
    shop.advance(3)
    assert shop.v1.balance.retrieve().available[0].amount == before


def test_a_bank_transfer_pays_in_parts_and_what_is_left_stays_with_the_customer(shop: Shop) -> None:
    customer = shop.customer(card=None)
    intent = shop.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "eur",
            "customer": customer,
            "confirm": True,
            "payment_method_data": {"type": "customer_balance"},
        }
    )
    assert intent.next_action.display_bank_transfer_instructions.amount_remaining == 2000

    def send(amount: int) -> Any:
        given = {"amount": amount, "currency": "eur"}
        shop.v1.test_helpers.customers.fund_cash_balance(customer, given)
        return shop.v1.payment_intents.retrieve(intent.id)

    part = send(500)
    remaining = part.next_action.display_bank_transfer_instructions.amount_remaining
    assert (part.status, remaining) == ("requires_action", 1500)
    assert send(1700).status == "succeeded"
    assert shop.v1.customers.cash_balance.retrieve(customer).available.to_dict() == {"eur": 200}
    assert len(shop.events("payment_intent.partially_funded")) == 1


def test_invoice_items_wait_for_an_invoice_and_stand_on_it(shop: Shop) -> None:
    customer = shop.customer()
    shop.v1.invoice_items.create({"customer": customer, "amount": 700, "currency": "eur"})
    draft = shop.v1.invoices.create(
        {"customer": customer, "pending_invoice_items_behavior": "include"}
    )
    assert (draft.status, draft.total) == ("draft", 700)
    paid = shop.v1.invoices.pay(draft.id)
    assert (paid.status, paid.amount_paid) == ("paid", 700)


def test_an_invoice_is_voided_or_given_up_and_may_still_be_paid(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    shop.account.failing[customer] = ["generic_decline"]
    shop.advance(31)
    assert shop.read(sub).status == "past_due"
    given_up = shop.v1.invoices.mark_uncollectible(shop.read(sub).latest_invoice)
    assert (given_up.status, shop.read(sub).status) == ("uncollectible", "active")
    assert shop.v1.invoices.pay(given_up.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoices.void_invoice(given_up.id)


def test_what_was_loaded_without_an_anchor_goes_on_from_its_period(shop: Shop) -> None:
    price = shop.v1.prices.retrieve(shop.price()).to_dict(for_json=True)
    period = {"current_period_start": shop.now, "current_period_end": shop.now + 10 * DAY}
    item = {"id": "si_1", "object": "subscription_item", "price": price, "quantity": 1}
    subscription = {"id": "sub_1", "object": "subscription", "customer": shop.customer()}
    items = {"object": "list", "data": [item]}
    load(shop.world, [{**subscription, **period, "status": "active", "items": items}])
    shop.advance(11)
    renewed = shop.v1.subscriptions.retrieve("sub_1")
    assert renewed["items"].data[0].current_period_start == period["current_period_end"]
    assert shop.last_invoice(renewed).status == "paid"


def test_ten_thousand_customers_with_subscriptions_are_loaded_at_once() -> None:
    world = World()
    now = int(world.clock.now())
    price = {
        "id": "price_gold",
        "object": "price",
        "currency": "eur",
        "unit_amount": 1000,
        "product": "prod_gold",
        "recurring": {"interval": "month", "interval_count": 1},
        "type": "recurring",
    }
    item = {"id": "si_{}", "object": "subscription_item", "price": price, "quantity": 1}
    model = {
        "id": "sub_{}",
        "object": "subscription",
        "customer": "cus_{}",
        "status": "active",
        "created": now,
        "current_period_start": now,
        "current_period_end": now + 30 * DAY,
        "items": {"object": "list", "data": [item]},
    }
    objects = []
    for n in range(10_000):
        one = copy.deepcopy(model)
        one.update(id=f"sub_{n}", customer=f"cus_{n}")
        one["items"]["data"][0]["id"] = f"si_{n}"  # type: ignore[index] # a literal of several types
        objects.append(one)
    begun = time.monotonic()
    load(world, objects)
    assert (
        time.monotonic() - begun < 60
    )  # far below on an idle machine; the limit is for a busy one
    account = account_of(world)
    assert len(account.tables["customer"]) == len(account.tables["subscription"]) == 10_000
    assert account.tables["price"]["price_gold"]["unit_amount"] == 1000


def test_a_schedule_says_itself_how_its_subscription_ends(shop: Shop) -> None:
    sub = shop.subscribe()
    made = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    shop.v1.subscription_schedules.release(made.id)
    assert shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True}).cancel_at


def test_a_schedule_of_a_pause_longer_than_the_period_is_over_now_and_not_before(
    shop: Shop,
) -> None:
    sub = shop.subscribe(shop.price(interval="week"))
    shop.v1.subscriptions.pause(sub.id, {"type": "subscription"})
    shop.advance(60)
    made = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    shop.advance(0)
    over = shop.v1.subscription_schedules.retrieve(made.id)
    assert (over.status, over.completed_at) == ("completed", shop.now)
    assert shop.events("subscription_schedule.completed")[-1].created == shop.now
