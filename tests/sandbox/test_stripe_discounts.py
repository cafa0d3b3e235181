"""Whom coupons and promotion codes of the simulated Stripe are for, and for what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_shop import Shop, open_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def code(shop: Shop, **more: Any) -> str:
    coupon = shop.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    promotion = {"type": "coupon", "coupon": coupon.id}
    return str(shop.v1.promotion_codes.create({"promotion": promotion, **more}).id)


def pay_with(shop: Shop, promotion_code: str, customer: str | None = None) -> int:
    sub = shop.subscribe(None, customer, discounts=[{"promotion_code": promotion_code}])
    return int(shop.last_invoice(sub).total)


REFUSED: dict[str, dict[str, Any]] = {
    "inactive": {"active": False},
    "belongs to another customer": {"customer": "other"},
    "minimum amount": {
        "restrictions": {"minimum_amount": 5000, "minimum_amount_currency": "eur"},
    },
    "prior transactions": {"restrictions": {"first_time_transaction": True}},
    "used up": {"max_redemptions": 1},
    "expired": {"expires_at": "soon"},
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_promotion_code_is_refused_to_whom_it_is_not_for(shop: Shop, why: str) -> None:
    customer, given = shop.customer(), dict(REFUSED[why])
    if why == "belongs to another customer":
        given["customer"] = shop.customer()
    if why == "expired":
        given["expires_at"] = shop.now + 60
    made = code(shop, **given)
    if why in ("prior transactions", "used up"):
        assert pay_with(shop, made, customer) == 500
    if why == "expired":
        shop.advance(1)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_with(shop, made, customer)
    assert why in str(refused.value)


def test_a_code_that_is_used_up_shows_as_inactive_and_is_no_longer_known_on_the_page(
    shop: Shop,
) -> None:
    made = code(shop, max_redemptions=1)
    pay_with(shop, made)
    used = shop.v1.promotion_codes.retrieve(made)
    assert (used.active, used.times_redeemed) == (False, 1)


def test_a_coupon_takes_off_only_the_products_it_is_for(shop: Shop) -> None:
    one, other = shop.price(), shop.price()
    coupon = shop.v1.coupons.create(
        {
            "percent_off": 50,
            "duration": "forever",
            "applies_to": {"products": [shop.v1.prices.retrieve(one).product]},
        }
    )
    sub = shop.v1.subscriptions.create(
        {
            "customer": shop.customer(),
            "items": [{"price": one}, {"price": other}],
            "discounts": [{"coupon": coupon.id}],
        }
    )
    assert shop.last_invoice(sub).total == 1500


def test_an_amount_is_taken_off_in_the_coupons_own_currencies_only(shop: Shop) -> None:
    coupon = shop.v1.coupons.create(
        {
            "amount_off": 300,
            "currency": "usd",
            "duration": "once",
            "currency_options": {"eur": {"amount_off": 250}},
        }
    )
    sub = shop.subscribe(discounts=[{"coupon": coupon.id}])
    assert shop.last_invoice(sub).total == 750
    pounds = shop.price(1000, currency="gbp")
    with pytest.raises(stripe.InvalidRequestError):
        shop.subscribe(pounds, discounts=[{"coupon": coupon.id}])


def test_somebody_who_is_charged_automatically_needs_a_payment_method(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.subscribe(customer=shop.customer(card=None))
    assert refused.value.code == "resource_missing"


def test_cancelling_invoices_only_what_is_left_to_invoice(shop: Shop) -> None:
    plain, prorated = shop.subscribe(), shop.subscribe()
    shop.advance(10)
    gone = shop.v1.subscriptions.cancel(plain.id, {"invoice_now": True})
    assert gone.latest_invoice == plain.latest_invoice
    gone = shop.v1.subscriptions.cancel(prorated.id, {"invoice_now": True, "prorate": True})
    assert shop.last_invoice(gone).total < 0


def test_an_inquiry_ends_when_the_money_is_given_back(shop: Shop) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_createDisputeInquiry"))
    charge = shop.v1.charges.list({"customer": sub.customer}).data[0]
    shop.v1.refunds.create({"charge": charge.id})
    assert shop.v1.disputes.list({"charge": charge.id}).data[0].status == "warning_closed"
