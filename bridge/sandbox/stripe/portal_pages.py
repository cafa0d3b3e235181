"""The customer portal's page: cancel, pause, resume, switch, another card, own data, invoices."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe import portal
from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.pages import (
    METHODS,
    Page,
    describe,
    named_prices,
    new_pages,
    shown_invoice,
)
from bridge.sandbox.stripe.portal_actions import CUSTOMER_FIELDS, act, confirmed
from bridge.sandbox.stripe.previews import create_preview
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_rules import ENDED


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
        "fields": _fields(customer, features),
        "invoices": invoices,
    }
    if session["flow"] and done is None:
        _narrow(account, parts, session["flow"])
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


def _fields(customer: Obj, features: Obj) -> list[tuple[str, str]]:
    """The data that customers may change, with its present values."""
    feature = features["customer_update"]
    allowed = feature["allowed_updates"] if feature["enabled"] else ()
    return [(name, customer[name] or "") for name in CUSTOMER_FIELDS if name in allowed]


# The parts of a subscription's card; a deep link shows only its own.
SHOWN_BY = {
    "subscription_cancel": "may_cancel",
    "subscription_pause": "pauses",
    "subscription_update": "prices",
    "subscription_update_confirm": "confirm",
}


def _narrow(account: Account, parts: Obj, flow: Obj) -> None:
    """A deep link shows only what it is for."""
    kind = flow["type"]
    parts["invoices"] = None
    parts["may_change_card"] = kind == "payment_method_update"
    parts["fields"] = parts["fields"] if kind == "customer_update" else []
    if kind not in SHOWN_BY:
        parts["subscriptions"] = None
        return
    chosen = [s for s in parts["subscriptions"] if s["id"] == flow[kind]["subscription"]]
    for each in chosen:
        if kind == "subscription_update_confirm":
            each["confirm"] = _confirm(account, flow[kind])
        each.update({name: None for name in SHOWN_BY.values() if name != SHOWN_BY[kind]})
    parts["subscriptions"] = chosen


def _confirm(account: Account, details: Obj) -> Obj:
    """A change and its cost, before it is confirmed."""
    asked = {"subscription": details["subscription"], "subscription_details": confirmed(details)}
    shown = shown_invoice(create_preview(account, asked))
    named = [i["price"] for i in details["items"] if i.get("price")]
    prices = named_prices(account, [account.tables["price"][p] for p in named])
    return {"text": ", ".join(name for _, name in prices), "amount": shown["amount"]}


def shown_subscription(account: Account, session: Obj, features: Obj, subscription: Obj) -> Obj:
    """A subscription with what the customer may do with it."""
    may_switch = features["subscription_update"]["enabled"]
    prices = portal.offered_prices(account, session, subscription) if may_switch else []
    paused = subscription["status"] == "paused"
    return {
        **describe(account, subscription),
        "confirm": None,
        "may_cancel": features["subscription_cancel"]["enabled"] and not subscription["cancel_at"],
        "may_renew": bool(subscription["cancel_at"]),
        "may_resume": paused and features["subscription_pause"]["enabled"],
        "pauses": None if paused else portal.offered_pauses(features),
        "reasons": portal.reasons(features),
        "prices": named_prices(account, prices),
    }


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
