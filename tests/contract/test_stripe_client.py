"""The bridge's client of Stripe over a real socket: whole readings, typed errors, no sleeping."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from bridge.core.model.carried import Carried
from bridge.core.model.stripe import Price
from bridge.core.rules.paying import Paying
from bridge.errors import Forbidden, NotFound, Permanent, RateLimited, Transient, Unreachable
from bridge.stripe_api import http as stripe_http
from bridge.stripe_api.checkout import CheckoutLine, CheckoutLink, CheckoutRequest
from bridge.stripe_api.client import StripeApi
from bridge.stripe_api.reader import moment
from tests.contract.recorded import Asked, Played, Recorded, answer, recorded_server

pytestmark = pytest.mark.contract
T0 = 1_700_000_000
DAY = 86_400
REFERENCE = "b1-7-signed"


@pytest.fixture
def server() -> Iterator[Recorded]:
    with recorded_server() as recorded:
        recorded.play("GET", "/v1/customers/cus_1/balance_transactions", rows())
        yield recorded


@pytest.fixture
def api(server: Recorded) -> StripeApi:
    return StripeApi("sk_test_123", server.url)


def rows(*found: Any, more: bool = False) -> Played:
    return answer({"object": "list", "data": list(found), "has_more": more})


def refusal(status: int, code: str | None = None, kind: str = "invalid_request_error") -> Played:
    error = {"type": kind, "message": "It cannot be done.", **({"code": code} if code else {})}
    return answer({"error": error}, status)


def a_price(price_id: str = "price_1", **changed: Any) -> dict[str, Any]:
    return {
        "id": price_id,
        "product": "prod_1",
        "currency": "eur",
        "unit_amount": 1000,
        "type": "recurring",
        "recurring": {"interval": "month", "interval_count": 1},
        **changed,
    }


def an_item(item_id: str = "si_1", price_id: str = "price_1") -> dict[str, Any]:
    return {
        "id": item_id,
        "quantity": 1,
        "price": a_price(price_id),
        "current_period_start": T0,
        "current_period_end": T0 + 30 * DAY,
    }


def a_subscription(subscription_id: str = "sub_1", **changed: Any) -> dict[str, Any]:
    return {
        "id": subscription_id,
        "customer": "cus_1",
        "status": "active",
        "created": T0,
        "start_date": T0,
        "currency": "eur",
        "items": {"data": [an_item()], "has_more": False},
        "latest_invoice": None,
        "metadata": {},
        **changed,
    }


def an_invoice(invoice_id: str = "in_1", intent: str | None = "pi_1", **changed: Any) -> Any:
    payment = {"payment": {"type": "payment_intent", "payment_intent": intent}}
    return {
        "id": invoice_id,
        "customer": "cus_1",
        "status": "paid",
        "created": T0,
        "currency": "eur",
        "amount_due": 1000,
        "amount_paid": 1000,
        "amount_remaining": 0,
        "lines": {"data": [{"amount": 1000, "description": "1 \u00d7 Patron (at \u20ac10)"}]},
        "payments": {"data": [payment] if intent else [], "has_more": False},
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "status_transitions": {"paid_at": T0 + 60},
        **changed,
    }


def a_charge(charge_id: str = "ch_1", intent: str | None = "pi_1", **changed: Any) -> Any:
    return {
        "id": charge_id,
        "customer": "cus_1",
        "payment_intent": intent,
        "amount": 1000,
        "amount_refunded": 0,
        "disputed": False,
        "currency": "eur",
        "created": T0,
        "status": "succeeded",
        "paid": True,
        "refunds": {"data": [], "has_more": False},
        **changed,
    }


# --- subscriptions -------------------------------------------------------------------------------


def test_a_customer_is_read_in_one_request(api: StripeApi, server: Recorded) -> None:
    metadata = {"bridge_reference": REFERENCE}
    found = a_subscription(latest_invoice=an_invoice(), metadata=metadata)
    server.play("GET", "/v1/subscriptions", rows(found))
    reading = api.customer_reading("cus_1")
    assert [s.id for s in reading.subscriptions] == ["sub_1"]
    assert [p.id for p in reading.prices] == ["price_1"]
    assert [(m.id, m.payment_id, m.amount_minor) for m in reading.money] == [("in_1", "pi_1", 1000)]
    assert {k: w.text for k, w in reading.references.items()} == {"sub_1": REFERENCE}
    assert [s.next_charge.amount_minor for s in reading.subscriptions if s.next_charge] == [1000]
    (asked,) = server.asked
    assert asked.query["status"] == ["all"]
    assert asked.query["limit"] == ["100"]
    assert asked.query["customer"] == ["cus_1"]
    assert asked.headers["Stripe-Version"] == "2026-10-28.endive"


def test_more_than_a_hundred_subscriptions_are_all_read(api: StripeApi, server: Recorded) -> None:
    first = [a_subscription(f"sub_{n}") for n in range(100)]
    server.play("GET", "/v1/subscriptions", rows(*first, more=True), rows(a_subscription("sub_x")))
    assert len(api.customer_reading("cus_1").subscriptions) == 101
    assert [a.query.get("starting_after") for a in server.asked] == [None, ["sub_99"]]


@pytest.mark.parametrize(
    "second",
    [refusal(500, kind="api_error"), answer("<html>502</html>", 502), rows(more=True), answer([])],
)
def test_F21_a_page_that_fails_leaves_no_reading(
    api: StripeApi, server: Recorded, second: Played
) -> None:
    server.play("GET", "/v1/subscriptions", rows(a_subscription(), more=True), second)
    with pytest.raises(Transient):
        api.customer_reading("cus_1")


@pytest.mark.parametrize("missing", ["items", "status", "customer"])
def test_a_subscription_that_is_not_understood_leaves_no_reading(
    api: StripeApi, server: Recorded, missing: str
) -> None:
    half = a_subscription()
    del half[missing]
    server.play("GET", "/v1/subscriptions", rows(a_subscription("sub_0"), half))
    with pytest.raises(Transient, match=missing):
        api.customer_reading("cus_1")


def test_E19_items_beyond_the_tenth_are_read_too(api: StripeApi, server: Recorded) -> None:
    ten = [an_item(f"si_{n}") for n in range(10)]
    eleven = [*ten, an_item("si_10", "price_11")]
    found = a_subscription(items={"data": ten, "has_more": True})
    server.play("GET", "/v1/subscriptions", rows(found))
    server.play("GET", "/v1/subscription_items", rows(*eleven))
    reading = api.customer_reading("cus_1")
    assert len(reading.subscriptions[0].items) == 11
    assert {p.id for p in reading.prices} == {"price_1", "price_11"}
    assert server.asked[1].query["subscription"] == ["sub_1"]


def test_E5_past_due_costs_one_more_request_for_the_oldest_open_invoice(
    api: StripeApi, server: Recorded
) -> None:
    latest = an_invoice("in_2", status="open", created=T0 + 30 * DAY, amount_remaining=1000)
    found = a_subscription(status="past_due", latest_invoice=latest)
    server.play("GET", "/v1/subscriptions", rows(found))
    oldest = an_invoice("in_1", status="open", created=T0 + DAY, amount_remaining=900)
    server.play("GET", "/v1/invoices", rows(latest, oldest))
    (read,) = api.customer_reading("cus_1").subscriptions
    assert read.past_due_since_at is not None
    assert read.past_due_since_at.timestamp() == T0 + DAY
    assert server.asked[1].query["status"] == ["open"]
    assert len(server.asked) == 2
    assert [(p.id, p.amount_minor) for p in read.pending] == [("in_1", 900), ("in_2", 1000)]


@pytest.mark.parametrize(
    ("status", "pending"),
    [("incomplete", ["in_1"]), ("active", ["in_1"]), ("canceled", []), ("incomplete_expired", [])],
)
def test_A31_E2_an_open_latest_invoice_is_pending_while_its_subscription_goes_on(
    api: StripeApi, server: Recorded, status: str, pending: list[str]
) -> None:
    latest = an_invoice("in_1", status="open", amount_remaining=1000)
    found = a_subscription(status=status, latest_invoice=latest)
    server.play("GET", "/v1/subscriptions", rows(found))
    (read,) = api.customer_reading("cus_1").subscriptions
    assert [p.id for p in read.pending] == pending
    assert len(server.asked) == 1
    server.play("GET", "/v1/invoices", rows(latest))
    server.play("GET", "/v1/subscriptions", rows(found))
    assert [page[0].pending for page in api.all_subscriptions()] == [read.pending]


def test_everybodys_subscriptions_come_in_pages_with_what_is_past_due(
    api: StripeApi, server: Recorded
) -> None:
    server.play("GET", "/v1/invoices", rows(an_invoice(status="open", created=T0 + DAY)))
    server.play(
        "GET",
        "/v1/subscriptions",
        rows(a_subscription(status="past_due"), more=True),
        rows(a_subscription("sub_2", customer="cus_2", status="canceled", ended_at=T0)),
    )
    pages = list(api.all_subscriptions())
    assert [[s.customer_id for s in page] for page in pages] == [["cus_1"], ["cus_2"]]
    since = pages[0][0].past_due_since_at
    assert since is not None
    assert since.timestamp() == T0 + DAY
    assert len(server.asked) == 3


PERIOD = {"start": T0, "end": T0 + 30 * DAY}
LINES = {"data": [{"amount": 1000, "description": "Patron", "period": PERIOD}]}


def test_the_last_payment_is_known_without_asking_more(api: StripeApi, server: Recorded) -> None:
    found = a_subscription(latest_invoice=an_invoice(lines=LINES))
    server.play("GET", "/v1/subscriptions", rows(found))
    paid = api.customer_reading("cus_1").subscriptions[0].last_payment
    assert paid is not None
    assert (paid.invoice_id, paid.amount_minor, paid.disputed) == ("in_1", 1000, None)
    assert paid.period_end_at.timestamp() == T0 + 30 * DAY
    assert len(server.asked) == 1


def test_E30_what_became_of_the_last_payment_is_asked_for_where_it_matters(
    api: StripeApi, server: Recorded
) -> None:
    found = a_subscription(latest_invoice=an_invoice(lines=LINES))
    ended = a_subscription("sub_2", status="canceled")
    server.play("GET", "/v1/subscriptions", rows(found, ended))
    refunds = {"data": [REFUND], "has_more": False}
    charge = a_charge(amount_refunded=300, refunds=refunds, disputed=True)
    server.play("GET", "/v1/payment_intents/pi_1", answer({"latest_charge": charge}))
    server.play("GET", "/v1/disputes", rows(DISPUTE))
    paid = api.customer_reading("cus_1", payments=True).subscriptions[0].last_payment
    assert paid is not None
    assert (paid.refunded_minor, paid.disputed) == (300, "lost")
    assert paid.disputed_at is not None
    assert paid.refunded_at is not None
    assert len(server.asked) == 3


def test_E26_an_unpaid_latest_invoice_leaves_the_period_to_the_newest_paid_one(
    api: StripeApi, server: Recorded
) -> None:
    unpaid = an_invoice("in_2", status="open", amount_paid=0, amount_remaining=1000)
    found = a_subscription(latest_invoice=unpaid)
    server.play("GET", "/v1/subscriptions", rows(found))
    server.play("GET", "/v1/invoices", rows(an_invoice("in_1", lines=LINES)))
    server.play("GET", "/v1/payment_intents/pi_1", answer({"latest_charge": a_charge()}))
    paid = api.customer_reading("cus_1", payments=True).subscriptions[0].last_payment
    assert paid is not None
    assert (paid.invoice_id, paid.refunded_minor) == ("in_1", 0)
    assert server.asked[1].query["status"] == ["paid"]
    assert server.asked[1].query["subscription"] == ["sub_1"]


# --- one-off orders and money --------------------------------------------------------------------


def an_order(**changed: Any) -> dict[str, Any]:
    line = {
        "id": "li_1",
        "amount_total": 1000,
        "currency": "eur",
        "quantity": 1,
        "description": "A badge",
        "price": a_price("price_9", type="one_time", recurring=None),
    }
    return {
        "id": "cs_1",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "customer": "cus_1",
        "client_reference_id": REFERENCE,
        "created": T0,
        "invoice": None,
        "payment_intent": {"id": "pi_1", "latest_charge": a_charge()},
        "line_items": {"data": [line], "has_more": False},
        **changed,
    }


def test_E22_one_off_orders_are_read_with_their_payment_and_price(
    api: StripeApi, server: Recorded
) -> None:
    server.play("GET", "/v1/checkout/sessions", rows(an_order()))
    server.play("GET", "/v1/invoices", rows())
    reading = api.purchases("cus_1")
    assert [(p.id, p.payment_id, p.payment_minor) for p in reading.purchases] == [
        ("cs_1:li_1", "pi_1", 1000)
    ]
    assert [(m.id, m.what) for m in reading.money] == [("ch_1", "A badge")]
    assert [p.id for p in reading.prices] == ["price_9"]
    assert reading.references == {"cs_1": Carried(REFERENCE, moment(T0), is_typed=True)}
    assert server.asked[0].query["status"] == ["complete"]
    assert [asked.path for asked in server.asked] == ["/v1/checkout/sessions", "/v1/invoices"]


def test_E43_what_is_not_paid_is_no_purchase(api: StripeApi, server: Recorded) -> None:
    server.play(
        "GET",
        "/v1/checkout/sessions",
        rows(
            an_order(payment_status="unpaid"),
            an_order(mode="setup", line_items={"data": [], "has_more": False}),
        ),
    )
    server.play("GET", "/v1/invoices", rows())
    assert api.purchases("cus_1").purchases == ()


def test_D9_every_line_of_an_order_counts(api: StripeApi, server: Recorded) -> None:
    order = an_order()
    order["line_items"]["has_more"] = True
    lines = [{**order["line_items"]["data"][0], "id": f"li_{n}"} for n in range(12)]
    server.play("GET", "/v1/checkout/sessions", rows(order))
    server.play("GET", "/v1/invoices", rows())
    server.play("GET", "/v1/checkout/sessions/cs_1/line_items", rows(*lines))
    assert len(api.purchases("cus_1").purchases) == 12


def test_A50_a_share_bought_beside_a_subscription_is_a_purchase(
    api: StripeApi, server: Recorded
) -> None:
    order = an_order(mode="subscription", payment_intent=None, invoice=an_invoice())
    monthly = {**order["line_items"]["data"][0], "id": "li_2", "price": a_price()}
    order["line_items"]["data"].append(monthly)
    server.play("GET", "/v1/checkout/sessions", rows(order))
    server.play("GET", "/v1/invoices", rows())
    server.play("GET", "/v1/payment_intents/pi_1", answer({"latest_charge": a_charge()}))
    reading = api.purchases("cus_1")
    assert [p.id for p in reading.purchases] == ["cs_1:li_1"]
    assert [m.id for m in reading.money] == ["in_1"]


REFUND = {"id": "re_1", "amount": 300, "created": T0 + DAY, "status": "succeeded"}
DISPUTE = {"id": "dp_1", "amount": 1000, "created": T0 + 2 * DAY, "status": "lost"}


@pytest.mark.parametrize("with_invoice", [False, True])
def test_A96_the_same_movement_has_the_same_line_in_every_reading(
    api: StripeApi, server: Recorded, *, with_invoice: bool
) -> None:
    invoice = an_invoice(parent=None) if with_invoice else None
    refunds = {"data": [REFUND], "has_more": False}
    charge = a_charge(amount_refunded=300, refunds=refunds, disputed=True, description="A badge")
    intent = {"id": "pi_1", "latest_charge": charge}
    order = an_order(payment_intent=intent, invoice=invoice)
    server.play("GET", "/v1/checkout/sessions", rows(order))
    server.play("GET", "/v1/invoices", rows())
    server.play("GET", "/v1/disputes", rows(DISPUTE))
    server.play("GET", "/v1/invoices", rows(*([invoice] if invoice else [])))
    server.play("GET", "/v1/charges", rows(charge))
    from_order = api.purchases("cus_1").money
    from_money = api.money("cus_1")
    assert set(from_order) == set(from_money)
    first = "in_1" if with_invoice else "ch_1"
    assert [(m.id, m.amount_minor) for m in from_money] == [
        (first, 1000),
        ("re_1", -300),
        ("dp_1", -1000),
        ("dp_1:lost", 0),
    ]


def test_the_latest_invoice_is_the_same_line_as_in_the_whole_of_the_money(
    api: StripeApi, server: Recorded
) -> None:
    server.play("GET", "/v1/subscriptions", rows(a_subscription(latest_invoice=an_invoice())))
    server.play("GET", "/v1/invoices", rows(an_invoice()))
    server.play("GET", "/v1/charges", rows(a_charge()))
    assert api.customer_reading("cus_1").money == api.money("cus_1")


def test_money_of_every_page_is_read_and_a_charge_of_an_invoice_is_no_second_payment(
    api: StripeApi, server: Recorded
) -> None:
    server.play(
        "GET",
        "/v1/invoices",
        rows(an_invoice("in_2", "pi_2", created=T0 + DAY), more=True),
        rows(an_invoice("in_1", "pi_1")),
    )
    server.play(
        "GET",
        "/v1/charges",
        rows(a_charge("ch_3", "pi_3", created=T0 + 9 * DAY), a_charge("ch_2", "pi_2"), more=True),
        rows(a_charge("ch_1", "pi_1"), a_charge("ch_0", "pi_0", status="failed", paid=False)),
    )
    server.play("GET", "/v1/checkout/sessions", rows())  # no order says what for
    assert [m.id for m in api.money("cus_1")] == ["in_1", "in_2", "ch_3"]


def test_E20_old_charges_name_their_invoice_themselves(api: StripeApi, server: Recorded) -> None:
    old = an_invoice("in_1", None, charge="ch_1")
    server.play("GET", "/v1/invoices", rows(old))
    charges = a_charge("ch_1", None), a_charge("ch_2", None, invoice="in_of_a_deleted_one")
    server.play("GET", "/v1/charges", rows(*charges))
    server.play("GET", "/v1/checkout/sessions", rows())  # no order says what for
    assert [m.id for m in api.money("cus_1")] == ["in_1"]


def test_a_refund_of_an_old_invoice_is_found_by_its_own_date(
    api: StripeApi, server: Recorded
) -> None:
    late = {**REFUND, "created": T0 + 900 * DAY}
    server.play("GET", "/v1/invoices", rows(an_invoice()))
    refunds = {"data": [late], "has_more": False}
    server.play("GET", "/v1/charges", rows(a_charge(amount_refunded=300, refunds=refunds)))
    everything = api.money("cus_1")
    since = everything[-1].at
    assert [m.id for m in api.money("cus_1", since)] == ["re_1"]
    assert everything[-1].invoice_id == "in_1"
    assert everything[-1].subscription_id == "sub_1"


def test_E20_refunds_that_do_not_stand_in_the_charge_are_asked_for(
    api: StripeApi, server: Recorded
) -> None:
    charge = a_charge(amount_refunded=300)
    del charge["refunds"]
    order = an_order(payment_intent="pi_1")
    server.play("GET", "/v1/checkout/sessions", rows(order))
    server.play("GET", "/v1/invoices", rows())
    server.play("GET", "/v1/payment_intents/pi_1", answer({"latest_charge": charge}))
    server.play("GET", "/v1/refunds", rows(REFUND))
    assert [m.id for m in api.purchases("cus_1").money] == ["ch_1", "re_1"]


def test_E34_an_order_that_cost_nothing_is_a_purchase_and_no_money(
    api: StripeApi, server: Recorded
) -> None:
    free = an_order(payment_status="no_payment_required", payment_intent=None)
    server.play("GET", "/v1/checkout/sessions", rows(free))
    server.play("GET", "/v1/invoices", rows())
    reading = api.purchases("cus_1")
    assert len(reading.purchases) == 1
    assert reading.money == ()


def test_more_than_ten_refunds_are_all_read(api: StripeApi, server: Recorded) -> None:
    many = [{**REFUND, "id": f"re_{n}", "amount": 10} for n in range(11)]
    cut = {"data": many[:10], "has_more": True}
    server.play("GET", "/v1/invoices", rows())
    server.play("GET", "/v1/charges", rows(a_charge(refunds=cut)))
    server.play("GET", "/v1/refunds", rows(*many))
    server.play("GET", "/v1/checkout/sessions", rows())  # no order says what for
    assert sum(m.kind == "refunded" for m in api.money("cus_1")) == 11


def test_an_invoice_paid_in_many_parts_covers_all_its_charges(
    api: StripeApi, server: Recorded
) -> None:
    parts = [{"payment": {"payment_intent": f"pi_{n}"}} for n in range(11)]
    invoice = an_invoice(payments={"data": parts[:10], "has_more": True})
    server.play("GET", "/v1/invoices", rows(invoice))
    server.play("GET", "/v1/invoice_payments", rows(*parts))
    charges = [a_charge(f"ch_{n}", f"pi_{n}", amount=91) for n in range(11)]
    server.play("GET", "/v1/charges", rows(*charges))
    assert [m.id for m in api.money("cus_1")] == ["in_1"]


# --- single objects and lists --------------------------------------------------------------------


def test_the_whole_catalogue_is_read_archived_ones_included(
    api: StripeApi, server: Recorded
) -> None:
    products = {"id": "prod_1", "name": "A"}, {"id": "prod_2", "name": "B", "active": False}
    server.play("GET", "/v1/products", rows(products[0], more=True), rows(products[1]))
    server.play("GET", "/v1/prices", rows(a_price(), a_price("price_2", active=False)))
    pages = list(api.catalogue())
    assert [p.id for some, _ in pages for p in some] == ["prod_1", "prod_2"]
    assert [p.active for _, some in pages for p in some] == [True, False]


def test_entitlements_are_read_to_the_last_page_and_only_when_asked(
    api: StripeApi, server: Recorded
) -> None:
    server.play("GET", "/v1/subscriptions", rows(), rows())
    assert api.customer_reading("cus_1").entitlements is None
    first, last = ({"id": f"ent_{key}", "lookup_key": key} for key in ("forum", "app"))
    server.play("GET", "/v1/entitlements/active_entitlements", rows(first, more=True), rows(last))
    assert api.customer_reading("cus_1", entitlements=True).entitlements == ("app", "forum")


def test_a_product_is_read_with_the_features_it_carries_where_they_are_asked_for(
    api: StripeApi, server: Recorded
) -> None:
    feature = {"id": "feat_1", "lookup_key": "forum", "name": "The forum", "metadata": {"a": "b"}}
    carried = {"id": "prodft_1", "entitlement_feature": feature}
    server.play("GET", "/v1/products/prod_1", answer({"id": "prod_1", "name": "A"}))
    server.play("GET", "/v1/products", rows({"id": "prod_1", "name": "A"}))
    server.play("GET", "/v1/products/prod_1/features", rows(carried), rows(carried))
    server.play("GET", "/v1/prices", rows())
    server.play("GET", "/v1/entitlements/features", rows({**feature, "active": False}))
    assert api.product("prod_1", features=True).features == ("forum",)
    ((of_catalogue,), _), *_ = api.catalogue(features=True)
    assert of_catalogue.features == ("forum",)
    (found,) = api.features()
    assert (found.lookup_key, found.active, found.metadata) == ("forum", False, {"a": "b"})


def test_E37_a_deleted_customer_is_still_known(api: StripeApi, server: Recorded) -> None:
    server.play("GET", "/v1/customers/cus_1", answer({"id": "cus_1", "deleted": True}))
    assert api.customer("cus_1").deleted


@pytest.mark.parametrize(
    ("kind", "path", "raw"),
    [
        ("subscription", "/v1/subscriptions/id_1", {"customer": "cus_1"}),
        ("invoice", "/v1/invoices/id_1", {"customer": {"id": "cus_1"}}),
        ("charge", "/v1/charges/id_1", {"customer": "cus_1"}),
        ("payment_intent", "/v1/payment_intents/id_1", {"customer": "cus_1"}),
        ("checkout.session", "/v1/checkout/sessions/id_1", {"customer": "cus_1"}),
        ("dispute", "/v1/disputes/id_1", {"charge": {"customer": "cus_1"}}),
        ("refund", "/v1/refunds/id_1", {"charge": {"customer": "cus_1"}}),
        ("invoice_payment", "/v1/invoice_payments/id_1", {"invoice": {"customer": "cus_1"}}),
    ],
)
def test_the_customer_of_an_object_is_found(
    api: StripeApi, server: Recorded, kind: str, path: str, raw: Any
) -> None:
    server.play("GET", path, answer(raw))
    assert api.customer_of(kind, "id_1") == "cus_1"


def test_objects_of_nobody_have_no_customer(api: StripeApi, server: Recorded) -> None:
    server.play("GET", "/v1/charges/ch_1", answer({"customer": None}))
    server.play("GET", "/v1/charges/ch_2", refusal(404, "resource_missing"))
    assert [api.customer_of("charge", i) for i in ("ch_1", "ch_2")] == [None, None]
    assert api.customer_of("product", "prod_1") is None
    assert api.customer_of("customer", "cus_1") == "cus_1"


@pytest.mark.parametrize(
    ("typed", "asked", "words"),
    [
        ("cus_none", "cus_none", "Stripe has no cus_none"),
        ("abc", "abc", "Stripe has no abc"),
        ("<b>", "%3Cb%3E", "Stripe has no '<b>'"),
        ("cus_a, cus_b", "cus_a%2C%20cus_b", "Stripe has no 'cus_a, cus_b'"),
    ],
)
def test_what_stripe_does_not_have_is_named_for_who_typed_it(
    api: StripeApi, server: Recorded, typed: str, asked: str, words: str
) -> None:
    server.play("GET", f"/v1/customers/{asked}", refusal(404, "resource_missing"))
    with pytest.raises(NotFound, match=f"^{words}$"):
        api.customer(typed)


class Events(Recorded):
    """Answers /v1/events as Stripe does: the newest first, paging towards the newer ones."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.events = [{"id": f"evt_{n}", "type": "a" if n % 2 else "b"} for n in range(count)]

    def next_answer(self, asked: Asked) -> Played:
        self.asked.append(asked)
        cursor = asked.query.get("ending_before", [None])[0]
        ids = [e["id"] for e in self.events]
        if cursor is None:
            return rows(*reversed(self.events[-100:]), more=len(self.events) > 100)
        if cursor not in ids:
            return refusal(404, "resource_missing")
        newer = self.events[ids.index(cursor) + 1 :]
        return rows(*reversed(newer[:100]), more=len(newer) > 100)


def test_F34_missed_events_come_oldest_first_to_the_last_one() -> None:
    with recorded_server(Events(251)) as server:
        api = StripeApi("sk_test_123", server.url)
        batches = list(api.events_since("evt_0"))
    assert [len(b) for b in batches] == [100, 100, 50]
    assert [e["id"] for b in batches for e in b] == [f"evt_{n}" for n in range(1, 251)]
    assert len(server.asked) == 3


def test_events_before_the_first_cursor_are_the_newest_only() -> None:
    with recorded_server(Events(120)) as server:
        batches = list(StripeApi("sk_test_123", server.url).events_since(None))
    assert [b[-1]["id"] for b in batches] == ["evt_119"]


def test_a_cursor_that_stripe_has_forgotten_is_told() -> None:
    with recorded_server(Events(3)) as server, pytest.raises(NotFound):
        list(StripeApi("sk_test_123", server.url).events_since("evt_old"))


def test_more_types_than_a_filter_takes_are_sorted_out_here() -> None:
    wanted = ["a", *(f"type{n}" for n in range(25))]
    with recorded_server(Events(10)) as server:
        (batch,) = StripeApi("sk_test_123", server.url).events_since("evt_0", wanted)
    assert {e["type"] for e in batch} == {"a"}
    assert "types[0]" not in server.asked[0].query


# --- buying --------------------------------------------------------------------------------------

MONTHLY = Price("price_1", "prod_1", "eur", 1000, "month")
ONCE = Price("price_2", "prod_1", "eur", 2500)
ALLOWED = {
    "mode",
    "line_items[0][price]",
    "line_items[0][quantity]",
    "line_items[0][metadata][purpose]",
    "locale",
    "saved_payment_method_options[allow_redisplay_filters][0]",
    "saved_payment_method_options[allow_redisplay_filters][1]",
    "saved_payment_method_options[allow_redisplay_filters][2]",
    "saved_payment_method_options[payment_method_save]",
    "client_reference_id",
    "success_url",
    "cancel_url",
    "customer",
    "customer_creation",
    "invoice_creation[enabled]",
}
ABOUT = {"discourse_user_id", "bridge_reference", "purpose"}


def order(price: Price, purpose: str = "membership", **changed: Any) -> CheckoutRequest:
    return CheckoutRequest(
        lines=(CheckoutLine(price, purpose),),
        user_id=7,
        reference=REFERENCE,
        success_url="https://bridge.example.com/join/done?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://bridge.example.com/join/price_1",
        **changed,
    )


def bought(api: StripeApi, server: Recorded, request: CheckoutRequest) -> Asked:
    page = {"id": "cs_1", "url": "https://checkout.stripe.com/c/cs_1"}
    server.play("POST", "/v1/checkout/sessions", answer(page))
    assert api.create_checkout(request, "key-1") == CheckoutLink(**page)
    return server.asked[-1]


@pytest.mark.parametrize("price", [MONTHLY, ONCE])
@pytest.mark.parametrize("customer_id", [None, "cus_1"])
def test_A77_only_allow_listed_fields_go_to_stripe(
    api: StripeApi, server: Recorded, price: Price, customer_id: str | None
) -> None:
    sent = bought(api, server, order(price, customer_id=customer_id)).body
    places = (
        "metadata",
        "subscription_data[metadata]",
        "payment_intent_data[metadata]",
        "invoice_creation[invoice_data][metadata]",
    )
    assert set(sent) <= ALLOWED | {f"{place}[{key}]" for place in places for key in ABOUT}
    assert not any("email" in key or "ui_mode" in key for key in sent)


def test_A53_a_subscription_carries_purpose_and_buyer(api: StripeApi, server: Recorded) -> None:
    asked = bought(api, server, order(MONTHLY, purpose="share", customer_id="cus_1"))
    sent = asked.body
    assert sent["mode"] == "subscription"
    assert sent["client_reference_id"] == REFERENCE
    assert sent["customer"] == "cus_1"
    for place in ("metadata", "subscription_data[metadata]"):
        assert sent[f"{place}[purpose]"] == "share"
        assert sent[f"{place}[discourse_user_id]"] == "7"
        assert sent[f"{place}[bridge_reference]"] == REFERENCE
    assert asked.headers["Idempotency-Key"] == "key-1"


def test_A53_a_one_off_order_carries_them_too_and_makes_an_invoice(
    api: StripeApi, server: Recorded
) -> None:
    sent = bought(api, server, order(ONCE)).body
    assert sent["mode"] == "payment"
    assert sent["invoice_creation[enabled]"] == "true"
    assert sent["customer_creation"] == "always"
    assert sent["payment_intent_data[metadata][purpose]"] == "membership"
    assert sent["invoice_creation[invoice_data][metadata][bridge_reference]"] == REFERENCE


EVERYTHING = Paying(
    promotion_codes=True,
    automatic_tax=True,
    tax_ids=True,
    billing_address="required",
    terms=True,
    phone=True,
    text="See you there.",
    locale="de",
    trial_card=False,
    trial_end="pause",
    trial_with_code=True,
)
ALL_OF_IT = {
    "allow_promotion_codes": "true",
    "automatic_tax[enabled]": "true",
    "tax_id_collection[enabled]": "true",
    "billing_address_collection": "required",
    "consent_collection[terms_of_service]": "required",
    "phone_number_collection[enabled]": "true",
    "custom_text[submit][message]": "See you there.",
    "locale": "de",
    "customer_update[address]": "auto",
    "customer_update[name]": "auto",
}
A_TRIAL = {
    "subscription_data[trial_period_days]": "14",
    "subscription_data[trial_settings][end_behavior][missing_payment_method]": "pause",
    "payment_method_collection": "if_required",
}


def test_A77_what_the_site_wants_of_stripes_page_is_sent_and_nothing_else(
    api: StripeApi, server: Recorded
) -> None:
    plain = bought(api, server, order(MONTHLY, customer_id="cus_1")).body
    wanted = order(MONTHLY, customer_id="cus_1", paying=EVERYTHING, trial_days=14)
    sent = bought(api, server, wanted).body
    assert {k: v for k, v in sent.items() if plain.get(k) != v} == ALL_OF_IT | A_TRIAL
    without_trial = bought(api, server, replace(wanted, trial_days=0)).body
    assert without_trial.keys() == sent.keys() - A_TRIAL.keys()


def test_A67_A77_a_first_payment_that_waits_is_a_date_and_a_word_in_the_metadata(
    api: StripeApi, server: Recorded
) -> None:
    at = datetime(2027, 2, 6, 12, tzinfo=UTC)
    plain = bought(api, server, order(MONTHLY, customer_id="cus_1")).body
    sent = bought(api, server, order(MONTHLY, customer_id="cus_1", continues_at=at)).body
    assert {k: v for k, v in sent.items() if plain.get(k) != v} == {
        "subscription_data[trial_end]": str(int(at.timestamp())),
        "subscription_data[metadata][bridge_continues]": at.isoformat(),
    }


def test_a_code_goes_with_a_trial_only_where_the_site_says_so(
    api: StripeApi, server: Recorded
) -> None:
    alone = replace(EVERYTHING, trial_with_code=False)
    sent = bought(api, server, order(MONTHLY, paying=alone, trial_days=14)).body
    assert "allow_promotion_codes" not in sent
    assert "allow_promotion_codes" in bought(api, server, order(MONTHLY, paying=alone)).body


def test_A50_A53_each_line_says_its_purpose_and_the_subscription_that_of_what_renews(
    api: StripeApi, server: Recorded
) -> None:
    open_price = replace(ONCE, id="price_3", amount_minor=None, tax_behavior="inclusive")
    lines = (
        CheckoutLine(ONCE, "share"),
        CheckoutLine(MONTHLY, "membership", quantity=3),
        CheckoutLine(open_price, "donation", amount_minor=700),
    )
    sent = bought(api, server, replace(order(MONTHLY), lines=lines)).body
    items = {k: v for k, v in sent.items() if k.startswith("line_items")}
    assert items == {
        "line_items[0][price]": "price_2",
        "line_items[0][quantity]": "1",
        "line_items[0][metadata][purpose]": "share",
        "line_items[1][price]": "price_1",
        "line_items[1][quantity]": "3",
        "line_items[1][metadata][purpose]": "membership",
        "line_items[2][price_data][currency]": "eur",
        "line_items[2][price_data][product]": "prod_1",
        "line_items[2][price_data][unit_amount]": "700",
        "line_items[2][price_data][tax_behavior]": "inclusive",
        "line_items[2][quantity]": "1",
        "line_items[2][metadata][purpose]": "donation",
        "line_items[2][metadata][bridge_price]": "price_3",
    }
    assert sent["metadata[purpose]"] == "share+membership+donation"
    assert sent["subscription_data[metadata][purpose]"] == "membership"
    assert sent["mode"] == "subscription"


def test_A8_a_new_customer_is_told_nothing_about_the_person(
    api: StripeApi, server: Recorded
) -> None:
    server.play("POST", "/v1/customers", answer({"id": "cus_9", "metadata": {}}))
    assert api.create_customer(7, REFERENCE, "key-2").id == "cus_9"
    assert server.asked[0].body == {
        "metadata[discourse_user_id]": "7",
        "metadata[bridge_reference]": REFERENCE,
    }
    assert server.asked[0].headers["Idempotency-Key"] == "key-2"


def test_the_portal_is_one_customers(api: StripeApi, server: Recorded) -> None:
    server.play("POST", "/v1/billing_portal/sessions", answer({"url": "https://billing/x"}))
    assert api.portal("cus_1", "https://bridge.example.com/me") == "https://billing/x"
    assert server.asked[0].body["customer"] == "cus_1"


def test_how_far_an_order_is(api: StripeApi, server: Recorded) -> None:
    server.play("GET", "/v1/checkout/sessions/cs_1", answer(an_order()))
    state = api.checkout_session("cs_1")
    assert state.is_paid
    assert state.customer_id == "cus_1"
    assert state.reference == Carried(REFERENCE, moment(T0), is_typed=True)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("played", "error"),
    [
        (refusal(400), Permanent),
        (refusal(400, "resource_missing"), NotFound),
        (refusal(404, "resource_missing"), NotFound),
        (refusal(404), NotFound),
        (refusal(400, kind="idempotency_error"), Permanent),
        (refusal(402, "card_declined", "card_error"), Permanent),
        (refusal(401), Forbidden),
        (refusal(403), Forbidden),
        (refusal(409, "idempotency_key_in_use"), Transient),
        (refusal(429, "lock_timeout"), RateLimited),
        (refusal(429, "rate_limit"), RateLimited),
        (refusal(400, "rate_limit"), RateLimited),
        (refusal(500, kind="api_error"), Transient),
        (refusal(503, kind="api_error"), Transient),
        (answer("<html>502</html>", 502), Transient),
        (answer("<html>hello</html>"), Transient),
        (answer("{"), Transient),
        (answer([]), Transient),
        (answer({}), Transient),
        (answer({"id": "price_1"}, how="half"), Unreachable),
        (answer({"id": "price_1"}, how="reset"), Unreachable),
    ],
)
def test_F20_each_error_of_stripes_has_its_type(
    api: StripeApi, server: Recorded, played: Played, error: type[Exception]
) -> None:
    server.play("GET", "/v1/prices/price_1", played)
    started = time.monotonic()
    with pytest.raises(error) as raised:
        api.price("price_1")
    assert type(raised.value) is error
    assert len(server.asked) == 1  # tried again by the queue only
    assert time.monotonic() - started < 5
    assert "<html>" not in str(raised.value)


def test_how_long_to_wait_is_taken_from_the_answer(api: StripeApi, server: Recorded) -> None:
    limited = refusal(429, "rate_limit")
    told = answer(json.loads(limited.body), 429, headers={"Retry-After": "4"})
    server.play("GET", "/v1/prices/price_1", told, limited)
    for seconds in (4, 1):
        with pytest.raises(RateLimited) as error:
            api.price("price_1")
        assert error.value.retry_after == seconds


def test_silence_is_bounded(server: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_http, "WORK_TIMEOUT", (1, 0.05))
    server.play("GET", "/v1/prices/price_1", answer(how="silence"))
    with pytest.raises(Transient):
        StripeApi("sk_test_123", server.url).price("price_1")


def test_a_stripe_that_is_down_is_transient() -> None:
    with recorded_server() as gone:
        url = gone.url
    with pytest.raises(Transient):
        StripeApi("sk_test_123", url).price("price_1")


def test_a_key_never_gets_into_a_message(server: Recorded) -> None:
    message = {"error": {"message": "Invalid API Key provided: sk_test_*******3456"}}
    server.play("GET", "/v1/prices/price_1", answer(message, 401))
    with pytest.raises(Forbidden) as error:
        StripeApi("sk_test_123456", server.url).price("price_1")
    assert "sk_test" not in str(error.value)


def test_connections_are_shared_and_telemetry_is_off(api: StripeApi, server: Recorded) -> None:
    server.play("GET", "/v1/prices/price_1", answer(a_price()))
    for _ in range(3):
        api.price("price_1")
    assert len({asked.connection for asked in server.asked}) == 1
    assert not any("X-Stripe-Client-Telemetry" in asked.headers for asked in server.asked)


# --- signatures, doctor --------------------------------------------------------------------------

BODY = '{"id": "evt_1", "object": "event", "name": "\u00fc"}'
SECRET = "whsec_new"


def header(secret: str = SECRET, age: int = 0) -> str:
    made: str = stripe.WebhookSignature.generate_signature_header(
        BODY, secret, timestamp=int(time.time()) - age
    )
    return made


@pytest.mark.parametrize(
    ("signer", "age", "secrets", "good"),
    [
        (SECRET, 0, [SECRET], True),
        ("whsec_old", 0, [SECRET, "whsec_old"], True),
        ("whsec_other", 0, [SECRET], False),
        (SECRET, 240, [SECRET], True),
        (SECRET, 400, [SECRET], False),
        (SECRET, 0, [], False),
        (SECRET, 0, [""], False),
    ],
)
def test_F35_a_signature_counts_if_one_of_the_secrets_made_it_of_late(
    signer: str, age: int, secrets: list[str], *, good: bool
) -> None:
    given = header(signer, age)
    assert StripeApi.verify_signature(BODY.encode(), given, secrets) is good


@pytest.mark.parametrize("given", ["", "rubbish", "t=x,v1=y", "t=1", "v1=abc", "t=1,v1=é"])
def test_a_header_that_is_none_is_not_stripes(given: str) -> None:
    assert not StripeApi.verify_signature(BODY.encode(), given, [SECRET])


def test_a_body_that_is_no_text_is_not_stripes() -> None:
    assert not StripeApi.verify_signature(b"\xff\xfe", header(), [SECRET])


class Key(Recorded):
    """Stripe, for a restricted key without the right to one path."""

    def __init__(self, lacking: tuple[str, str] | None, *, revoked: bool = False) -> None:
        super().__init__()
        self.lacking, self.revoked = lacking, revoked

    def next_answer(self, asked: Asked) -> Played:
        self.asked.append(asked)
        if self.revoked:
            return refusal(401)
        if self.lacking == (asked.method, asked.path):
            return refusal(403)
        return rows() if asked.method == "GET" else refusal(400, "parameter_missing")


def test_A103_a_restricted_key_that_may_everything_contents_the_doctor() -> None:
    with recorded_server(Key(None)) as server:
        checks = StripeApi("rk_test_1", server.url).probe_scopes()
    assert all(check.ok for check in checks)


@pytest.mark.parametrize(
    ("lacking", "scope"),
    [
        (("GET", "/v1/subscriptions"), "Subscriptions: read"),
        (("GET", "/v1/disputes"), "Disputes: read"),
        (("POST", "/v1/checkout/sessions"), "Checkout Sessions: write"),
        (("POST", "/v1/billing_portal/sessions"), "Customer portal: write"),
        (("GET", "/v1/webhook_endpoints"), "Webhook endpoints: read"),
        (("POST", "/v1/subscriptions/sub_that_does_not_exist"), "Subscriptions: write"),
        (("POST", "/v1/invoices/create_preview"), "Invoices: write"),
    ],
)
def test_A103_a_missing_scope_is_named(lacking: tuple[str, str], scope: str) -> None:
    with recorded_server(Key(lacking)) as server:
        checks = StripeApi("rk_test_1", server.url).probe_scopes()
    (wrong,) = [check for check in checks if not check.ok]
    assert wrong.scope == scope
    assert wrong.needed == (scope not in ("Webhook endpoints: read", "Invoices: write"))


def test_A103_a_revoked_key_is_one_finding() -> None:
    with recorded_server(Key(None, revoked=True)) as server:
        checks = StripeApi("rk_test_1", server.url).probe_scopes()
    assert [(check.scope, check.ok) for check in checks] == [("key", False)]


def test_endpoints_are_listed_with_their_version(api: StripeApi, server: Recorded) -> None:
    raw = {
        "id": "we_1",
        "url": "https://bridge.example.com/webhooks/stripe",
        "status": "enabled",
        "enabled_events": ["*"],
        "livemode": False,
    }
    server.play("GET", "/v1/webhook_endpoints", rows(raw))
    (endpoint,) = api.webhook_endpoints()
    assert (endpoint.api_version, endpoint.enabled_events) == (None, ("*",))
