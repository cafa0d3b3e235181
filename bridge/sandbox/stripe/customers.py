"""Customers, their payment methods, tax ids and balance."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.cards import (
    IBANS,
    NUMBERS,
    behaviour,
    check_card,
    debit_values,
    method_values,
)
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    deep_update,
    in_range,
    merge_metadata,
    page,
    retrieving,
    rows_of,
    updating,
)
from bridge.sandbox.stripe.discounts import apply_to_customer, drop_from_customer
from bridge.sandbox.stripe.errors import card_error, invalid, missing_object
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj

FIELDS = (
    "description",
    "email",
    "name",
    "phone",
    "preferred_locales",
    "tax_exempt",
)
CUSTOMER_TOKENS = "pm_card_"


def find_customer(account: Account, id_: str | None, param: str = "customer") -> Obj:
    """A customer who is not deleted."""
    if not id_:
        raise invalid(f"Missing required param: {param}.", param, "parameter_missing")
    customer = account.find("customer", id_, param)
    if customer.get("deleted"):
        raise missing_object("customer", id_, param)
    return customer


def create_customer(account: Account, params: Obj) -> Obj:
    """POST /v1/customers."""
    clock = params.get("test_clock") or None
    if clock:
        account.live_at_clock_of(
            {"test_clock": account.find("test_helpers.test_clock", clock)["id"]}
        )
    customer = account.new(
        "customer", test_clock=clock, invoice_prefix=account.ids.hexadecimal(8).upper()
    )
    token = params.get("payment_method")
    if token:  # within one request, the same test token is the same new card
        made = method_from(account, token)["id"]
        settings = params.get("invoice_settings") or {}
        if settings.get("default_payment_method") == token:
            settings = {**settings, "default_payment_method": made}
        params = {**params, "payment_method": made, "invoice_settings": settings}
    _take_over(account, customer, params)
    emit(account, "customer.created", customer)
    if token:
        attach(account, method_from(account, params["payment_method"]), customer)
    elif token := params.get("source"):
        customer["default_source"] = attach(account, method_from(account, token), customer)["id"]
    if params.get("balance"):
        change_balance(account, customer, params["balance"], "adjustment")
    for tax_id in params.get("tax_id_data") or ():
        create_tax_id(account, tax_id, customer["id"])
    return customer


def _take_over(account: Account, customer: Obj, params: Obj) -> None:
    copy_named(customer, params, *FIELDS)
    for name in ("address", "shipping"):
        if name in params:
            customer[name] = params[name] and {
                **dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
                **params[name],
            }
    settings = params.get("invoice_settings") or {}
    if default := settings.get("default_payment_method"):
        method = method_from(account, default)
        if method["customer"] is None:
            attach(account, method, customer)
        settings = {**settings, "default_payment_method": method["id"]}
    deep_update(customer["invoice_settings"], settings)
    if "discounts" in params:
        if not params["discounts"] and customer["discount"]:
            drop_from_customer(account, customer)
        for discount in params["discounts"]:
            apply_to_customer(account, customer, discount)
    merge_metadata(customer, params)


def update_customer(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/customers/{id}."""
    customer = find_customer(account, id_, "id")
    account.live_at_clock_of(customer)
    with changing(account, customer, "customer.updated"):
        _take_over(account, customer, params)
        if params.get("source"):
            method = attach(account, method_from(account, params["source"]), customer)
            customer["default_source"] = method["id"]
        if "default_source" in params:
            customer["default_source"] = params["default_source"] or None
    if "balance" in params and params["balance"] != customer["balance"]:
        amount = params["balance"] - customer["balance"]
        change_balance(account, customer, amount, "adjustment")
    return customer


def delete_customer(account: Account, _params: Obj, id_: str) -> Obj:
    """DELETE /v1/customers/{id}: ends the subscriptions at once; only a stub remains."""
    customer = find_customer(account, id_, "id")
    emit(account, "customer.deleted", customer)
    gone: Obj = {"id": id_, "object": "customer", "deleted": True}
    account.tables["customer"][id_] = gone
    return gone


def _list_customers(account: Account, params: Obj) -> Obj:
    email, clock = params.get("email"), params.get("test_clock")
    rows = [
        c
        for c in account.rows("customer")
        if not c.get("deleted")
        and (email is None or c["email"] == email)
        and c["test_clock"] == clock
        and in_range(c["created"], params.get("created"))
    ]
    return page(rows, params, "/v1/customers", "customer")


def method_from(account: Account, token: str) -> Obj:
    """A payment method by id, or a new one from a test token such as `pm_card_visa`."""
    if found := account.get("payment_method", token):
        return found
    for prefix in ("pm_card_", "tok_", "pm_"):
        if token.startswith(prefix):
            values = method_values(token.removeprefix(prefix))
            if values:
                return account.new("payment_method", **values)
    if token.startswith("tok_") and (kept := account.tables["token"].get(token)):
        return account.new("payment_method", **method_values(kept["_behaviour"]) or {})
    raise missing_object("PaymentMethod", token, "payment_method")


def create_method(account: Account, params: Obj) -> Obj:
    """POST /v1/payment_methods."""
    kind = params.get("type") or "card"
    given = params.get(kind) or {}
    values: Obj | None = None
    if kind == "card":
        token = str(given.get("token") or "").removeprefix("tok_")
        number = str(given.get("number") or "").replace(" ", "")
        check_card(number, given, account.now)
        values = method_values(token or NUMBERS.get(number, "visa"))
    elif kind == "sepa_debit":
        last4 = str(given.get("iban", "3000"))[-4:]
        values = debit_values(kind, last4, IBANS.get(last4, "succeed"))
    elif kind == "us_bank_account":
        last4 = str(given.get("account_number", "000123456789"))[-4:]
        values = debit_values(kind, last4, "fail" if last4 in ("1116", "1113") else "succeed")
    else:
        values = {"type": kind, kind: given, "_behaviour": "visa"}
    if values is None:
        raise missing_object("token", str(given.get("token")), "card[token]")
    method = account.new("payment_method", **values)
    deep_update(method["billing_details"], params.get("billing_details") or {})
    merge_metadata(method, params)
    return method


def attach(account: Account, method: Obj, customer: Obj) -> Obj:
    """Save a payment method with a customer; a card that is declined cannot be saved."""
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            "payment_method",
        )
    if code := behaviour(method).attach:
        raise card_error(code, payment_method=plain(method))
    method["customer"] = customer["id"]
    account.of_customer["payment_method", customer["id"]].append(method["id"])
    emit(account, "payment_method.attached", method)
    return method


def _attach(account: Account, params: Obj, id_: str) -> Obj:
    customer = find_customer(account, params.get("customer"))
    return attach(account, method_from(account, id_), customer)


def _detach(account: Account, _params: Obj, id_: str) -> Obj:
    method = account.find("payment_method", id_)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    customer = account.tables["customer"][method["customer"]]
    account.of_customer["payment_method", customer["id"]].remove(id_)
    method["customer"] = None
    if (
        not customer.get("deleted")
        and customer["invoice_settings"]["default_payment_method"] == id_
    ):
        with changing(account, customer, "customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = None
    for subscription in account.rows("subscription", customer["id"]):
        if subscription["default_payment_method"] == id_:
            with changing(account, subscription, "customer.subscription.updated"):
                subscription["default_payment_method"] = None
    emit(account, "payment_method.detached", method, {"customer": customer["id"]})
    return method


def default_method(account: Account, customer: Obj, *first: str | None) -> Obj | None:
    """The payment method that is charged: the first that is set, else the customer's default."""
    wanted = (
        *first,
        customer["invoice_settings"]["default_payment_method"],
        customer["default_source"],
    )
    for id_ in wanted:
        if found := account.get("payment_method", id_):
            return found
    return None


def _list_methods(account: Account, params: Obj, customer: str | None = None) -> Obj:
    if customer:
        find_customer(account, customer, "id")
    owner = {"customer": customer or params.get("customer")}
    rows = rows_of(account, "payment_method", owner) if owner["customer"] else []
    if params.get("type"):
        rows = [r for r in rows if r["type"] == params["type"]]
    return page(rows, params, "/v1/payment_methods", "payment_method")


def _customer_method(account: Account, _params: Obj, customer: str, id_: str) -> Obj:
    find_customer(account, customer, "id")
    method = account.find("payment_method", id_)
    if method["customer"] != customer:
        raise missing_object("payment_method", id_)
    return method


def change_balance(account: Account, customer: Obj, amount: int, kind: str, **more: Any) -> Obj:
    """Add to what a customer owes (negative: credit) and write it down."""
    with changing(account, customer, "customer.updated"):
        customer["balance"] += amount
    return account.new(
        "customer_balance_transaction",
        customer=customer["id"],
        amount=amount,
        currency=customer["currency"] or "usd",
        ending_balance=customer["balance"],
        type=kind,
        **more,
    )


def _create_balance(account: Account, params: Obj, id_: str) -> Obj:
    customer = find_customer(account, id_, "id")
    customer["currency"] = customer["currency"] or params["currency"].lower()
    if params["currency"].lower() != customer["currency"]:
        raise invalid(
            f"The currency of this customer's balance is {customer['currency']}.", "currency"
        )
    made = change_balance(
        account,
        customer,
        params["amount"],
        "adjustment",
        description=params.get("description"),
    )
    merge_metadata(made, params)
    return made


def _of_customer(kind: str, url: str) -> Handler:
    def handler(account: Account, params: Obj, customer: str) -> Obj:
        find_customer(account, customer, "id")
        return page(account.rows(kind, customer), params, url.format(customer), kind)

    return handler


def create_tax_id(account: Account, params: Obj, customer: str | None = None) -> Obj:
    """POST /v1/customers/{id}/tax_ids."""
    owner = customer or (params.get("owner") or {}).get("customer")
    made = account.new(
        "tax_id",
        customer=owner,
        country=params["value"][:2].upper() if params["type"] == "eu_vat" else None,
        owner={"customer": owner, "customer_account": None, "type": "customer"},
        type=params["type"],
        value=params["value"],
    )
    emit(account, "customer.tax_id.created", made)
    return made


def _delete_tax_id(account: Account, _params: Obj, *ids: str) -> Obj:
    tax_id = account.find("tax_id", ids[-1])
    account.drop(tax_id)
    emit(account, "customer.tax_id.deleted", tax_id)
    return {"id": ids[-1], "object": "tax_id", "deleted": True}


def _nested(kind: str) -> Handler:
    def handler(account: Account, _params: Obj, customer: str, id_: str) -> Obj:
        find_customer(account, customer, "id")
        return account.find(kind, id_)

    return handler


ROUTES: dict[str, Handler] = {
    "POST /v1/customers": create_customer,
    "GET /v1/customers": _list_customers,
    "GET /v1/customers/{}": retrieving("customer"),
    "POST /v1/customers/{}": update_customer,
    "DELETE /v1/customers/{}": delete_customer,
    "GET /v1/customers/{}/payment_methods": _list_methods,
    "GET /v1/customers/{}/payment_methods/{}": _customer_method,
    "POST /v1/customers/{}/balance_transactions": _create_balance,
    "GET /v1/customers/{}/balance_transactions": _of_customer(
        "customer_balance_transaction", "/v1/customers/{}/balance_transactions"
    ),
    "GET /v1/customers/{}/balance_transactions/{}": _nested("customer_balance_transaction"),
    "POST /v1/customers/{}/tax_ids": create_tax_id,
    "GET /v1/customers/{}/tax_ids": _of_customer("tax_id", "/v1/customers/{}/tax_ids"),
    "GET /v1/customers/{}/tax_ids/{}": _nested("tax_id"),
    "DELETE /v1/customers/{}/tax_ids/{}": _delete_tax_id,
    "POST /v1/payment_methods": create_method,
    "GET /v1/payment_methods": _list_methods,
    "GET /v1/payment_methods/{}": retrieving("payment_method"),
    "POST /v1/payment_methods/{}": updating(
        "payment_method", "payment_method.updated", "allow_redisplay"
    ),
    "POST /v1/payment_methods/{}/attach": _attach,
    "POST /v1/payment_methods/{}/detach": _detach,
}
