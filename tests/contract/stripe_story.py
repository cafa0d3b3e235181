"""A story that calls every operation of the simulated Stripe, in parts that do not need each other.

Each part takes a fresh shop's `v1` through one family; the answers stand in the shop's journal.
"""

from __future__ import annotations

from typing import Any

import requests
import stripe

from bridge.sandbox.stripe import fail_payments
from tests.sandbox.stripe_shop import DAY, Shop

MONTH = {"interval": "month", "interval_count": 1}


def tell(shop: Shop) -> None:
    """All parts, one after the other."""
    for part in PARTS:
        part(shop)


def catalogue(shop: Shop) -> None:
    v1 = shop.v1
    product = v1.products.create({"name": "Gold", "metadata": {"groups": "gold"}})
    v1.products.update(product.id, {"description": "All of it"})
    v1.products.retrieve(product.id)
    v1.products.list({"active": True})
    v1.products.search({"query": 'name~"gold"'})
    v1.products.delete(v1.products.create({"name": "Mistake"}).id)
    price = shop.price(product=product.id, lookup_key="gold")
    v1.prices.update(price, {"nickname": "monthly"})
    v1.prices.retrieve(price, {"expand": ["product"]})
    v1.prices.list({"lookup_keys": ["gold"], "expand": ["data.product"]})
    v1.prices.search({"query": f'product:"{product.id}"'})
    plan = v1.plans.create(
        {"amount": 500, "currency": "eur", "interval": "month", "product": product.id}
    )
    v1.plans.retrieve(plan.id, {"expand": ["product"]})
    v1.plans.update(plan.id, {"nickname": "old"})
    v1.plans.delete(plan.id)
    feature = v1.entitlements.features.create({"name": "Forum", "lookup_key": "forum"})
    v1.entitlements.features.update(feature.id, {"name": "The forum"})
    v1.entitlements.features.retrieve(feature.id)
    v1.entitlements.features.list()
    made = v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    v1.products.features.list(product.id)
    v1.products.features.retrieve(product.id, made.id)
    sub = shop.subscribe(price)
    active = v1.entitlements.active_entitlements.list(
        {"customer": sub.customer, "expand": ["data.feature"]}
    )
    v1.entitlements.active_entitlements.retrieve(active.data[0].id)
    v1.products.features.delete(product.id, made.id)


def reductions(shop: Shop) -> None:
    v1 = shop.v1
    coupon = v1.coupons.create({"percent_off": 10, "duration": "forever"})
    v1.coupons.create({"amount_off": 300, "currency": "eur", "duration": "once", "name": "3 off"})
    v1.coupons.update(coupon.id, {"name": "Friends"})
    v1.coupons.retrieve(coupon.id, {"expand": ["applies_to"]})
    v1.coupons.list()
    code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    v1.promotion_codes.update(code.id, {"metadata": {"from": "fair"}})
    v1.promotion_codes.retrieve(code.id, {"expand": ["promotion.coupon"]})
    v1.promotion_codes.list({"active": True})
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    v1.tax_rates.update(rate.id, {"description": "standard"})
    v1.tax_rates.retrieve(rate.id)
    v1.tax_rates.list()
    customer = shop.customer()
    legacy(shop, "POST", f"customers/{customer}", coupon=coupon.id)
    sub = shop.subscribe(
        None, customer, discounts=[{"promotion_code": code.id}], default_tax_rates=[rate.id]
    )
    v1.subscriptions.retrieve(
        sub.id, {"expand": ["discounts", "discounts.source.coupon", "latest_invoice.discounts"]}
    )
    v1.invoices.retrieve(sub.latest_invoice, {"expand": ["total_discount_amounts.discount"]})
    v1.subscriptions.delete_discount(sub.id)
    v1.customers.delete_discount(customer)
    v1.coupons.delete(coupon.id)


def people(shop: Shop) -> None:
    v1 = shop.v1
    customer = shop.customer(address={"country": "DE"}, name="Ann")
    v1.customers.update(customer, {"metadata": {"discourse_user_id": "7"}})
    v1.customers.retrieve(customer, {"expand": ["subscriptions", "sources", "tax_ids"]})
    v1.customers.list({"email": "ann@example.com"})
    v1.customers.search({"query": 'email:"ann@example.com"'})
    tax_id = v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    v1.customers.tax_ids.list(customer)
    v1.customers.tax_ids.retrieve(customer, tax_id.id)
    v1.customers.tax_ids.delete(customer, tax_id.id)
    moved = v1.customers.balance_transactions.create(customer, {"amount": -50, "currency": "eur"})
    v1.customers.balance_transactions.list(customer)
    v1.customers.balance_transactions.retrieve(customer, moved.id)
    method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    v1.payment_methods.create(
        {
            "type": "sepa_debit",
            "sepa_debit": {"iban": "DE89370400440532013000"},
            "billing_details": {"name": "Ann", "email": "ann@example.com"},
        }
    )
    v1.payment_methods.create({"type": "us_bank_account", "us_bank_account": {}})
    v1.payment_methods.attach(method.id, {"customer": customer})
    v1.payment_methods.update(method.id, {"allow_redisplay": "always"})
    v1.payment_methods.retrieve(method.id)
    v1.payment_methods.list({"customer": customer})
    v1.customers.payment_methods.list(customer, {"type": "card"})
    v1.customers.payment_methods.retrieve(customer, method.id)
    v1.payment_methods.detach(method.id)
    v1.customers.delete(customer)
    v1.customers.retrieve(customer)
    legacy(shop, "POST", f"customers/{(other := shop.customer(None))}/sources", source="tok_visa")
    card = v1.customers.retrieve(other).default_source
    legacy(shop, "POST", f"customers/{other}/sources/{card}", **{"metadata[a]": "b"})


def transfers(shop: Shop) -> None:
    v1 = shop.v1
    customer = shop.customer(None)
    asked = {"amount": 2000, "currency": "eur", "customer": customer, "confirm": True}
    data = {"payment_method_data": {"type": "customer_balance"}}
    intent = v1.payment_intents.create({**asked, **data})
    for amount in (500, 2500):
        v1.test_helpers.customers.fund_cash_balance(customer, {"amount": amount, "currency": "eur"})
        v1.payment_intents.retrieve(intent.id)
    v1.customers.cash_balance.retrieve(customer)
    last = v1.customers.cash_balance_transactions.list(customer).data[0]
    v1.customers.cash_balance_transactions.retrieve(customer, last.id)
    v1.customers.retrieve(customer, {"expand": ["cash_balance"]})


def legacy(shop: Shop, method: str, path: str, **form: str) -> Any:
    """A request without a version, as the official command line tool makes it."""
    answer = requests.request(
        method,
        f"{shop.server.url}/v1/{path}",
        data=form,
        headers={"Authorization": "Bearer sk_test_x"},
        timeout=10,
    )
    return answer.json()


def subscriptions(shop: Shop) -> None:
    v1 = shop.v1
    low, high = shop.price(), shop.price(3000)
    sub = shop.subscribe(low, metadata={"discourse_user_id": "7"})
    v1.subscriptions.update(sub.id, {"items": [{"id": sub["items"].data[0].id, "price": high}]})
    v1.subscriptions.list({"price": high, "expand": ["data.customer", "data.items.data.price"]})
    v1.subscriptions.search({"query": 'status:"active"'})
    v1.subscriptions.retrieve(
        sub.id,
        {
            "expand": [
                "customer.invoice_settings.default_payment_method",
                "items.data.price.product",
                "latest_invoice.payments.data.payment",
                "latest_invoice.confirmation_secret",
            ]
        },
    )
    item = v1.subscription_items.create({"subscription": sub.id, "price": low})
    v1.subscription_items.update(item.id, {"quantity": 3})
    v1.subscription_items.retrieve(item.id)
    v1.subscription_items.list({"subscription": sub.id})
    v1.subscription_items.delete(item.id)
    v1.invoices.create_preview({"subscription": sub.id, "expand": ["subscription"]})
    v1.subscriptions.pause(sub.id, {"type": "subscription"})
    v1.subscriptions.resume(sub.id)
    waiting = shop.subscribe(customer=shop.customer("pm_card_authenticationRequired"))
    v1.subscriptions.retrieve(waiting.id, {"expand": ["latest_invoice.payments"]})
    shop.subscribe(customer=shop.customer(None), trial_period_days=5)
    shop.subscribe(
        customer=shop.customer(None),
        payment_behavior="default_incomplete",
        trial_period_days=9,
        expand=["pending_setup_intent"],
    )
    fail_payments(shop.world, sub.customer, 1)
    v1.subscriptions.update(
        sub.id,
        {
            "items": [{"id": shop.read(sub)["items"].data[0].id, "quantity": 2}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "pending_if_incomplete",
        },
    )
    shop.subscribe(collection_method="send_invoice", days_until_due=3, cancel_at=shop.now + DAY)
    shop.advance(40)
    v1.subscriptions.cancel(sub.id, {"prorate": True, "invoice_now": True})


def schedules(shop: Shop) -> None:
    v1 = shop.v1
    phases = [{"items": [{"price": shop.price(n)}], "duration": MONTH} for n in (1000, 3000)]

    def made(**more: Any) -> Any:
        asked = {"customer": shop.customer(), "start_date": "now", "phases": phases, **more}
        return v1.subscription_schedules.create(asked)

    one, two = made(), made(start_date=shop.now + 3 * DAY)
    v1.subscription_schedules.update(one.id, {"metadata": {"a": "b"}})
    v1.subscription_schedules.retrieve(
        one.id, {"expand": ["subscription", "customer", "phases.items.price"]}
    )
    v1.subscription_schedules.list({"customer": one.customer})
    v1.subscription_schedules.create({"from_subscription": shop.subscribe().id})
    shop.advance(33)
    v1.subscription_schedules.release(one.id)
    v1.subscription_schedules.cancel(two.id)


def invoices(shop: Shop) -> None:
    v1 = shop.v1
    customer = shop.customer()

    def bill(amount: int = 700) -> Any:
        made = v1.invoices.create({"customer": customer, "currency": "eur"})
        v1.invoice_items.create({"customer": customer, "invoice": made.id, "amount": amount})
        return made.id

    item = v1.invoice_items.create({"customer": customer, "amount": 700, "currency": "eur"})
    v1.invoice_items.update(item.id, {"description": "A key"})
    v1.invoice_items.retrieve(item.id, {"expand": ["customer"]})
    v1.invoice_items.list({"customer": customer})
    v1.invoice_items.delete(item.id)
    v1.invoices.delete(bill())
    paid, void, lost = bill(), bill(), bill()
    v1.invoices.update(paid, {"description": "A key", "metadata": {"a": "b"}})
    for each in (paid, void, lost):
        v1.invoices.finalize_invoice(each)
    v1.invoices.pay(paid)
    v1.invoices.send_invoice(void)
    v1.invoices.void_invoice(void)
    v1.invoices.mark_uncollectible(lost)
    v1.invoices.pay(lost, {"paid_out_of_band": True})
    v1.invoices.retrieve(lost, {"expand": ["payments"]})
    v1.invoices.retrieve(paid, {"expand": ["payments.data.payment.payment_intent", "customer"]})
    v1.invoices.line_items.list(paid)
    v1.invoices.list({"customer": customer, "expand": ["data.payments"]})
    v1.invoices.search({"query": 'status:"paid"'})
    credit_notes(shop, paid, bill())


def credit_notes(shop: Shop, paid: str, open_: str) -> None:
    v1 = shop.v1
    payment = v1.invoice_payments.list({"invoice": paid}).data[0]
    v1.invoice_payments.retrieve(payment.id, {"expand": ["payment.payment_intent", "invoice"]})
    v1.invoices.finalize_invoice(open_)
    note = v1.credit_notes.create({"invoice": open_, "amount": 100})
    v1.credit_notes.create({"invoice": paid, "amount": 200, "refund_amount": 200})
    v1.credit_notes.update(note.id, {"memo": "Sorry"})
    v1.credit_notes.retrieve(note.id, {"expand": ["invoice", "customer"]})
    v1.credit_notes.list({"invoice": paid, "expand": ["data.refunds.refund"]})
    v1.credit_notes.line_items.list(note.id)
    v1.credit_notes.void_credit_note(note.id)


def payments(shop: Shop) -> None:
    v1 = shop.v1
    amount = {"amount": 2000, "currency": "eur"}
    intent = v1.payment_intents.create({**amount, "metadata": {"a": "b"}})
    v1.payment_intents.update(intent.id, {"description": "A key"})
    v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    v1.payment_intents.retrieve(
        intent.id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    )
    v1.payment_intents.list({"limit": 3})
    v1.payment_intents.search({"query": "amount>1000"})
    v1.payment_intents.cancel(v1.payment_intents.create(amount).id)
    held = {**amount, "capture_method": "manual", "payment_method": "pm_card_visa", "confirm": True}
    v1.payment_intents.capture(v1.payment_intents.create(held).id)
    v1.payment_intents.create({**held, "payment_method": "pm_card_authenticationRequired"})
    v1.payment_intents.create({**amount, "payment_method": "pm_sepa_debit", "confirm": True})


def charges(shop: Shop) -> None:
    v1 = shop.v1
    amount = {"amount": 2000, "currency": "eur"}
    charge = v1.charges.create({**amount, "source": "tok_visa", "capture": False})
    v1.charges.update(charge.id, {"description": "A key"})
    v1.charges.capture(charge.id)
    v1.charges.list({"limit": 3, "expand": ["data.balance_transaction"]})
    v1.charges.search({"query": "amount>1000"})
    refund = v1.refunds.create({"charge": charge.id, "amount": 5})
    v1.refunds.update(refund.id, {"metadata": {"a": "b"}})
    v1.refunds.retrieve(refund.id, {"expand": ["charge", "balance_transaction"]})
    v1.refunds.list({"charge": charge.id})
    v1.charges.retrieve(charge.id, {"expand": ["refunds", "customer"]})
    for behaviour in ("refundFail", "pendingRefund"):
        other = v1.charges.create({**amount, "source": f"tok_{behaviour}"})
        last = v1.refunds.create({"charge": other.id})
    v1.refunds.cancel(last.id)
    for behaviour in ("createDispute", "createDisputeInquiry", "createDispute"):
        v1.charges.create({**amount, "source": f"tok_{behaviour}"})
    lost, inquiry, won = v1.disputes.list({"expand": ["data.charge"]}).data
    v1.disputes.update(inquiry.id, {"evidence": {"product_description": "A key"}})
    v1.disputes.update(won.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    v1.disputes.close(lost.id)
    v1.disputes.retrieve(won.id, {"expand": ["payment_intent"]})


def moving_money(shop: Shop) -> None:
    v1 = shop.v1
    shop.subscribe()
    setup = v1.setup_intents.create({"customer": shop.customer(None)})
    v1.setup_intents.update(setup.id, {"metadata": {"a": "b"}})
    v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    v1.setup_intents.retrieve(setup.id, {"expand": ["payment_method", "customer"]})
    v1.setup_intents.list()
    v1.setup_intents.cancel(v1.setup_intents.create().id)
    shop.advance(5)
    v1.balance.retrieve()
    booked = v1.balance_transactions.list({"expand": ["data.source"]}).data[0]
    v1.balance_transactions.retrieve(booked.id)
    payout = v1.payouts.create({"amount": 100, "currency": "eur"})
    v1.payouts.update(payout.id, {"metadata": {"a": "b"}})
    shop.advance(2)
    v1.payouts.retrieve(payout.id, {"expand": ["balance_transaction"]})
    v1.payouts.list()


def checkout(shop: Shop) -> None:
    v1 = shop.v1
    items = [{"price": shop.price(), "quantity": 1}]
    once = [{"price": shop.price(2500, None), "quantity": 1}]
    back = {"success_url": "http://localhost/back"}
    session = v1.checkout.sessions.create(
        {"mode": "subscription", "line_items": items, "client_reference_id": "7", **back}
    )
    v1.checkout.sessions.update(session.id, {"metadata": {"a": "b"}})
    v1.checkout.sessions.line_items.list(session.id)
    requests.post(session.url, {"email": "a@example.com"}, timeout=10, allow_redirects=False)
    v1.checkout.sessions.retrieve(
        session.id, {"expand": ["subscription", "invoice", "line_items.data.price.product"]}
    )
    for mode in ("payment", "setup"):
        asked: dict[str, Any] = {"mode": mode, "currency": "eur", **back}
        if mode == "payment":
            asked = {**asked, "line_items": once, "invoice_creation": {"enabled": True}}
        made = v1.checkout.sessions.create({**asked, "customer": shop.customer(None)})
        requests.post(made.url, {"token": "pm_card_visa"}, timeout=10, allow_redirects=False)
        v1.checkout.sessions.retrieve(
            made.id, {"expand": ["payment_intent", "setup_intent", "customer", "invoice"]}
        )
    gone = v1.checkout.sessions.create({"mode": "payment", "line_items": once, **back})
    v1.checkout.sessions.expire(gone.id)
    v1.checkout.sessions.list({"status": "complete"})
    old = v1.checkout.sessions.create({"mode": "payment", "line_items": once, **back})
    legacy(shop, "GET", f"payment_pages/{old.id}")
    card = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    legacy(shop, "POST", f"payment_pages/{old.id}/confirm", payment_method=card.id)


def links(shop: Shop) -> None:
    v1 = shop.v1
    link = v1.payment_links.create({"line_items": [{"price": shop.price(), "quantity": 1}]})
    v1.payment_links.update(link.id, {"metadata": {"a": "b"}})
    v1.payment_links.retrieve(link.id, {"expand": ["line_items"]})
    v1.payment_links.line_items.list(link.id)
    v1.payment_links.list()
    made = v1.billing_portal.configurations.create(
        {"features": {"subscription_cancel": {"enabled": True}}}
    )
    v1.billing_portal.configurations.update(made.id, {"name": "Members"})
    v1.billing_portal.configurations.retrieve(made.id)
    v1.billing_portal.configurations.list({"active": True})
    sub = shop.subscribe()
    asked: dict[str, Any] = {"customer": sub.customer, "expand": ["configuration"]}
    v1.billing_portal.sessions.create(asked)
    for kind in ("payment_method_update", "customer_update"):
        v1.billing_portal.sessions.create({**asked, "flow_data": {"type": kind}})
    confirm = {"items": [{"id": sub["items"].data[0].id, "quantity": 2}]}
    for kind, more in (
        ("subscription_cancel", {}),
        ("subscription_update", {}),
        ("subscription_update_confirm", confirm),
    ):
        flow = {"type": kind, kind: {"subscription": sub.id, **more}}
        v1.billing_portal.sessions.create({**asked, "flow_data": flow})


def machinery(shop: Shop) -> None:
    v1, v2 = shop.v1, shop.client.v2
    clock = v1.test_helpers.test_clocks.create({"frozen_time": shop.now})
    shop.subscribe(customer=shop.customer(test_clock=clock.id))
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": shop.now + 40 * DAY})
    v1.test_helpers.test_clocks.retrieve(clock.id)
    v1.test_helpers.test_clocks.list()
    v1.test_helpers.test_clocks.delete(clock.id)
    made = v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:1/", "enabled_events": ["charge.failed"]}
    )
    v1.webhook_endpoints.update(made.id, {"description": "The bridge"})
    v1.webhook_endpoints.retrieve(made.id)
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(made.id)
    destination = v2.core.event_destinations.create(
        {
            "name": "Thin",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.product.created"],
            "webhook_endpoint": {"url": "http://127.0.0.1:1/"},
            "include": ["webhook_endpoint.signing_secret"],
        }
    )
    v2.core.event_destinations.retrieve(destination.id)
    v2.core.event_destinations.list()
    v2.core.event_destinations.delete(destination.id)
    event = v1.events.list({"limit": 1}).data[0]
    v1.events.retrieve(event.id)
    v2.core.events.retrieve(event.id)
    list(v1.events.list({"limit": 100}).auto_paging_iter())


def refused(call: Any, *args: Any) -> stripe.StripeError:
    """The error that a call ends with."""
    try:
        call(*args)
    except stripe.StripeError as error:
        return error
    raise AssertionError("the call was accepted")


PARTS = (
    catalogue,
    reductions,
    people,
    transfers,
    subscriptions,
    schedules,
    invoices,
    payments,
    charges,
    moving_money,
    checkout,
    links,
    machinery,
)
