"""Payments that take their time at the simulated Stripe: bank debits, and changes that wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from bridge.sandbox.stripe import fail_payments, restrict
from tests.sandbox.stripe_shop import DAY, Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def debit(shop: Shop, iban: str) -> Any:
    """A subscription that is paid by bank debit."""
    method = shop.v1.payment_methods.create(
        {
            "type": "sepa_debit",
            "sepa_debit": {"iban": iban},
            "billing_details": {"name": "Ann", "email": "ann@example.com"},
        }
    )
    customer = shop.customer(card=None)
    shop.v1.payment_methods.attach(method.id, {"customer": customer})
    return shop.subscribe(None, customer, default_payment_method=method.id)


@pytest.mark.parametrize(
    ("iban", "charge", "subscription"),
    [
        ("DE89370400440532013000", "succeeded", "active"),
        ("DE62370400440532013001", "failed", "incomplete"),
        ("AT861904300235473202", "failed", "incomplete"),
    ],
)
def test_a_debits_charge_is_pending_for_days_and_ends_as_its_account_number_says(
    shop: Shop, iban: str, charge: str, subscription: str
) -> None:
    sub = debit(shop, iban)
    pending = shop.v1.charges.list({"customer": sub.customer}).data[0]
    assert (sub.status, pending.status) == ("incomplete", "pending")
    shop.advance(4)
    charges = shop.v1.charges.list({"customer": sub.customer}).data
    assert [(c.id, c.status) for c in charges] == [(pending.id, charge)]
    assert shop.read(sub).status == subscription


def test_a_debit_that_its_bank_takes_back_is_a_dispute_that_is_lost_at_once(shop: Shop) -> None:
    sub = debit(shop, "DE35370400440532013002")
    shop.advance(4)
    dispute = shop.v1.disputes.list().data[0]
    assert (dispute.status, dispute.payment_method_details) == ("lost", None)
    assert shop.v1.charges.retrieve(dispute.charge).disputed is True
    assert shop.read(sub).status == "active"


def switch(shop: Shop, sub: Any, price: str, **more: Any) -> Any:
    return shop.v1.subscriptions.update(
        sub.id,
        {
            "items": [{"id": sub["items"].data[0].id, "price": price}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "pending_if_incomplete",
            **more,
        },
    )


def test_another_interval_waits_for_its_payment_with_all_that_belongs_to_it(shop: Shop) -> None:
    sub, yearly = shop.subscribe(), shop.price(9000, "year")
    shop.advance(10)
    fail_payments(shop.world, sub.customer, 1)
    changed = switch(shop, sub, yearly)
    assert (changed.status, changed.billing_cycle_anchor) == ("active", sub.billing_cycle_anchor)
    assert changed.pending_update.billing_cycle_anchor == shop.now
    shop.v1.invoices.pay(changed.latest_invoice)
    applied = shop.read(sub)
    assert applied.billing_cycle_anchor == changed.pending_update.billing_cycle_anchor
    assert applied["items"].data[0].current_period_end == shop.now + 365 * DAY
    shop.advance(366)
    assert shop.last_invoice(sub).total == 9000


def test_a_change_that_was_never_paid_is_forgotten_after_a_day(shop: Shop) -> None:
    sub = shop.subscribe()
    fail_payments(shop.world, sub.customer, 1)
    switch(shop, sub, shop.price(3000))
    shop.advance(1)
    forgotten = shop.read(sub)
    assert forgotten.pending_update is None
    assert forgotten["items"].data[0].price.unit_amount == 1000
    assert len(shop.events("customer.subscription.pending_update_expired")) == 1


def test_what_cannot_wait_for_a_payment_is_refused_together_with_it(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        switch(shop, shop.subscribe(), shop.price(3000), metadata={"a": "b"})
    assert refused.value.param == "metadata"


def test_a_restricted_key_is_told_which_right_it_lacks(shop: Shop) -> None:
    key = {"api_key": restrict(shop.world, {"customers:read"})}
    assert shop.v1.customers.list({}, key).data == []
    for call, right in (
        (shop.v1.subscriptions.list, "rak_subscription_read"),
        (shop.v1.prices.list, "rak_plan_read"),
    ):
        with pytest.raises(stripe.PermissionError) as refused:
            call({}, key)
        assert f"'{right}'" in str(refused.value)
    with pytest.raises(stripe.PermissionError) as refused:
        shop.v1.customers.create({}, key)
    assert "'rak_customer_write'" in str(refused.value)


def test_an_endpoint_that_asks_for_an_unknown_event_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.webhook_endpoints.create(
            {"url": "http://127.0.0.1:1/", "enabled_events": ["no.such.event"]}
        )
