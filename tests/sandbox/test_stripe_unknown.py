"""Unknown and deleted customers: which requests about them are allowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from bridge.sandbox.stripe.routes import ROUTES
from tests.sandbox.stripe_shop import Shop, open_shop

LISTS = (
    "charges",
    "checkout/sessions",
    "credit_notes",
    "entitlements/active_entitlements",
    "invoiceitems",
    "invoices",
    "payment_intents",
    "payment_methods",
    "promotion_codes",
    "setup_intents",
    "subscription_schedules",
    "subscriptions",
)
NESTED = ("balance_transactions", "cash_balance", "payment_methods", "tax_ids")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def ask(shop: Shop, path: str, **params: str) -> requests.Response:
    return requests.get(
        f"{shop.server.url}/v1/{path}", params=params, auth=("sk_test_x", ""), timeout=10
    )


@pytest.mark.parametrize("path", LISTS)
def test_A139_a_list_of_an_unknown_customers_is_refused(shop: Shop, path: str) -> None:
    answer = ask(shop, path, customer="cus_elsewhere")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("resource_missing", "customer")
    assert error["message"] == "No such customer: 'cus_elsewhere'"


def test_A139_every_list_that_filters_by_customer_is_in_the_table() -> None:
    paths = {route.removeprefix("GET /v1/") for route in ROUTES if route.startswith("GET ")}
    assert set(LISTS) <= paths


@pytest.mark.parametrize("path", LISTS)
def test_A139_a_known_customers_lists_are_answered_and_a_deleted_ones_too(
    shop: Shop, path: str
) -> None:
    customer = shop.customer()
    assert ask(shop, path, customer=customer).status_code == 200
    shop.v1.customers.delete(customer)
    assert ask(shop, path, customer=customer).status_code == 200


def test_A139_an_unknown_customer_is_not_found(shop: Shop) -> None:
    answer = ask(shop, "customers/cus_elsewhere")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "resource_missing")


@pytest.mark.parametrize("path", NESTED)
def test_A139_what_is_below_an_unknown_or_deleted_customer_is_not_found(
    shop: Shop, path: str
) -> None:
    customer = shop.customer()
    assert ask(shop, f"customers/{customer}/{path}").status_code == 200
    shop.v1.customers.delete(customer)
    for id_ in ("cus_elsewhere", customer):
        answer = ask(shop, f"customers/{id_}/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


def test_A139_of_a_deleted_customer_a_stub_remains_and_their_subscriptions_have_ended(
    shop: Shop,
) -> None:
    sub = shop.subscribe()
    shop.v1.customers.delete(sub.customer)
    stub = shop.v1.customers.retrieve(sub.customer).to_dict()
    assert stub == {"id": sub.customer, "object": "customer", "deleted": True}
    ended = shop.v1.subscriptions.list({"customer": sub.customer, "status": "all"}).data
    assert [s.status for s in ended] == ["canceled"]
    changed = requests.post(
        f"{shop.server.url}/v1/customers/{sub.customer}",
        data={"name": "Ann"},
        auth=("sk_test_x", ""),
        timeout=10,
    )
    assert (changed.status_code, changed.json()["error"]["code"]) == (404, "resource_missing")
