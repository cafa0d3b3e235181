"""Entitlements: features of products, and which a customer has through their subscriptions."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import (
    Handler,
    equals,
    listing,
    merge_metadata,
    page,
    retrieving,
    rows_of,
    updating,
)
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import emit, when
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj, list_of
from bridge.sandbox.stripe.views import items_of

# A trial that ends in `paused` keeps its entitlements. Surprising, but Stripe does it.
ENTITLING = ("active", "trialing", "past_due", "paused")
SUMMARY = "entitlements.active_entitlement_summary"
SHOWN = 10


def _create_feature(account: Account, params: Obj) -> Obj:
    if any(f["lookup_key"] == params["lookup_key"] for f in account.rows("entitlements.feature")):
        raise invalid("A feature with this lookup key already exists.", "lookup_key")
    feature = account.new(
        "entitlements.feature", lookup_key=params["lookup_key"], name=params["name"]
    )
    merge_metadata(feature, params)
    return feature


def _attach(account: Account, params: Obj, product: str) -> Obj:
    account.find("product", product)
    feature = account.find("entitlements.feature", params["entitlement_feature"])
    made = account.new("product_feature")
    made["_feature"], made["_product"] = feature["id"], product
    for customer in list(account.tables["customer"]):
        _review(account, customer)
    return made


def _detach(account: Account, _params: Obj, _product: str, id_: str) -> Obj:
    account.drop(account.find("product_feature", id_))
    return {"id": id_, "object": "product_feature", "deleted": True}


def _of_product(account: Account, params: Obj, product: str) -> Obj:
    rows = [f for f in account.rows("product_feature") if f["_product"] == product]
    return page(rows, params, f"/v1/products/{product}/features", "product_feature")


def _retrieve(account: Account, _params: Obj, _product: str, id_: str) -> Obj:
    return account.find("product_feature", id_)


def _review(account: Account, customer: str) -> None:
    """Bring a customer's entitlements up to date, with an event if they changed."""
    kind = "entitlements.active_entitlement"
    if not account.tables["product_feature"] and not account.rows(kind, customer):
        return
    wanted = _features_of(account, customer)
    now = {e["feature"]: e for e in _active(account, customer)}
    if now.keys() == wanted:
        return
    before = _summary(account, customer)
    for feature in now.keys() - wanted:
        account.drop(now[feature] | {"customer": None})
        account.of_customer[kind, customer].remove(now[feature]["id"])
    for feature in sorted(wanted - now.keys()):
        key = account.tables["entitlements.feature"][feature]["lookup_key"]
        made = account.new(kind, feature=feature, lookup_key=key)
        account.of_customer[kind, customer].append(made["id"])
    after = _summary(account, customer)
    emit(account, f"{SUMMARY}.updated", after, {"entitlements": before["entitlements"]})


def _features_of(account: Account, customer: str) -> set[str]:
    products = {
        account.tables["price"][item["price"]]["product"]
        for subscription in account.rows("subscription", customer)
        if subscription["status"] in ENTITLING
        for item in items_of(account, subscription)
    }
    return {f["_feature"] for f in account.rows("product_feature") if f["_product"] in products}


def _active(account: Account, customer: str) -> list[Obj]:
    return account.rows("entitlements.active_entitlement", customer)


def _summary(account: Account, customer: str) -> Obj:
    rows = [plain(e) for e in _active(account, customer)]
    url = f"/v1/customer/{customer}/entitlements"
    return {
        "object": SUMMARY,
        "customer": customer,
        "entitlements": list_of(rows[:SHOWN], url, has_more=len(rows) > SHOWN),
        "livemode": False,
    }


def _changed(account: Account, subscription: Obj) -> None:
    _review(account, subscription["customer"])


for _kind in ("created", "updated", "deleted"):
    when(f"customer.subscription.{_kind}")(_changed)


def _list_active(account: Account, params: Obj) -> Obj:
    rows = rows_of(account, "entitlements.active_entitlement", params)
    return page(rows, params, "/v1/entitlements/active_entitlements")


ROUTES: dict[str, Handler] = {
    "POST /v1/entitlements/features": _create_feature,
    "GET /v1/entitlements/features": listing(
        "entitlements.feature", "/v1/entitlements/features", {"lookup_key": equals("lookup_key")}
    ),
    "GET /v1/entitlements/features/{}": retrieving("entitlements.feature"),
    "POST /v1/entitlements/features/{}": updating("entitlements.feature", None, "active", "name"),
    "GET /v1/entitlements/active_entitlements": _list_active,
    "GET /v1/entitlements/active_entitlements/{}": retrieving("entitlements.active_entitlement"),
    "POST /v1/products/{}/features": _attach,
    "GET /v1/products/{}/features": _of_product,
    "GET /v1/products/{}/features/{}": _retrieve,
    "DELETE /v1/products/{}/features/{}": _detach,
}
