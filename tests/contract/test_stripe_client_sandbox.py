"""The bridge's client at the simulated Stripe: whole lives of customers, read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from bridge.core.ledger.amounts import add_up
from bridge.errors import Forbidden, RateLimited, Transient
from bridge.sandbox.run import Sandbox, start
from bridge.sandbox.stripe import account_of, advance, checkout_payment, fail_payments, restrict
from bridge.stripe_api.checkout import CheckoutLine, CheckoutLink, CheckoutRequest
from bridge.stripe_api.client import StripeApi

pytestmark = pytest.mark.contract
DAY = 86_400
REFERENCE = "b1-7-signed"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = start()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def api(sandbox: Sandbox) -> StripeApi:
    return StripeApi(sandbox.info["stripe_key"], sandbox.info["stripe_url"])


@pytest.fixture
def dashboard(sandbox: Sandbox) -> Any:
    """Stripe's own library, for what the community does at Stripe itself."""
    client = stripe.StripeClient(
        sandbox.info["stripe_key"], base_addresses={"api": sandbox.info["stripe_url"]}
    )
    return client.v1


@pytest.fixture
def product_id(dashboard: Any) -> str:
    made = dashboard.products.create({"name": "Patron", "metadata": {"discourse_groups": "p"}})
    return str(made.id)


def a_price(dashboard: Any, product_id: str, amount: int, interval: str | None = None) -> str:
    params: dict[str, Any] = {"product": product_id, "currency": "eur", "unit_amount": amount}
    if interval:
        params["recurring"] = {"interval": interval}
    return str(dashboard.prices.create(params).id)


@pytest.fixture
def monthly(dashboard: Any, product_id: str) -> str:
    return a_price(dashboard, product_id, 1000, "month")


@pytest.fixture
def once(dashboard: Any, product_id: str) -> str:
    return a_price(dashboard, product_id, 2500)


def open_checkout(api: StripeApi, price_id: str, customer_id: str | None = None) -> CheckoutLink:
    request = CheckoutRequest(
        lines=(CheckoutLine(api.price(price_id)),),
        user_id=7,
        reference=REFERENCE,
        success_url="http://localhost:1/done",
        cancel_url="http://localhost:1/join",
        customer_id=customer_id,
    )
    return api.create_checkout(request, f"order-{price_id}-{customer_id}")


def pay(sandbox: Sandbox, session_id: str, card: str = "visa") -> None:
    """Press the button on Stripe's page."""
    account = account_of(sandbox.world)
    with sandbox.world.lock:
        session = account.get("checkout.session", session_id)
        assert session is not None
        checkout_payment.complete(account, session, {"token": f"pm_card_{card}"})


def buy(sandbox: Sandbox, api: StripeApi, price_id: str, card: str = "visa") -> str:
    """Buy as a new customer, and name it."""
    made = len(sandbox.world.journal.since())
    customer_id = api.create_customer(7, REFERENCE, f"customer-{made}").id
    pay(sandbox, open_checkout(api, price_id, customer_id).id, card)
    return customer_id


def booked(dashboard: Any) -> int:
    """Income and refunds by Stripe's own books, before fees."""
    return sum(t.amount for t in dashboard.balance_transactions.list().auto_paging_iter())


def by_card(api: StripeApi, customer_id: str) -> int:
    """The same by our lines."""
    return sum(total.net_minor for total in add_up(api.money(customer_id)))


def last_charge(dashboard: Any, customer_id: str) -> str:
    return str(dashboard.charges.list({"customer": customer_id}).data[0].id)


def test_a_checkout_leads_to_a_subscription_with_our_reference(
    sandbox: Sandbox, api: StripeApi, monthly: str
) -> None:
    link = open_checkout(api, monthly)
    assert api.checkout_session(link.id).status == "open"
    pay(sandbox, link.id)
    state = api.checkout_session(link.id)
    assert state.is_paid
    assert state.customer_id is not None
    reading = api.customer_reading(state.customer_id)
    (subscription,) = reading.subscriptions
    assert subscription.status == "active"
    assert subscription.metadata["discourse_user_id"] == "7"
    assert {k: w.text for k, w in reading.references.items()} == {subscription.id: REFERENCE}
    assert [(m.what, m.amount_minor, m.is_first) for m in reading.money] == [("Patron", 1000, True)]
    upcoming = subscription.next_charge
    assert upcoming is not None
    assert (upcoming.amount_minor, upcoming.at) == (1000, subscription.items[0].period_end_at)


def test_the_same_idempotency_key_makes_one_checkout_and_one_customer(
    api: StripeApi, monthly: str
) -> None:
    assert open_checkout(api, monthly) == open_checkout(api, monthly)
    first, second = (api.create_customer(7, REFERENCE, "key").id for _ in range(2))
    assert first == second


def test_a_renewal_adds_its_line_and_one_reading_is_one_request(
    sandbox: Sandbox, api: StripeApi, monthly: str
) -> None:
    customer_id = buy(sandbox, api, monthly)
    advance(sandbox.world, 32 * DAY)
    before = len(sandbox.world.journal.since(server="stripe"))
    (renewal,) = api.customer_reading(customer_id).money
    assert len(sandbox.world.journal.since(server="stripe")) == before + 1
    assert not renewal.is_first
    lines = api.money(customer_id)
    assert [m.amount_minor for m in lines] == [1000, 1000]
    assert lines[1] == renewal


def test_E5_a_failed_renewal_is_past_due_since_it_was_due(
    sandbox: Sandbox, api: StripeApi, monthly: str
) -> None:
    customer_id = buy(sandbox, api, monthly)
    due_at = api.customer_reading(customer_id).subscriptions[0].items[0].period_end_at
    fail_payments(sandbox.world, customer_id, times=3)
    advance(sandbox.world, 35 * DAY)
    (subscription,) = api.customer_reading(customer_id).subscriptions
    assert subscription.status == "past_due"
    assert subscription.past_due_since_at == due_at
    assert [[s.past_due_since_at for s in page] for page in api.all_subscriptions()] == [[due_at]]


def test_E22_a_one_off_order_is_a_purchase_and_one_line_from_either_reading(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, once: str
) -> None:
    customer_id = buy(sandbox, api, once)
    reading = api.purchases(customer_id)
    (purchase,) = reading.purchases
    assert (purchase.price_id, purchase.amount_minor, purchase.payment_minor) == (once, 2500, 2500)
    (word,) = reading.references.values()
    assert (word.text, word.is_typed) == (REFERENCE, False)
    assert [p.id for p in reading.prices] == [once]
    assert reading.money == api.money(customer_id)
    assert [m.id.partition("_")[0] for m in reading.money] == ["in"]
    assert by_card(api, customer_id) == booked(dashboard) == 2500


def test_I6_refunds_and_disputes_tie_to_stripes_books(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, once: str
) -> None:
    customer_id = buy(sandbox, api, once)
    dashboard.refunds.create({"charge": last_charge(dashboard, customer_id), "amount": 700})
    (purchase,) = api.purchases(customer_id).purchases
    assert (purchase.refunded_minor, purchase.disputed) == (700, None)
    assert purchase.refunded_at is not None
    assert by_card(api, customer_id) == booked(dashboard) == 1800
    assert set(api.purchases(customer_id).money) == set(api.money(customer_id))


@pytest.mark.parametrize(
    ("evidence", "state", "kept"), [("winning_evidence", "won", 2500), ("losing", "lost", 0)]
)
def test_E29_E30_a_dispute_is_followed_to_its_end(
    sandbox: Sandbox,
    api: StripeApi,
    dashboard: Any,
    once: str,
    evidence: str,
    state: str,
    kept: int,
) -> None:
    customer_id = buy(sandbox, api, once, card="createDispute")
    (purchase,) = api.purchases(customer_id).purchases
    assert purchase.disputed == "open"
    (dispute,) = dashboard.disputes.list().data
    if state == "won":
        proof = {"evidence": {"uncategorized_text": evidence}, "submit": True}
        dashboard.disputes.update(dispute.id, proof)
    else:
        dashboard.disputes.close(dispute.id)
    reading = api.purchases(customer_id)
    assert [p.disputed for p in reading.purchases] == [state]
    assert set(reading.money) == set(api.money(customer_id))
    assert by_card(api, customer_id) == booked(dashboard) == kept


def test_E30_a_lost_dispute_stands_against_a_subscriptions_last_payment(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, monthly: str
) -> None:
    customer_id = buy(sandbox, api, monthly, card="createDispute")
    (dispute,) = dashboard.disputes.list().data
    dashboard.disputes.close(dispute.id)
    (subscription,) = api.customer_reading(customer_id, payments=True).subscriptions
    assert subscription.last_payment is not None
    assert subscription.last_payment.disputed == "lost"
    assert subscription.last_payment.amount_minor == 1000
    assert subscription.last_payment.period_end_at == subscription.items[0].period_end_at


def test_A29_credit_is_told_from_the_card(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, monthly: str
) -> None:
    customer_id = buy(sandbox, api, monthly)
    dashboard.customers.balance_transactions.create(
        customer_id, {"amount": -400, "currency": "eur"}
    )
    advance(sandbox.world, 32 * DAY)
    (credit,) = [m for m in api.money(customer_id) if m.kind == "credited"]
    assert credit.amount_minor == 400
    renewal = api.money(customer_id)[-1]
    assert (renewal.amount_minor, renewal.from_credit_minor) == (1000, 400)
    assert by_card(api, customer_id) == booked(dashboard) == 1600


def test_E37_a_deleted_customer_leaves_a_tombstone(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, monthly: str
) -> None:
    customer_id = buy(sandbox, api, monthly)
    dashboard.customers.delete(customer_id)
    assert api.customer(customer_id).deleted


def test_E19_a_subscription_of_many_items_is_read_whole(
    api: StripeApi, dashboard: Any, product_id: str
) -> None:
    customer_id = api.create_customer(7, REFERENCE, "many").id
    method = dashboard.payment_methods.attach("pm_card_visa", {"customer": customer_id})
    prices = [a_price(dashboard, product_id, 100 + n, "month") for n in range(12)]
    dashboard.subscriptions.create(
        {
            "customer": customer_id,
            "items": [{"price": price} for price in prices],
            "default_payment_method": method.id,
        }
    )
    (subscription,) = api.customer_reading(customer_id).subscriptions
    assert {item.price_id for item in subscription.items} == set(prices)


def test_the_customer_of_everything_that_an_order_made_is_found(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, monthly: str
) -> None:
    customer_id = buy(sandbox, api, monthly, card="createDispute")
    session = dashboard.checkout.sessions.list({"customer": customer_id}).data[0]
    invoice = dashboard.invoices.list({"customer": customer_id}).data[0]
    payment = dashboard.invoice_payments.list({"invoice": invoice.id}).data[0]
    ids = {
        "checkout.session": session.id,
        "subscription": session.subscription,
        "invoice": invoice.id,
        "invoice_payment": payment.id,
        "payment_intent": payment.payment.payment_intent,
        "charge": last_charge(dashboard, customer_id),
        "dispute": dashboard.disputes.list().data[0].id,
    }
    found = {kind: api.customer_of(kind, object_id) for kind, object_id in ids.items()}
    assert found == dict.fromkeys(ids, customer_id)


def test_F34_all_events_since_one_come_in_their_order(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, monthly: str
) -> None:
    buy(sandbox, api, monthly)
    first = dashboard.events.list({"type": "customer.subscription.created"}).data[0].id
    for _ in range(3):
        advance(sandbox.world, 1)
        buy(sandbox, api, monthly)
    found = [event for batch in api.events_since(first) for event in batch]
    kept = [event.id for event in dashboard.events.list().auto_paging_iter()]
    assert [event["id"] for event in found] == list(reversed(kept[: kept.index(first)]))
    only = api.events_since(first, ["customer.subscription.created"])
    assert [e["type"] for batch in only for e in batch] == ["customer.subscription.created"] * 3


def test_the_portal_belongs_to_its_customer(sandbox: Sandbox, api: StripeApi, monthly: str) -> None:
    customer_id = buy(sandbox, api, monthly)
    assert api.portal(customer_id, "http://localhost:1/me").startswith("http")


# --- when it goes wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "args", "error"),
    [
        ("status", {"status": 500}, Transient),
        ("status", {"status": 429}, RateLimited),
        ("status", {"status": 401, "body": {"error": {"message": "no"}}}, Forbidden),
        ("html", {}, Transient),
        ("half_body", {}, Transient),
        ("reset_before", {}, Transient),
        ("reset_after", {}, Transient),
    ],
)
def test_F20_F21_a_second_page_that_fails_leaves_no_reading(
    sandbox: Sandbox,
    api: StripeApi,
    dashboard: Any,
    monthly: str,
    kind: str,
    args: Any,
    error: type[Exception],
) -> None:
    customer_id = api.create_customer(7, REFERENCE, "many").id
    method = dashboard.payment_methods.attach("pm_card_visa", {"customer": customer_id})
    for _ in range(101):
        wanted = {"customer": customer_id, "items": [{"price": monthly}]}
        dashboard.subscriptions.create({**wanted, "default_payment_method": method.id})
    assert len(api.customer_reading(customer_id).subscriptions) == 101
    sandbox.world.faults.add("stripe", "GET /v1/subscriptions", kind, skip=1, **args)
    with pytest.raises(error):
        api.customer_reading(customer_id)


ALL_RIGHTS = {
    *(f"{what}:read" for what in ("subscriptions", "customers", "products", "prices", "invoices")),
    *(f"{what}:read" for what in ("charges", "refunds", "disputes", "payment_intents", "events")),
}


def test_A103_a_secret_key_contents_the_doctor_and_asking_changes_nothing(
    sandbox: Sandbox, api: StripeApi
) -> None:
    before = len(sandbox.world.journal.since(server="stripe"))
    assert all(check.ok for check in api.probe_scopes())
    asked = sandbox.world.journal.since(before, server="stripe")
    assert [e.status for e in asked if e.method == "POST" and e.status < 400] == []


def test_A103_a_restricted_key_is_told_what_it_lacks(sandbox: Sandbox) -> None:
    key = restrict(sandbox.world, ALL_RIGHTS)
    checks = StripeApi(key, sandbox.info["stripe_url"]).probe_scopes()
    missing = {check.scope for check in checks if not check.ok}
    assert "Checkout Sessions: write" in missing
    assert "Subscriptions: read" not in missing
    assert next(check for check in checks if check.scope == "key").ok


# --- what a member's own page shows ---------------------------------------------------------------


def a_customer(dashboard: Any, card: str = "pm_card_visa") -> tuple[str, str]:
    """A customer with a card; their id and the card's."""
    made = dashboard.customers.create({"payment_method": card})
    (method,) = dashboard.customers.payment_methods.list(made.id).data
    chosen = {"invoice_settings": {"default_payment_method": method.id}}
    dashboard.customers.update(made.id, chosen)
    return made.id, method.id


def test_A79_the_card_of_a_subscription_is_its_own_or_its_customers(
    api: StripeApi, dashboard: Any, monthly: str
) -> None:
    customer_id, _ = a_customer(dashboard)
    plain = dashboard.subscriptions.create({"customer": customer_id, "items": [{"price": monthly}]})
    other = dashboard.payment_methods.attach("pm_card_mastercard", {"customer": customer_id})
    own = dashboard.subscriptions.create(
        {
            "customer": customer_id,
            "items": [{"price": monthly}],
            "default_payment_method": other.id,
        }
    )
    means = api.customer_reading(customer_id).billing.means
    assert (means[plain.id].kind, means[plain.id].brand, means[plain.id].last4) == (
        "card",
        "visa",
        "4242",
    )
    assert (means[own.id].brand, means[own.id].last4) == ("mastercard", "4444")
    assert means[own.id].exp_month
    assert means[own.id].exp_year


def test_A79_a_key_that_may_not_see_cards_reads_everything_else(
    sandbox: Sandbox, dashboard: Any, monthly: str
) -> None:
    customer_id, _ = a_customer(dashboard)
    dashboard.subscriptions.create({"customer": customer_id, "items": [{"price": monthly}]})
    api = StripeApi(restrict(sandbox.world, ALL_RIGHTS), sandbox.info["stripe_url"])
    first, before = api.customer_reading(customer_id), sandbox.world.journal.since()[-1].number
    assert len(first.subscriptions) == len(api.customer_reading(customer_id).subscriptions) == 1
    assert first.billing.means == {}
    assert len(sandbox.world.journal.since(before, "stripe")) == 1, "it is refused only once"


@pytest.mark.parametrize("why", ["insufficient_funds", "expired_card", "generic_decline"])
def test_A79_why_a_payment_was_refused_is_read(
    sandbox: Sandbox, api: StripeApi, dashboard: Any, monthly: str, why: str
) -> None:
    customer_id, _ = a_customer(dashboard)
    dashboard.subscriptions.create({"customer": customer_id, "items": [{"price": monthly}]})
    assert api.customer_reading(customer_id).billing.refused == {}
    fail_payments(sandbox.world, customer_id, times=9, decline_code=why)
    advance(sandbox.world, 32 * DAY)
    read = api.customer_reading(customer_id)
    (pending,) = read.subscriptions[0].pending
    assert read.billing.refused == {pending.id: why}
