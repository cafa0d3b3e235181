"""Payment links: an address that opens a new checkout session for each visitor."""

from __future__ import annotations

import re

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.catalog import in_currency, price_from
from bridge.sandbox.stripe.checkout import create as create_session
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    equals,
    listing,
    merge_metadata,
    page,
    retrieving,
)
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import shown_line_items

FIELDS = ("active", "allow_promotion_codes", "inactive_message", "billing_address_collection")
REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,200}")


def _create(account: Account, params: Obj) -> Obj:
    link = account.new("payment_link")
    code = account.ids.new("test", 18)
    link["url"] = f"{account.base_url}/b/{code}"
    account.tables["payment_link_code"][code] = {"link": link["id"]}
    copy_named(link, params, *FIELDS, "customer_creation", "payment_method_collection")
    for name in ("subscription_data", "payment_intent_data", "after_completion", "automatic_tax"):
        if params.get(name):
            link[name] = {**(link[name] or {}), **params[name]}
    merge_metadata(link, params)
    link["_given"] = params["line_items"]
    link["_items"] = []
    for n, given in enumerate(params["line_items"]):
        price = price_from(account, given, f"line_items[{n}]")
        price = in_currency(price, (params.get("currency") or price["currency"]).lower())
        link["currency"] = price["currency"]
        quantity = given.get("quantity") or 1
        amount = (price["unit_amount"] or 0) * quantity
        link["_items"].append(
            account.new(
                "item",
                currency=price["currency"],
                description=account.tables["product"][price["product"]]["name"],
                price=price["id"],
                quantity=quantity,
                amount_subtotal=amount,
                amount_total=amount,
            )
        )
    emit(account, "payment_link.created", link)
    return link


def _update(account: Account, params: Obj, id_: str) -> Obj:
    link = account.find("payment_link", id_)
    with changing(account, link, "payment_link.updated"):
        copy_named(link, params, *FIELDS)
        merge_metadata(link, params)
    return link


def _line_items(account: Account, params: Obj, id_: str) -> Obj:
    rows = list(reversed(shown_line_items(account, account.find("payment_link", id_))))
    return page(rows, params, f"/v1/payment_links/{id_}/line_items", "item")


def follow(account: Account, code: str, reference: str | None, email: str | None) -> Obj | None:
    """The session for somebody who follows the link; None when it is no longer active.

    Anybody can edit the address, so a reference that Stripe would not take is dropped.
    """
    link = account.tables["payment_link"][account.find("payment_link_code", code)["link"]]
    if not link["active"]:
        return None
    prices = [account.tables["price"][i["price"]] for i in link["_items"]]
    mode = "subscription" if any(p["recurring"] for p in prices) else "payment"
    known = reference if reference and REFERENCE.fullmatch(reference) else None
    after = (link["after_completion"] or {}).get("redirect") or {}
    params = {
        "mode": mode,
        "line_items": [{"price": i["price"], "quantity": i["quantity"]} for i in link["_items"]],
        "client_reference_id": known,
        "customer_email": email,
        "customer_creation": link["customer_creation"] if mode == "payment" else None,
        "metadata": dict(link["metadata"]),
        "allow_promotion_codes": link["allow_promotion_codes"] or None,
        "success_url": after.get("url"),
    }
    for name, wanted in (("subscription_data", "subscription"), ("payment_intent_data", "payment")):
        if link[name] and mode == wanted:
            params[name] = link[name]
    session = create_session(account, {k: v for k, v in params.items() if v is not None})
    session["payment_link"] = link["id"]
    return session


ROUTES: dict[str, Handler] = {
    "POST /v1/payment_links": _create,
    "GET /v1/payment_links": listing(
        "payment_link", "/v1/payment_links", {"active": equals("active")}
    ),
    "GET /v1/payment_links/{}": retrieving("payment_link"),
    "POST /v1/payment_links/{}": _update,
    "GET /v1/payment_links/{}/line_items": _line_items,
}
