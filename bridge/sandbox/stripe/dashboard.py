"""A small dashboard for what the account's owner does by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.charges import (
    DECIDED,
    close_dispute,
    create_refund,
    escalate,
    open_dispute,
)
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.invoice_lines import money
from bridge.sandbox.stripe.invoice_routes import pay
from bridge.sandbox.stripe.pages import day, describe, named_prices, shown_invoice
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_changes import update
from bridge.sandbox.stripe.subscriptions import cancel
from bridge.sandbox.stripe.timeline import tick
from bridge.sandbox.stripe.views import items_of

SHOWN_CUSTOMERS = 25
SHOWN_ROWS = 6


def _matches(customer: Obj, text: str) -> bool:
    words = (customer["id"], customer.get("name") or "", customer.get("email") or "")
    return any(text.lower() in word.lower() for word in words)


def _subscription(account: Account, subscription: Obj) -> Obj:
    current = {i["price"] for i in items_of(account, subscription)}
    prices = [
        p
        for p in account.rows("price")
        if p["recurring"]
        and p["active"]
        and p["currency"] == subscription["currency"]
        and p["id"] not in current
    ]
    single = len(current) == 1
    shown = {**describe(account, subscription)}
    shown["prices"] = named_prices(account, prices[:20]) if single else []
    return shown


def _charge(account: Account, charge: Obj) -> Obj:
    dispute = next((d for d in account.rows("dispute") if d["charge"] == charge["id"]), None)
    open_ = dispute is not None and dispute["status"] not in DECIDED
    status = charge["status"]
    if charge["amount_refunded"]:
        status = "refunded" if charge["refunded"] else "partly refunded"
    if dispute:
        status = f"disputed: {dispute['status'].replace('_', ' ')}"
    paid = charge["paid"] and not charge["refunded"] and dispute is None
    return {
        "id": charge["id"],
        "date": day(charge["created"]),
        "status": status,
        "amount": money(charge["amount"], charge["currency"]),
        "refundable": paid,
        "dispute": dispute["id"] if dispute and open_ else None,
    }


def _customer(account: Account, customer: Obj) -> Obj:
    id_ = customer["id"]
    return {
        "id": id_,
        "title": customer["name"] or customer["email"] or id_,
        "failing": len(account.failing.get(id_, ())),
        "subscriptions": [
            _subscription(account, s) for s in account.rows("subscription", id_)[:-7:-1]
        ],
        "invoices": [shown_invoice(i) for i in account.rows("invoice", id_)[:-SHOWN_ROWS:-1]],
        "charges": [_charge(account, c) for c in account.rows("charge", id_)[:-SHOWN_ROWS:-1]],
    }


def _fail(account: Account, form: dict[str, str]) -> str:
    times = int(form.get("times") or 0)
    account.failing[form["customer"]] = ["generic_decline"] * times
    return f"The next {times} payments fail." if times else "Payments work again."


def _cancel(account: Account, form: dict[str, str]) -> str:
    if form.get("when") == "now":
        cancel(account, {}, form["subscription"])
        return "The subscription has ended."
    update(account, {"cancel_at_period_end": True}, form["subscription"])
    return "The subscription ends with its period."


def _switch(account: Account, form: dict[str, str]) -> str:
    subscription = account.find("subscription", form["subscription"])
    items = [{"id": subscription["_items"][0], "price": form["price"]}]
    update(account, {"items": items, "proration_behavior": "always_invoice"}, subscription["id"])
    return "The subscription has another price."


def _pay(account: Account, form: dict[str, str]) -> str:
    pay(account, {}, form["invoice"])
    return "The invoice is paid."


def _refund(account: Account, form: dict[str, str]) -> str:
    create_refund(account, {"charge": form["charge"]})
    return "The payment is refunded."


def _dispute(account: Account, form: dict[str, str]) -> str:
    amount = int(form["amount"]) if form.get("amount") else None
    charge = account.find("charge", form["charge"])
    open_dispute(account, charge, inquiry=bool(form.get("inquiry")), amount=amount)
    return "The payment is disputed."


def _escalate(account: Account, form: dict[str, str]) -> str:
    escalate(account, account.find("dispute", form["dispute"]))
    return "The inquiry is a chargeback now."


def _decide(account: Account, form: dict[str, str]) -> str:
    won = bool(form.get("won"))
    returned = int(form["returned"]) if form.get("returned") else None
    dispute = account.find("dispute", form["dispute"])
    close_dispute(account, dispute, won=won, returned=returned)
    return "The dispute is won." if won else "The dispute is lost."


ACTIONS: dict[str, Any] = {
    "fail": _fail,
    "cancel": _cancel,
    "switch": _switch,
    "pay": _pay,
    "refund": _refund,
    "dispute": _dispute,
    "decide": _decide,
    "escalate": _escalate,
}


def create_dashboard(world: World) -> Blueprint:
    """The routes of the dashboard."""
    blueprint = Blueprint("dashboard", __name__)

    @blueprint.get("/_dashboard")
    def dashboard() -> str:
        with world.lock:
            tick(world)
            account = account_of(world)
            text = request.args.get("q", "").strip()
            everyone = [c for c in account.rows("customer") if not c.get("deleted")]
            found = [c for c in reversed(everyone) if _matches(c, text)][:SHOWN_CUSTOMERS]
            now = datetime.fromtimestamp(world.clock.now(), UTC)
            return render_template(
                "dashboard.html",
                width="64rem",
                now=now.strftime("%-d %B %Y, %H:%M UTC"),
                q=text,
                count=len(everyone),
                shown=len(found),
                customers=[_customer(account, c) for c in found],
                done=request.args.get("done"),
                problem=request.args.get("problem"),
            )

    @blueprint.post("/_dashboard/<action>")
    def act(action: str) -> Response:
        with world.lock:
            tick(world)
            account = account_of(world)
            account.base_url = request.host_url.rstrip("/")
            if action not in ACTIONS:
                return Response("no such action", 404)
            try:
                said = {"done": ACTIONS[action](account, request.form.to_dict())}
            except StripeError as error:
                said = {"problem": error.body["message"]}
            return redirect(url_for("dashboard.dashboard", **said), 303)

    return blueprint
