"""The lives of subscriptions at the simulated Stripe, seen through the official library."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from bridge.sandbox.stripe import fail_payments
from tests.sandbox.stripe_shop import DAY, HOUR, Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def item(subscription: Any, n: int = 0) -> Any:
    return subscription["items"].data[n]


def lines(invoice: Any) -> list[int]:
    return [line.amount for line in invoice.lines.data]


def types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def test_a_paid_subscription_is_active_and_its_period_stands_on_the_item(shop: Shop) -> None:
    sub = shop.subscribe(metadata={"user": "7"})
    assert sub.status == "active"
    assert item(sub).current_period_start == shop.now
    assert "current_period_end" not in sub
    invoice = shop.last_invoice(sub)
    assert (invoice.status, invoice.total, invoice.amount_remaining) == ("paid", 1000, 0)
    assert invoice.parent.subscription_details.subscription == sub.id
    assert invoice.parent.subscription_details.metadata.to_dict() == {"user": "7"}
    payment = invoice.payments.data[0]
    intent = shop.v1.payment_intents.retrieve(payment.payment.payment_intent)
    assert (payment.status, intent.status, intent.amount_received) == ("paid", "succeeded", 1000)
    line = invoice.lines.data[0]
    assert line.pricing.price_details.price == item(sub).price.id
    assert line.parent.subscription_item_details.subscription_item == item(sub).id


def test_the_events_of_a_new_subscription_come_in_stripes_order(shop: Shop) -> None:
    customer, price = shop.customer(), shop.price()
    before = len(shop.events())
    shop.subscribe(price, customer)
    assert types(shop.events())[before:] == [
        "invoice.created",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.created",
    ]


def test_a_renewal_is_invoiced_at_its_time_and_paid_an_hour_later(shop: Shop) -> None:
    sub = shop.subscribe()
    end = item(sub).current_period_end
    shop.advance(31)
    renewed = shop.read(sub)
    assert item(renewed).current_period_start == end
    invoice = shop.last_invoice(sub)
    assert (invoice.billing_reason, invoice.created) == ("subscription_cycle", end)
    assert invoice.status_transitions.paid_at == end + HOUR
    updated = shop.events("customer.subscription.updated")[-1]
    assert updated.created == end
    before = updated.data.previous_attributes
    assert before["items"].data[0].current_period_end == end
    assert before["latest_invoice"] == sub.latest_invoice


def test_months_are_counted_from_the_anchor_so_the_31st_comes_back(shop: Shop) -> None:
    shop.advance(40)
    assert datetime.fromtimestamp(shop.now, UTC).day == 31
    sub = shop.subscribe()
    days = []
    for _ in range(3):
        end = item(shop.read(sub)).current_period_end
        days.append(datetime.fromtimestamp(end, UTC).day)
        shop.advance(31)
    assert days == [30, 31, 31]


def test_a_trial_costs_nothing_tells_three_days_ahead_and_turns_into_payment(shop: Shop) -> None:
    sub = shop.subscribe(trial_period_days=14)
    assert (sub.status, sub.trial_end - sub.trial_start) == ("trialing", 14 * DAY)
    assert (shop.last_invoice(sub).total, shop.last_invoice(sub).status) == (0, "paid")
    shop.advance(11.5)
    told = shop.events("customer.subscription.trial_will_end")
    assert [event.created for event in told] == [sub.trial_end - 3 * DAY]
    shop.advance(3)
    assert shop.read(sub).status == "active"
    assert shop.last_invoice(sub).total == 1000
    assert item(shop.read(sub)).current_period_start == sub.trial_end


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("create_invoice", "past_due"), ("cancel", "canceled"), ("pause", "paused")],
)
def test_a_trial_without_a_card_ends_as_its_settings_say(
    shop: Shop, wanted: str, status: str
) -> None:
    sub = shop.subscribe(
        customer=shop.customer(card=None),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": wanted}},
    )
    shop.advance(8)
    assert shop.read(sub).status == status


def test_a_declined_first_payment_leaves_it_incomplete_and_23_hours_later_expired(
    shop: Shop,
) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_chargeCustomerFail"))
    assert sub.status == "incomplete"
    assert shop.last_invoice(sub).attempt_count == 1
    shop.advance(22 / 24)
    assert shop.read(sub).status == "incomplete"
    shop.advance(2 / 24)
    assert shop.read(sub).status == "incomplete_expired"
    assert shop.last_invoice(sub).status == "void"


def test_error_if_incomplete_refuses_and_makes_nothing(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as refused:
        shop.subscribe(customer=customer, payment_behavior="error_if_incomplete")
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    found = shop.v1.subscriptions.list({"customer": customer, "status": "all"})
    assert found.data == []


def test_default_incomplete_waits_until_its_payment_intent_is_confirmed(shop: Shop) -> None:
    sub = shop.subscribe(
        payment_behavior="default_incomplete", expand=["latest_invoice.confirmation_secret"]
    )
    assert sub.status == "incomplete"
    secret = sub.latest_invoice.confirmation_secret.client_secret
    intent = secret.partition("_secret")[0]
    shop.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert shop.read(sub).status == "active"
    assert shop.events("customer.subscription.updated")[-1].data.previous_attributes.status == (
        "incomplete"
    )


def test_a_payment_that_needs_authentication_waits_for_the_customer(shop: Shop) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_authenticationRequired"))
    assert sub.status == "incomplete"
    assert len(shop.events("invoice.payment_action_required")) == 1


@pytest.mark.parametrize(
    ("end", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
def test_failed_renewals_are_tried_again_and_end_as_the_account_says(
    shop: Shop, end: str, status: str
) -> None:
    shop.account.settings.dunning_end = end
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    due = item(sub).current_period_end + HOUR
    fail_payments(shop.world, customer, 10)
    shop.advance(31)
    assert shop.read(sub).status == "past_due"
    shop.advance(16)
    tries = [e.created - due for e in shop.events("invoice.payment_failed")]
    assert tries == [0, 3 * DAY, 8 * DAY, 15 * DAY]
    assert shop.read(sub).status == status
    if status == "canceled":
        assert shop.read(sub).cancellation_details.reason == "payment_failed"


def test_paying_the_latest_invoice_restores_a_past_due_or_unpaid_subscription(shop: Shop) -> None:
    shop.account.settings.dunning_end = "unpaid"
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    fail_payments(shop.world, customer, 4)
    shop.advance(50)
    assert shop.read(sub).status == "unpaid"
    shop.v1.invoices.pay(shop.read(sub).latest_invoice)
    assert shop.read(sub).status == "active"


def test_an_unpaid_subscription_goes_on_making_drafts(shop: Shop) -> None:
    shop.account.settings.dunning_end = "unpaid"
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    fail_payments(shop.world, customer, 4)
    shop.advance(65)
    assert shop.last_invoice(sub).status == "draft"


def test_an_upgrade_invoiced_at_once_credits_the_rest_and_charges_the_rest(shop: Shop) -> None:
    sub = shop.subscribe()
    shop.advance(15)
    more = shop.price(3000)
    changed = shop.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": item(sub).id, "price": more}], "proration_behavior": "always_invoice"},
    )
    invoice = shop.v1.invoices.retrieve(changed.latest_invoice)
    assert lines(invoice) == [-500, 1500]
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    before = shop.events("customer.subscription.updated")[-1].data.previous_attributes
    assert before["items"].data[0].price.id == item(sub).price.id


def test_a_downgrade_credits_on_the_next_invoice_by_default(shop: Shop) -> None:
    sub = shop.subscribe(shop.price(3000))
    shop.advance(15)
    less = shop.price(1000)
    shop.v1.subscriptions.update(sub.id, {"items": [{"id": item(sub).id, "price": less}]})
    assert shop.read(sub).latest_invoice == sub.latest_invoice
    shop.advance(16)
    invoice = shop.last_invoice(sub)
    assert sorted(lines(invoice)) == [-1500, 500, 1000]
    assert (invoice.total, invoice.amount_due) == (0, 0)


def test_a_credit_that_is_larger_than_the_invoice_stays_on_the_customers_balance(
    shop: Shop,
) -> None:
    sub = shop.subscribe(shop.price(9000))
    less = shop.price(1000)
    shop.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": item(sub).id, "price": less}], "proration_behavior": "always_invoice"},
    )
    invoice = shop.last_invoice(sub)
    assert (invoice.total, invoice.amount_due, invoice.ending_balance) == (-8000, 0, -8000)
    assert shop.v1.customers.retrieve(sub.customer).balance == -8000
    shop.advance(32)
    renewal = shop.last_invoice(sub)
    assert (renewal.total, renewal.amount_due, renewal.ending_balance) == (1000, 0, -7000)


def test_no_proration_changes_only_the_price_of_the_next_renewal(shop: Shop) -> None:
    sub = shop.subscribe()
    more = shop.price(3000)
    shop.v1.subscriptions.update(
        sub.id, {"items": [{"id": item(sub).id, "price": more}], "proration_behavior": "none"}
    )
    shop.advance(32)
    assert lines(shop.last_invoice(sub)) == [3000]


def test_another_interval_starts_a_new_period_and_bills_it_at_once(shop: Shop) -> None:
    sub = shop.subscribe()
    shop.advance(15)
    yearly = shop.price(10000, "year")
    shop.v1.subscriptions.update(sub.id, {"items": [{"id": item(sub).id, "price": yearly}]})
    now = shop.read(sub)
    assert item(now).current_period_start == shop.now
    assert item(now).current_period_end - shop.now == 365 * DAY
    assert sorted(lines(shop.last_invoice(sub))) == [-500, 10000]


def test_items_are_added_and_removed_with_their_share_of_the_period(shop: Shop) -> None:
    sub = shop.subscribe()
    shop.advance(15)
    extra = shop.price(2000)
    shop.v1.subscriptions.update(
        sub.id, {"items": [{"price": extra}], "proration_behavior": "always_invoice"}
    )
    assert lines(shop.last_invoice(sub)) == [1000]
    both = shop.read(sub)
    assert item(both, 0).current_period_end == item(both, 1).current_period_end
    shop.v1.subscriptions.update(sub.id, {"items": [{"id": item(both).id, "deleted": True}]})
    listed = shop.v1.subscription_items.list({"subscription": sub.id})
    assert [i.price.id for i in listed.data] == [extra]


def test_cancelling_at_period_end_is_seen_undone_and_done(shop: Shop) -> None:
    sub = shop.subscribe()
    end = item(sub).current_period_end
    asked = shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    assert (asked.status, asked.cancel_at_period_end, asked.cancel_at) == ("active", True, end)
    kept = shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    shop.advance(32)
    gone = shop.read(sub)
    assert (gone.status, gone.ended_at) == ("canceled", end)
    assert shop.events("customer.subscription.deleted")[-1].created == end
    assert gone.latest_invoice == sub.latest_invoice


def test_cancel_at_a_time_ends_then_even_within_a_period(shop: Shop) -> None:
    sub = shop.subscribe(cancel_at=shop.now + 10 * DAY)
    shop.advance(11)
    assert shop.read(sub).ended_at == sub.created + 10 * DAY


def test_cancelling_now_ends_at_once_and_a_second_time_is_refused(shop: Shop) -> None:
    sub = shop.subscribe()
    assert shop.v1.subscriptions.cancel(sub.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.cancel(sub.id)
    assert refused.value.http_status == 404
    assert shop.v1.subscriptions.list({"customer": sub.customer}).data == []
    assert len(shop.v1.subscriptions.list({"customer": sub.customer, "status": "all"}).data) == 1


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")],
)
def test_paused_collection_keeps_the_status_and_treats_invoices_as_told(
    shop: Shop, behaviour: str, status: str
) -> None:
    sub = shop.subscribe()
    shop.v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": behaviour}})
    shop.advance(32)
    assert shop.read(sub).status == "active"
    assert shop.last_invoice(sub).status == status
    resumed = shop.v1.subscriptions.update(sub.id, {"pause_collection": ""})
    assert resumed.pause_collection is None


def test_deleting_a_customer_ends_the_subscriptions_and_leaves_a_stub(shop: Shop) -> None:
    sub = shop.subscribe()
    shop.v1.customers.delete(sub.customer)
    assert shop.read(sub).status == "canceled"
    assert shop.v1.customers.retrieve(sub.customer).deleted is True


def test_send_invoice_is_active_until_its_due_date_passes(shop: Shop) -> None:
    sub = shop.subscribe(
        customer=shop.customer(card=None), collection_method="send_invoice", days_until_due=10
    )
    assert sub.status == "active"
    shop.advance(1)
    assert shop.last_invoice(sub).status == "open"
    shop.advance(10)
    assert shop.read(sub).status == "past_due"
    shop.v1.invoices.pay(shop.read(sub).latest_invoice, {"paid_out_of_band": True})
    assert shop.read(sub).status == "active"


def test_discounts_and_taxes_stand_on_the_invoice_and_add_up(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 25, "duration": "once"})
    rate = shop.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    sub = shop.subscribe(discounts=[{"coupon": coupon.id}], default_tax_rates=[rate.id])
    invoice = shop.last_invoice(sub)
    assert (invoice.subtotal, invoice.total, invoice.total_excluding_tax) == (1000, 893, 750)
    assert invoice.total_discount_amounts[0].amount == 250
    assert invoice.total_taxes[0].amount == 143
    shop.advance(32)
    assert shop.last_invoice(sub).total == 1190


def test_a_bank_debit_is_processing_for_days_and_the_subscription_waits(shop: Shop) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_sepa_debit"))
    assert sub.status == "incomplete"
    shop.advance(2)
    assert shop.read(sub).status == "incomplete"
    shop.advance(2)
    assert shop.read(sub).status == "active"


def test_a_pending_update_waits_for_its_payment(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    more = shop.price(3000)
    fail_payments(shop.world, customer, 1)
    changed = shop.v1.subscriptions.update(
        sub.id,
        {
            "items": [{"id": item(sub).id, "price": more}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "pending_if_incomplete",
        },
    )
    assert item(changed).price.id == item(sub).price.id
    assert changed.pending_update.subscription_items[0].price.id == more
    shop.v1.invoices.pay(changed.latest_invoice)
    applied = shop.read(sub)
    assert (item(applied).price.id, applied.pending_update) == (more, None)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"day_of_month": 31}, "2026-09-30T14:13:20"),
        ({"day_of_month": 1, "hour": 0, "minute": 0, "second": 0}, "2026-10-01T00:00:00"),
        ({"day_of_month": 21, "hour": 9}, "2026-10-21T09:13:20"),
        ({"day_of_month": 30, "month": 2}, "2027-02-28T14:13:20"),
    ],
)
def test_periods_are_anchored_at_the_day_that_was_asked_for(
    shop: Shop, config: dict[str, int], wanted: str
) -> None:
    sub = shop.subscribe(shop.price(interval="year"), billing_cycle_anchor_config=config)
    at = datetime.fromtimestamp(sub.billing_cycle_anchor, UTC)
    assert at.replace(tzinfo=None).isoformat() == wanted
    assert sub.billing_cycle_anchor_config.day_of_month == config["day_of_month"]
    assert sub["items"].data[0].current_period_end == sub.billing_cycle_anchor
