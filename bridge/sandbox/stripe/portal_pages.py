"""The customer portal's page: cancel, go on, switch, another card, invoices."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe import portal
from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.customers import attach, method_from
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.events import changing
from bridge.sandbox.stripe.invoice_routes import pay
from bridge.sandbox.stripe.pages import (
    METHODS,
    Page,
    describe,
    named_prices,
    new_pages,
    shown_invoice,
)
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_changes import update
from bridge.sandbox.stripe.subscriptions import ENDED, cancel
from bridge.sandbox.stripe.views import items_of


def portal_page(
    account: Account, session: Obj, problem: str | None = None, done: str | None = None
) -> str:
    """The customer's own page."""
    features = portal.features_of(account, session)
    rows = account.rows("subscription", session["customer"])
    customer = account.tables["customer"][session["customer"]]
    method = account.get("payment_method", customer["invoice_settings"]["default_payment_method"])
    invoices = None
    if features["invoice_history"]["enabled"]:
        kept = account.rows("invoice", customer["id"])
        invoices = [shown_invoice(i) for i in reversed(kept) if i["status"] != "draft"][:24]
    parts: Obj = {
        "subscriptions": [
            shown_subscription(account, session, features, s)
            for s in reversed(rows)
            if s["status"] not in ENDED
        ],
        "may_change_card": features["payment_method_update"]["enabled"],
        "invoices": invoices,
    }
    if session["flow"] and done is None:
        _narrow(parts, session["flow"])
    return render_template(
        "portal.html",
        here=request.path if request.method == "GET" else request.path.rpartition("/")[0],
        card=f"{method['type']} ending in {method[method['type']].get('last4')}"
        if method
        else None,
        methods=METHODS[:2],
        return_url=session["return_url"],
        problem=problem,
        done=done,
        **parts,
    )


def _narrow(parts: Obj, flow: Obj) -> None:
    """A deep link shows only what it is for."""
    kind = flow["type"]
    parts["invoices"] = None
    if kind == "payment_method_update":
        parts["subscriptions"] = None
        return
    parts["may_change_card"] = False
    details = flow.get(kind) or {}
    chosen = [s for s in parts["subscriptions"] if s["id"] == details.get("subscription")]
    for each in chosen:
        if kind == "subscription_cancel":
            each["prices"] = []
        else:
            each["may_cancel"] = False
        if kind == "subscription_update_confirm":
            wanted = {i["price"] for i in details["items"]}
            each["prices"] = [p for p in each["prices"] if p[0] in wanted]
    parts["subscriptions"] = chosen


def shown_subscription(account: Account, session: Obj, features: Obj, subscription: Obj) -> Obj:
    """A subscription with what the customer may do with it."""
    may_switch = features["subscription_update"]["enabled"]
    prices = portal.offered_prices(account, session, subscription) if may_switch else []
    return {
        **describe(account, subscription),
        "may_cancel": features["subscription_cancel"]["enabled"] and not subscription["cancel_at"],
        "may_renew": bool(subscription["cancel_at"]),
        "prices": named_prices(account, prices),
    }


def _own(account: Account, session: Obj, kind: str) -> Obj:
    obj = account.find(kind, request.form.get(kind, ""))
    if obj["customer"] != session["customer"]:
        raise StripeError(404, f"No such {kind}")
    return obj


def act(account: Account, session: Obj, action: str) -> str:
    """What the customer asked for on their page; answers what was done."""
    features = portal.features_of(account, session)
    if action == "pay":
        pay(account, {}, _own(account, session, "invoice")["id"])
        return "Thank you, the invoice is paid."
    if action == "card":
        customer = account.tables["customer"][session["customer"]]
        method = attach(account, method_from(account, request.form.get("token", "")), customer)
        with changing(account, customer, "customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = method["id"]
        for each in account.rows("subscription", customer["id"]):
            if each["status"] not in ENDED and each["default_payment_method"]:
                update(account, {"default_payment_method": method["id"]}, each["id"])
        return "Your card is saved."
    subscription = _own(account, session, "subscription")
    if action == "switch":
        return _switch(account, session, features, subscription)
    if action == "cancel":
        return _cancel(account, features, subscription)
    # Only `cancel_at` shows that it goes on: portals of the flexible mode set nothing else.
    update(account, {"cancel_at": None}, subscription["id"])
    return "Your subscription goes on."


def _switch(account: Account, session: Obj, features: Obj, subscription: Obj) -> str:
    price = request.form.get("price", "")
    offered = {p["id"] for p in portal.offered_prices(account, session, subscription)}
    if not features["subscription_update"]["enabled"] or price not in offered:
        raise StripeError(400, "This price is not offered.")
    change = {
        "items": [{"id": subscription["_items"][0], "price": price}],
        "proration_behavior": features["subscription_update"]["proration_behavior"],
    }
    update(account, change, subscription["id"])
    return "Your subscription is changed."


def _cancel(account: Account, features: Obj, subscription: Obj) -> str:
    if not features["subscription_cancel"]["enabled"]:
        raise StripeError(400, "Cancelling is not possible here.")
    if features["subscription_cancel"]["mode"] == "immediately":
        cancel(account, {}, subscription["id"])
        return "Your subscription has ended."
    end = max(i["current_period_end"] for i in items_of(account, subscription))
    update(account, {"cancel_at": end}, subscription["id"])
    return "Your subscription ends with the period that is paid."


def _home(account: Account, secret: str) -> Page:
    return portal_page(account, portal.session_of(account, secret))


def _action(account: Account, secret: str, action: str) -> Page:
    session = portal.session_of(account, secret)
    try:
        done = act(account, session, action)
    except StripeError as error:
        return portal_page(account, session, problem=error.body["message"]), error.status
    after = (session["flow"] or {}).get("after_completion") or {}
    if after.get("redirect"):
        return redirect(after["redirect"]["return_url"], 303)
    return portal_page(account, session, done=done)


PAGES: list[tuple[str, list[str], Callable[..., Page]]] = [
    ("/p/session/<secret>", ["GET"], _home),
    ("/p/session/<secret>/<action>", ["POST"], _action),
]


def create_portal_pages(world: World) -> Blueprint:
    """The routes of the portal."""
    return new_pages("portal", world, PAGES)
