"""Checkout, portal and dashboard of the simulated Stripe, clicked through as a person would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.stripe_shop import DAY, HOUR, Shop, open_shop

DONE = "http://127.0.0.1:1/done?session={CHECKOUT_SESSION_ID}"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def checkout(shop: Shop, price: str, mode: str = "subscription", **more: Any) -> Any:
    return shop.v1.checkout.sessions.create(
        {
            "mode": mode,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": DONE,
            "cancel_url": "http://127.0.0.1:1/back",
            "client_reference_id": "7",
            **more,
        }
    )


def press(session: Any, **form: str) -> requests.Response:
    data = {"email": "ann@example.com", "name": "Ann", "country": "DE", "action": "pay", **form}
    return requests.post(session.url, data=data, allow_redirects=False, timeout=10)


def test_paying_on_the_page_makes_the_subscription_and_returns(shop: Shop) -> None:
    session = checkout(shop, shop.price(), subscription_data={"metadata": {"user": "7"}})
    assert (session.status, session.payment_status, session.amount_total) == (
        "open",
        "unpaid",
        1000,
    )
    page = requests.get(session.url, timeout=10)
    assert "Gold" in page.text
    assert "http://127.0.0.1:1/back" in page.text
    answer = press(session)
    assert answer.status_code == 303
    assert answer.headers["Location"] == DONE.replace("{CHECKOUT_SESSION_ID}", session.id)
    done = shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["line_items", "subscription"]}
    )
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.customer_details.email == "ann@example.com"
    assert done.subscription.status == "active"
    assert done.subscription.metadata.to_dict() == {"user": "7"}
    assert done.line_items.data[0].price.recurring.interval == "month"
    completed = shop.events("checkout.session.completed")[-1]
    assert completed.data.object.client_reference_id == "7"


def test_a_declined_card_says_so_and_leaves_nothing_behind(shop: Shop) -> None:
    session = checkout(shop, shop.price())
    answer = press(session, action="decline")
    assert answer.status_code == 402
    assert "Your card was declined." in answer.text
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert shop.v1.subscriptions.list({"status": "all"}).data == []
    assert press(session).status_code == 303


def test_paying_twice_is_not_possible(shop: Shop) -> None:
    session = checkout(shop, shop.price())
    press(session)
    again = press(session)
    assert "already paid" in again.text
    assert len(shop.v1.subscriptions.list({"status": "all"}).data) == 1


def test_a_promotion_code_lowers_the_price(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 100, "duration": "once"})
    shop.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "FREE"}
    )
    session = checkout(shop, shop.price(), allow_promotion_codes=True)
    wrong = requests.post(f"{session.url}/code", data={"code": "nope"}, timeout=10)
    assert "not valid" in wrong.text
    requests.post(f"{session.url}/code", data={"code": "free"}, timeout=10)
    press(session)
    done = shop.v1.checkout.sessions.retrieve(session.id)
    assert (done.amount_total, done.payment_status) == (0, "no_payment_required")
    assert done.total_details.amount_discount == 1000


def test_a_trial_costs_nothing_today(shop: Shop) -> None:
    session = checkout(shop, shop.price(), subscription_data={"trial_period_days": 14})
    assert session.amount_total == 0
    press(session)
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert (done.payment_status, done.subscription.status) == ("no_payment_required", "trialing")


def test_a_trial_may_end_at_a_day_that_is_two_days_away_or_more(shop: Shop) -> None:
    end = shop.now + 9 * 86_400
    session = checkout(shop, shop.price(), subscription_data={"trial_end": end})
    assert session.amount_total == 0
    assert "Free for 9 days" in requests.get(str(session.url), timeout=10).text
    press(session)
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert (done.subscription.status, done.subscription.trial_end) == ("trialing", end)
    with pytest.raises(stripe.InvalidRequestError, match="at least 2 days in the future"):
        checkout(shop, shop.price(), subscription_data={"trial_end": shop.now + 86_400})


def test_a_one_off_payment_has_a_payment_intent_and_an_invoice_if_asked_for(shop: Shop) -> None:
    session = checkout(
        shop,
        shop.price(2500, None),
        "payment",
        customer=shop.customer(),
        invoice_creation={"enabled": True},
        payment_intent_data={"metadata": {"user": "7"}},
    )
    press(session)
    done = shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["invoice.payments", "payment_intent"]}
    )
    assert (done.payment_status, done.payment_intent.amount_received) == ("paid", 2500)
    assert done.payment_intent.metadata.to_dict() == {"user": "7"}
    assert (done.invoice.status, done.invoice.amount_paid) == ("paid", 2500)
    assert done.invoice.payments.data[0].payment.payment_intent == done.payment_intent.id


def test_a_guests_payment_has_no_customer(shop: Shop) -> None:
    session = checkout(shop, shop.price(2500, None), "payment")
    press(session)
    done = shop.v1.checkout.sessions.retrieve(session.id)
    assert (done.customer, done.payment_status) == (None, "paid")


@pytest.mark.parametrize(("end", "word"), [(None, "succeeded"), ("no", "failed")])
def test_a_bank_debit_completes_unpaid_and_ends_days_later(
    shop: Shop, end: str | None, word: str
) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, shop.price(2500, None), "payment", customer=customer)
    press(session, token="pm_sepa_debit")
    done = shop.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    if end:
        shop.account.failing[customer] = ["insufficient_funds"]
    shop.advance(4)
    assert len(shop.events(f"checkout.session.async_payment_{word}")) == 1


def test_a_session_expires_at_its_time(shop: Shop) -> None:
    session = checkout(shop, shop.price(), expires_at=shop.now + HOUR)
    shop.advance(1.5 / 24)
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert shop.events("checkout.session.expired")[-1].created == session.expires_at
    assert press_url(session.id, shop).status_code == 410


def press_url(session_id: str, shop: Shop) -> requests.Response:
    return requests.post(f"{shop.server.url}/c/pay/{session_id}", timeout=10)


def test_what_cannot_go_together_is_refused(shop: Shop) -> None:
    once, monthly = shop.price(1, None), shop.price()
    for price, mode, more in (
        (once, "subscription", {}),
        (monthly, "payment", {}),
        (once, "payment", {"subscription_data": {"description": "x"}}),
        (monthly, "subscription", {"expires_at": shop.now + 10}),
        (monthly, "subscription", {"ui_mode": "hosted"}),
    ):
        with pytest.raises(stripe.InvalidRequestError):
            checkout(shop, price, mode, **more)


def portal_form(page: str, action: str) -> dict[str, str]:
    found = re.search(rf'action="[^"]*/{action}">(.*?)</form>', page, re.DOTALL)
    assert found
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', found[1]))


@pytest.mark.parametrize("mode", ["subscription", "payment"])
def test_taxes_follow_where_the_customer_says_they_are(shop: Shop, mode: str) -> None:
    price = shop.price(1000, "month" if mode == "subscription" else None)
    session = checkout(shop, price, mode, automatic_tax={"enabled": True})
    assert session.amount_total == 1000
    press(session, country="DE")
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (done.amount_total, done.total_details.amount_tax) == (1190, 190)
    if mode == "payment":
        assert done.payment_intent.amount == 1190


def test_the_portal_cancels_keeps_switches_and_saves_a_card(shop: Shop) -> None:
    sub = shop.subscribe()
    more = shop.price(3000)
    session = shop.v1.billing_portal.sessions.create(
        {"customer": sub.customer, "return_url": "http://127.0.0.1:1/me"}
    )
    page = requests.get(session.url, timeout=10).text
    assert "http://127.0.0.1:1/me" in page
    requests.post(f"{session.url}/cancel", data=portal_form(page, "cancel"), timeout=10)
    asked = shop.read(sub)
    assert asked.cancel_at == sub["items"].data[0].current_period_end
    assert asked.cancel_at_period_end is False
    page = requests.get(session.url, timeout=10).text
    requests.post(f"{session.url}/renew", data=portal_form(page, "renew"), timeout=10)
    assert shop.read(sub).cancel_at is None
    data = {"subscription": sub.id, "price": more}
    requests.post(f"{session.url}/switch", data=data, timeout=10)
    assert shop.read(sub)["items"].data[0].price.id == more
    requests.post(f"{session.url}/card", data={"token": "pm_card_mastercard"}, timeout=10)
    customer = shop.v1.customers.retrieve(sub.customer)
    saved = shop.v1.payment_methods.retrieve(customer.invoice_settings.default_payment_method)
    assert saved.card.brand == "mastercard"


def test_the_portal_touches_nobody_elses_subscription(shop: Shop) -> None:
    mine, other = shop.subscribe(), shop.subscribe()
    session = shop.v1.billing_portal.sessions.create({"customer": mine.customer})
    answer = requests.post(f"{session.url}/cancel", data={"subscription": other.id}, timeout=10)
    assert answer.status_code == 404
    assert shop.read(other).cancel_at is None


def test_a_deep_link_shows_only_what_it_is_for_and_leads_back(shop: Shop) -> None:
    sub = shop.subscribe()
    back = {"type": "redirect", "redirect": {"return_url": "http://127.0.0.1:1/me"}}
    session = shop.v1.billing_portal.sessions.create(
        {
            "customer": sub.customer,
            "flow_data": {
                "type": "subscription_cancel",
                "subscription_cancel": {"subscription": sub.id},
                "after_completion": back,
            },
        }
    )
    page = requests.get(session.url, timeout=10).text
    assert "Save card" not in page
    data = portal_form(page, "cancel")
    answer = requests.post(f"{session.url}/cancel", data=data, timeout=10, allow_redirects=False)
    assert answer.headers["Location"] == "http://127.0.0.1:1/me"
    assert shop.read(sub).cancel_at is not None


def test_a_card_is_saved_in_setup_mode(shop: Shop) -> None:
    customer = shop.customer(card=None)
    session = shop.v1.checkout.sessions.create(
        {"mode": "setup", "customer": customer, "currency": "eur", "success_url": DONE}
    )
    press(session)
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")
    assert len(shop.v1.customers.payment_methods.list(customer).data) == 1


def test_customers_are_sent_only_to_web_addresses(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        checkout(shop, shop.price(), cancel_url="javascript:alert(1)")
    assert refused.value.code == "url_invalid"


def test_the_dashboard_does_what_an_owner_does_by_hand(shop: Shop) -> None:
    customer = shop.customer(name="Ann <b>Example</b>")
    sub = shop.subscribe(customer=customer)
    url = f"{shop.server.url}/_dashboard"
    page = requests.get(url, timeout=10).text
    assert "Ann &lt;b&gt;Example&lt;/b&gt;" in page
    requests.post(f"{url}/fail", data={"customer": customer, "times": "1"}, timeout=10)
    shop.advance(31)
    assert shop.read(sub).status == "past_due"
    data = {"invoice": shop.read(sub).latest_invoice}
    requests.post(f"{url}/pay", data=data, timeout=10)
    assert shop.read(sub).status == "active"
    charge = shop.v1.charges.list({"customer": customer}).data[0]
    requests.post(f"{url}/refund", data={"charge": charge.id}, timeout=10)
    assert shop.v1.charges.retrieve(charge.id).refunded is True
    requests.post(f"{url}/cancel", data={"subscription": sub.id, "when": "now"}, timeout=10)
    assert shop.read(sub).status == "canceled"
    assert DAY


# --- what a page may ask for, and what stands in one order ----------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"automatic_tax": {"enabled": True}}, "requires a valid address on the Customer"),
        ({"tax_id_collection": {"enabled": True}}, "set `customer_update[name]` to `auto`"),
        ({"custom_text": {"submit": {"message": "x" * 1201}}}, "too long"),
    ],
)
def test_a_page_asks_a_known_customer_only_for_what_may_be_kept(
    shop: Shop, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=re.escape(said)):
        checkout(shop, shop.price(), customer=shop.customer(), **more)


def test_terms_are_agreed_to_a_phone_is_typed_and_the_address_is_kept(shop: Shop) -> None:
    customer = shop.customer()
    session = checkout(
        shop,
        shop.price(),
        customer=customer,
        automatic_tax={"enabled": True},
        tax_id_collection={"enabled": True},
        customer_update={"address": "auto", "name": "auto"},
        consent_collection={"terms_of_service": "required"},
        phone_number_collection={"enabled": True},
    )
    assert press(session).status_code == 402, "the terms are not accepted"
    assert press(session, terms="yes").status_code == 402, "a number is missing"
    assert press(session, terms="yes", phone="+49 30 1").status_code == 303
    done = shop.v1.checkout.sessions.retrieve(session.id)
    assert done.consent.terms_of_service == "accepted"
    assert done.customer_details.phone == "+49 30 1"
    assert shop.v1.customers.retrieve(customer).address.country == "DE"


def test_terms_cannot_be_asked_for_without_their_address(shop: Shop) -> None:
    shop.account.settings.terms_url = None
    with pytest.raises(stripe.InvalidRequestError, match="terms of service"):
        checkout(shop, shop.price(), consent_collection={"terms_of_service": "required"})


def test_lines_that_stripe_does_not_bill_together_are_refused(shop: Shop) -> None:
    month, year, once = shop.price(), shop.price(9000, "year"), shop.price(500, None)
    own: Any = {"product": shop.v1.prices.retrieve(once).product, "currency": "eur"}
    free = shop.v1.prices.create({**own, "custom_unit_amount": {"enabled": True}}).id

    def lines(*prices: str) -> list[dict[str, Any]]:
        return [{"price": price, "quantity": 1} for price in prices]

    for wrong, said in (
        (lines(month, year), "different billing intervals"),
        (lines(*[month] * 21), "Too many line items"),
        (lines(month, *[once] * 21), "Too many line items"),
        (lines(free, once), "only line item"),
    ):
        mode = "subscription" if wrong[0]["price"] == month else "payment"
        with pytest.raises(stripe.InvalidRequestError, match=said):
            checkout(shop, month, mode, line_items=wrong)
    kept = checkout(shop, month, line_items=lines(month, *[once] * 20))
    assert kept.amount_total == 1000 + 20 * 500
