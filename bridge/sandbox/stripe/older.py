"""Features of older API versions: legacy parameters, sources, payment pages.

The official command line tool names no version and uses these; the newest version refuses them.
"""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.cards import method_values
from bridge.sandbox.stripe.checkout_payment import complete
from bridge.sandbox.stripe.crud import Handler, merge_metadata
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.errors import missing_object
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import render


def _card(account: Account, customer: str, token: str) -> Obj:
    values = method_values(token.removeprefix("tok_"))
    if values is None:
        raise missing_object("token", token, "source")
    details = values["card"]
    nothing = (
        "address_city address_country address_line1 address_line1_check address_line2 "
        "address_state address_zip address_zip_check dynamic_last4 name tokenization_method"
    )
    same = ("country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    card: Obj = {
        **dict.fromkeys(nothing.split()),
        **{name: details[name] for name in same},
        "id": account.ids.new("card"),
        "object": "card",
        "brand": details["brand"].title(),
        "customer": customer,
        "cvc_check": "pass",
        "metadata": {},
        "regulated_status": details["regulated_status"],
    }
    method = account.new("payment_method", card["id"], **values, customer=customer)
    account.tables["card"][card["id"]] = card
    return {**card, "_method": method["id"]}


def _create_source(account: Account, params: Obj, customer: str) -> Obj:
    owner = find_customer(account, customer, "id")
    card = _card(account, customer, str(params.get("source")))
    with changing(account, owner, "customer.updated"):
        owner["default_source"] = owner["default_source"] or card["id"]
    emit(account, "customer.source.created", card)
    return card


def _update_source(account: Account, params: Obj, _customer: str, id_: str) -> Obj:
    card = account.find("card", id_)
    with changing(account, card, "customer.source.updated"):
        merge_metadata(card, params)
    return card


def _page(account: Account, _params: Obj, id_: str) -> Obj:
    return account.find("checkout.session", id_)


def _confirm_page(account: Account, params: Obj, id_: str) -> Obj:
    """The requests of the hosted page's own script."""
    session = account.find("checkout.session", id_)
    method = account.find("payment_method", params["payment_method"], "payment_method")
    details = method["billing_details"]
    form: dict[str, Any] = {
        "token": method["id"],
        "email": details["email"],
        "name": details["name"],
        "country": details["address"]["country"],
    }
    complete(account, session, form)
    return {**render(account, session), "object": "checkout.session"}


# Parameters by operation that the newest version no longer has.
PARAMETERS: dict[str, dict[str, Any]] = {
    "POST /v1/payment_intents": {
        "payment_method_types": ["s"],
        "payment_method_options": "*",
        "mandate_data": "*",
    },
    "POST /v1/setup_intents": {"payment_method_types": ["s"]},
    "POST /v1/checkout/sessions": {"payment_method_types": ["s"]},
    "POST /v1/customers": {"coupon": "s"},
    "POST /v1/customers/{}": {"coupon": "s"},
    "POST /v1/promotion_codes": {"coupon": "s"},
    "POST /v1/subscription_schedules": {"phases": [{"iterations": "i"}]},
    "POST /v1/subscription_schedules/{}": {"phases": [{"iterations": "i"}]},
    "POST /v1/customers/{}/sources": {"source": "s"},
    "POST /v1/customers/{}/sources/{}": {"metadata": "m"},
    "POST /v1/payment_pages/{}/confirm": {"payment_method!": "s", "expected_amount": "i"},
}


def modern(operation: str, params: Obj) -> Obj:
    """The same request in the newest version's parameters."""
    if not params.get("coupon") and "coupon" not in params:
        return params
    coupon = params.pop("coupon")
    if "promotion_codes" in operation:
        return {**params, "promotion": {"type": "coupon", "coupon": coupon}}
    return {**params, "discounts": [{"coupon": coupon}] if coupon else []}


ROUTES: dict[str, Handler] = {
    "POST /v1/customers/{}/sources": _create_source,
    "POST /v1/customers/{}/sources/{}": _update_source,
    "GET /v1/payment_pages/{}": _page,
    "POST /v1/payment_pages/{}/confirm": _confirm_page,
}
