"""The mechanics of the simulated API: keys, pages, expansion, idempotency, errors, money back."""

from __future__ import annotations

import copy
import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from bridge.sandbox.stripe import load, restrict, too_many_requests
from tests.sandbox.stripe_shop import DAY, Shop, open_shop

RECORDED = Path(__file__).parents[3] / "shared/contract/stripe/recorded"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def refused(shop: Shop, call: str, *args: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as error:
        operator.attrgetter(call)(shop.v1)(*args)
    return error.value


def test_pages_run_through_everything_in_both_directions(shop: Shop) -> None:
    made = [shop.v1.products.create({"name": str(n)}).id for n in range(25)]
    newest_first = [p.id for p in shop.v1.products.list({"limit": 10}).auto_paging_iter()]
    assert newest_first == made[::-1]
    first = shop.v1.products.list({"limit": 10})
    assert (len(first.data), first.has_more) == (10, True)
    later = shop.v1.products.list({"limit": 10, "ending_before": made[3]})
    assert [p.id for p in later.auto_paging_iter()] == made[4:]


def test_a_limit_of_more_than_a_hundred_is_refused(shop: Shop) -> None:
    assert refused(shop, "products.list", {"limit": 101}).param == "limit"


def test_created_ranges_filter(shop: Shop) -> None:
    shop.customer(card=None)
    shop.advance(1)
    second = shop.customer(card=None)
    found = shop.v1.customers.list({"created": {"gt": shop.now - DAY}}).data
    assert [c.id for c in found] == [second]


def test_expansion_goes_four_levels_and_no_further(shop: Shop) -> None:
    sub = shop.subscribe(
        expand=["latest_invoice.payments.data.payment", "items.data.price.product", "customer"]
    )
    assert sub["items"].data[0].price.product.name == "Gold"
    assert sub.customer.email == "ann@example.com"
    listed = shop.v1.subscriptions.list({"expand": ["data.latest_invoice.payments.data"]})
    assert listed.data[0].latest_invoice.payments.data[0].status == "paid"
    deep = {"expand": ["data.items.data.price.product"]}
    assert refused(shop, "subscriptions.list", deep).code == "property_expansion_max_depth"
    unknown = {"expand": ["nothing"]}
    assert "cannot be expanded" in str(refused(shop, "subscriptions.retrieve", sub.id, unknown))


def test_the_same_idempotency_key_answers_the_same_and_refuses_another_request(
    shop: Shop,
) -> None:
    options = {"idempotency_key": "once"}
    one = shop.v1.customers.create({"name": "Ann"}, options)
    two = shop.v1.customers.create({"name": "Ann"}, options)
    assert one.id == two.id
    assert two.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.customers.create({"name": "Ben"}, options)


def test_unknown_and_wrong_parameters_are_refused_in_stripes_words(shop: Shop) -> None:
    error = refused(shop, "customers.create", {"emial": "x"})
    assert (error.code, error.param) == ("parameter_unknown", "emial")
    assert error.user_message == "Received unknown parameter: emial"
    nested = {"customer": shop.customer(), "items": [{"prise": "x"}]}
    assert refused(shop, "subscriptions.create", nested).param == "items[0][prise]"
    assert refused(shop, "subscriptions.create", {}).code == "parameter_missing"
    wrong = {"product": "prod_x", "currency": "eur", "unit_amount": "ten"}
    assert refused(shop, "prices.create", wrong).code == "parameter_invalid_integer"
    assert "must be one of" in str(refused(shop, "subscriptions.list", {"status": "dead"}))


def test_missing_objects_are_404_in_the_path_and_400_as_a_parameter(shop: Shop) -> None:
    gone = refused(shop, "customers.retrieve", "cus_x")
    assert (gone.http_status, gone.code) == (404, "resource_missing")
    assert gone.user_message == "No such customer: 'cus_x'"
    params = {"customer": "cus_x", "items": [{"price": shop.price()}]}
    assert refused(shop, "subscriptions.create", params).http_status == 400


def test_a_request_without_a_key_or_with_a_wrong_one_is_401(shop: Shop) -> None:
    url = f"{shop.server.url}/v1/customers"
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(url, auth=("sk_live_x", ""), timeout=10).status_code == 401
    assert requests.get(url, auth=("sk_test_x", ""), timeout=10).status_code == 200
    unknown = requests.get(f"{shop.server.url}/v1/nothing", auth=("sk_test_x", ""), timeout=10)
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "invalid_request_error")


def test_a_restricted_key_may_do_only_what_it_names(shop: Shop) -> None:
    key = restrict(shop.world, {"customers:read", "checkout:write"})
    client = stripe.StripeClient(key, base_addresses={"api": shop.server.url})
    assert client.v1.customers.list().data == []
    with pytest.raises(stripe.PermissionError):
        client.v1.customers.create({"name": "Ann"})
    with pytest.raises(stripe.PermissionError):
        client.v1.subscriptions.list()


def test_too_many_requests_and_locked_objects_are_429(shop: Shop) -> None:
    too_many_requests(shop.world, "GET /v1/customers*")
    with pytest.raises(stripe.RateLimitError):
        shop.v1.customers.list()
    too_many_requests(shop.world, "GET /v1/customers*", lock_timeout=True)
    with pytest.raises(stripe.RateLimitError) as refused:
        shop.v1.customers.list()
    error: Any = refused.value.error
    assert error.code == "lock_timeout"
    assert shop.v1.customers.list().data == []


def test_a_customer_whose_payment_failed_is_delinquent_until_it_is_paid(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    shop.account.failing[customer] = ["generic_decline"]
    shop.advance(31)
    assert shop.v1.customers.retrieve(customer).delinquent is True
    shop.v1.invoices.pay(shop.read(sub).latest_invoice)
    assert shop.v1.customers.retrieve(customer).delinquent is False


def test_metadata_may_begin_with_an_underscore(shop: Shop) -> None:
    made = shop.v1.products.create({"name": "Gold", "metadata": {"_own": "1"}})
    assert shop.v1.products.retrieve(made.id).metadata.to_dict() == {"_own": "1"}


def test_lookup_keys_find_prices_and_are_transferred(shop: Shop) -> None:
    first = shop.price(lookup_key="gold")
    product = shop.v1.products.create({"name": "New"}).id
    params = {"product": product, "unit_amount": 1, "currency": "eur", "lookup_key": "gold"}
    assert refused(shop, "prices.create", params).param == "lookup_key"
    second = shop.v1.prices.create({**params, "transfer_lookup_key": True})
    found = shop.v1.prices.list({"lookup_keys": ["gold"]}).data
    assert [p.id for p in found] == [second.id]
    assert shop.v1.prices.retrieve(first).lookup_key is None


def test_an_archived_price_sells_nothing_new_and_keeps_what_it_sold(shop: Shop) -> None:
    price = shop.price()
    sub = shop.subscribe(price)
    shop.v1.prices.update(price, {"active": False})
    customer = shop.customer()
    params = {"customer": customer, "items": [{"price": price}]}
    assert "inactive" in str(refused(shop, "subscriptions.create", params))
    shop.advance(32)
    assert shop.read(sub).status == "active"


def paid_charge(shop: Shop, customer: str) -> Any:
    return shop.v1.charges.list({"customer": customer}).data[0]


def test_refunds_in_part_and_in_full_and_no_more(shop: Shop) -> None:
    sub = shop.subscribe()
    charge = paid_charge(shop, sub.customer)
    shop.v1.refunds.create({"charge": charge.id, "amount": 400})
    partly = shop.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (partly.amount_refunded, partly.refunded) == (400, False)
    assert partly.refunds.data[0].amount == 400
    shop.v1.refunds.create({"payment_intent": charge.payment_intent})
    assert shop.v1.charges.retrieve(charge.id).refunded is True
    again = refused(shop, "refunds.create", {"charge": charge.id})
    assert again.code == "charge_already_refunded"
    assert shop.read(sub).status == "active"


def test_a_refund_that_fails_later_brings_the_money_back(shop: Shop) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_refundFail"))
    refund = shop.v1.refunds.create({"charge": paid_charge(shop, sub.customer).id})
    shop.advance(2)
    assert shop.v1.refunds.retrieve(refund.id).status == "failed"
    assert paid_charge(shop, sub.customer).amount_refunded == 0


@pytest.mark.parametrize(("word", "status"), [("winning", "won"), ("losing", "lost")])
def test_a_dispute_opens_and_is_decided(shop: Shop, word: str, status: str) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_createDispute"))
    charge = paid_charge(shop, sub.customer)
    assert charge.disputed is True
    (dispute,) = shop.v1.disputes.list({"charge": charge.id}).data
    assert dispute.status == "needs_response"
    evidence = {"evidence": {"uncategorized_text": f"{word}_evidence"}}
    assert shop.v1.disputes.update(dispute.id, evidence).status == status
    assert len(shop.events("charge.dispute.closed")) == 1


def test_the_balance_is_the_sum_of_its_transactions(shop: Shop) -> None:
    sub = shop.subscribe()
    shop.v1.refunds.create({"charge": paid_charge(shop, sub.customer).id, "amount": 100})
    rows = list(shop.v1.balance_transactions.list({"limit": 100}).auto_paging_iter())
    balance = shop.v1.balance.retrieve()
    whole = sum(part.amount for part in [*balance.available, *balance.pending])
    assert whole == sum(row.net for row in rows)
    assert all(row.net == row.amount - row.fee for row in rows)


def test_a_refunds_invoice_is_found_through_its_payment(shop: Shop) -> None:
    sub = shop.subscribe()
    charge = paid_charge(shop, sub.customer)
    payment = {"type": "payment_intent", "payment_intent": charge.payment_intent}
    (found,) = shop.v1.invoice_payments.list({"payment": payment}).data
    assert found.invoice == sub.latest_invoice


def test_the_next_invoice_can_be_previewed(shop: Shop) -> None:
    sub = shop.subscribe()
    preview = shop.v1.invoices.create_preview({"subscription": sub.id})
    assert preview.total == 1000
    assert preview.lines.data[0].period.start == sub["items"].data[0].current_period_end


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded payloads are not at hand")
def test_a_recorded_subscription_of_2020_is_loaded_in_todays_shape(shop: Shop) -> None:
    path = RECORDED / "stripe-sync-engine/subscription_created.json"
    old = json.loads(path.read_text())["data"]["object"]
    load(shop.world, [copy.deepcopy(old)])
    sub = shop.v1.subscriptions.retrieve(old["id"], {"expand": ["customer"]})
    assert sub["items"].data[0].current_period_end == old["current_period_end"]
    assert sub.customer.id == old["customer"]
    price = shop.v1.prices.retrieve(sub["items"].data[0].price.id, {"expand": ["product"]})
    assert price.product.name


def test_two_worlds_with_one_seed_give_the_same_ids_and_events() -> None:
    def story() -> list[tuple[str, str, int]]:
        with open_shop(seed=5) as shop:
            sub = shop.subscribe()
            shop.advance(40)
            shop.v1.subscriptions.cancel(sub.id)
            return [(e.id, e.type, e.created) for e in shop.events()]

    assert story() == story()


# What is refused: family, method, the object it is about (by its place), and the parameters.
HALF_DONE: list[tuple[str, str, str | None, dict[str, Any]]] = [
    ("customers", "create", None, {"payment_method": "pm_none"}),
    ("customers", "create", None, {"expand": ["nonsense"]}),
    ("customers", "update", "customer", {"name": "Bea", "payment_method": "pm_none"}),
    ("subscriptions", "create", None, {"customer": "{customer}", "items": [{"price": "{price}"}],
                                       "discounts": [{"coupon": "none"}]}),
    ("subscriptions", "update", "subscription", {"description": "x", "metadata": {"a": "b"},
                                                 "items": [{"price": "none"}]}),
    ("subscriptions", "update", "subscription", {"items": [{"id": "{item}", "quantity": 9}],
                                                 "proration_behavior": "always_invoice",
                                                 "cancel_at": 1}),
    ("subscription_schedules", "create", None,
     {"customer": "{customer}", "start_date": "now",
      "phases": [{"items": [{"price": "{price}"}], "discounts": [{"coupon": "none"}]}]}),
    ("invoice_items", "create", None, {"customer": "{customer}", "currency": "eur", "amount": 5,
                                       "tax_rates": ["none"]}),
    ("prices", "create", None, {"currency": "eur", "unit_amount": 5, "product_data": {"name": "x"},
                                "expand": ["nonsense"]}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "method", "of", "params"), HALF_DONE)
def test_a_refused_request_leaves_nothing_behind(
    shop: Shop, family: str, method: str, of: str | None, params: dict[str, Any]
) -> None:
    price, sub = shop.price(), shop.subscribe()
    names = {"price": price, "customer": sub.customer, "subscription": sub.id}
    names["item"] = sub["items"].data[0].id
    text = json.dumps(params)
    for name, id_ in names.items():
        text = text.replace("{" + name + "}", id_)
    kept = ("tables", "of_customer", "agenda", "deliveries", "failing")
    before = copy.deepcopy({name: getattr(shop.account, name) for name in kept})
    refused(shop, f"{family}.{method}", *([names[of]] if of else []), json.loads(text))
    after = {name: getattr(shop.account, name) for name in kept}
    for name in kept:
        assert {k: v for k, v in _entries(after[name]) if v} == {
            k: v for k, v in _entries(before[name]) if v
        }, name


def _entries(kept: Any) -> list[tuple[Any, Any]]:
    return list(kept.items()) if isinstance(kept, dict) else list(enumerate(kept))


def test_a_dispute_is_decided_once(shop: Shop) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_createDispute"))
    (dispute,) = shop.v1.disputes.list({"charge": paid_charge(shop, sub.customer).id}).data
    shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    again = {"evidence": {"uncategorized_text": "losing_evidence"}}
    assert "already closed" in str(refused(shop, "disputes.update", dispute.id, again))
    assert "already closed" in str(refused(shop, "disputes.close", dispute.id))
    shop.v1.disputes.update(dispute.id, {"metadata": {"seen": "yes"}})


def test_no_more_is_captured_than_was_authorized(shop: Shop) -> None:
    card = {"payment_method": "pm_card_visa", "capture_method": "manual", "confirm": True}
    intent = shop.v1.payment_intents.create({"amount": 1000, "currency": "eur", **card})
    for little in (0, -5):
        refused(shop, "payment_intents.capture", intent.id, {"amount_to_capture": little})
    more = {"amount_to_capture": 1001}
    assert refused(shop, "payment_intents.capture", intent.id, more).code == "amount_too_large"
    assert shop.v1.payment_intents.capture(intent.id).amount_received == 1000


def test_a_cancelled_refund_is_told_with_its_charge(shop: Shop) -> None:
    sub = shop.subscribe(customer=shop.customer("pm_card_pendingRefund"))
    refund = shop.v1.refunds.create({"charge": paid_charge(shop, sub.customer).id, "amount": 100})
    cancelled = shop.v1.refunds.cancel(refund.id)
    assert cancelled.failure_balance_transaction
    told = shop.events("charge.updated")[-1].data
    assert (told.previous_attributes["amount_refunded"], told.object.amount_refunded) == (100, 0)


def price_with(**more: Any) -> dict[str, Any]:
    product = {"product_data": {"name": "Gold"}, "currency": "eur", "unit_amount": 500}
    return {**product, "recurring": {"interval": "month"}, **more}


CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
COUPON = {"percent_off": 10}
# Family, what it is made from, and a part of Stripe's words.
SENSELESS: list[tuple[str, dict[str, Any], str]] = [
    ("prices", price_with(currency="xxx"), "Invalid currency: xxx"),
    ("prices", price_with(unit_amount=-1), "greater than or equal to 0"),
    ("prices", price_with(recurring={"interval": "year", "interval_count": 4}), "three years"),
    ("customers", {"metadata": {str(n): "x" for n in range(51)}}, "up to 50 keys"),
    ("customers", {"metadata": {"a": "x" * 501}}, "up to 500 characters"),
    ("customers", {"metadata": {"x" * 41: "a"}}, "up to 40 characters"),
    ("payment_methods", {"type": "card", "card": {**CARD, "number": "4242424242424241"}}, "number"),
    ("payment_methods", {"type": "card", "card": {**CARD, "exp_month": 13}}, "expiration month"),
    ("payment_methods", {"type": "card", "card": {**CARD, "exp_year": 2020}}, "expiration year"),
    ("coupons", {**COUPON, "amount_off": 5, "currency": "eur"}, "only specify one"),
    ("coupons", {"percent_off": 101}, "at most 100"),
    ("coupons", {**COUPON, "max_redemptions": 0}, "or equal to 1"),
    ("charges", {"amount": -5, "currency": "eur", "source": "tok_visa"}, "or equal to 1"),
    ("tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": 101}, "at most 100"),
    ("coupons", {"amount_off": 5}, "needs a currency"),
    ("coupons", {**COUPON, "duration": "repeating"}, "duration_in_months"),
]


@pytest.mark.parametrize(("family", "params", "words"), SENSELESS)
def test_what_makes_no_sense_is_refused(
    shop: Shop, family: str, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(stripe.StripeError, match=words):
        getattr(shop.v1, family).create(params)


SUBSCRIPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"items": [{"quantity": -1}]}, "greater than or equal to 0"),
    ({"trial_end": 1_800_000_000, "trial_period_days": 3}, "only specify one"),
    ({"cancel_at": 1_800_000_000, "cancel_at_period_end": True}, "only specify one"),
    ({"collection_method": "send_invoice"}, "`days_until_due` is required"),
    ({"billing_cycle_anchor": 1_790_000_000 + 50 * DAY}, "next natural billing date"),
    ({"billing_cycle_anchor_config": {"day_of_month": 32}}, "between 1 and 31"),
]


@pytest.mark.parametrize(("params", "words"), SUBSCRIPTIONS)
def test_a_subscription_that_makes_no_sense_is_refused(
    shop: Shop, params: dict[str, Any], words: str
) -> None:
    price, items = shop.price(), params.get("items", [{}])
    with pytest.raises(stripe.InvalidRequestError, match=words):
        shop.subscribe(**{**params, "items": [{"price": price, **item} for item in items]})


def test_an_active_promotion_code_is_taken_in_whatever_case(shop: Shop) -> None:
    coupon = shop.v1.coupons.create(COUPON)
    code = {"promotion": {"type": "coupon", "coupon": coupon.id}}
    first = shop.v1.promotion_codes.create({**code, "code": "HALF"})
    assert "already exists" in str(
        refused(shop, "promotion_codes.create", {**code, "code": "half"})
    )
    shop.v1.promotion_codes.update(first.id, {"active": False})
    shop.v1.promotion_codes.create({**code, "code": "half"})


def test_a_page_of_none_is_refused(shop: Shop) -> None:
    assert refused(shop, "customers.list", {"limit": 0}).param == "limit"


def test_the_amount_of_a_payment_that_is_done_stays(shop: Shop) -> None:
    card = {"payment_method": "pm_card_visa", "confirm": True}
    intent = shop.v1.payment_intents.create({"amount": 1000, "currency": "eur", **card})
    said = refused(shop, "payment_intents.update", intent.id, {"amount": 5})
    assert said.code == "payment_intent_unexpected_state"


def test_a_customer_has_one_currency_at_a_time(shop: Shop) -> None:
    sub = shop.subscribe()
    pounds = shop.price(currency="gbp")
    with pytest.raises(stripe.InvalidRequestError, match="cannot combine currencies"):
        shop.subscribe(pounds, sub.customer)
    balance = {"amount": 5, "currency": "usd"}
    said = refused(shop, "customers.balance_transactions.create", sub.customer, balance)
    assert said.param == "currency"
    shop.v1.subscriptions.cancel(sub.id)
    assert shop.subscribe(pounds, sub.customer).currency == "gbp"
