"""A customer's acts on the portal's page, and their effects on subscriptions."""

from __future__ import annotations

from flask import request

from bridge.sandbox.stripe import portal
from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.calendar import step
from bridge.sandbox.stripe.catalog import amount_of
from bridge.sandbox.stripe.customers import attach, method_from, update_customer
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.events import changing
from bridge.sandbox.stripe.invoice_routes import pay
from bridge.sandbox.stripe.pausing import pause_now, resume
from bridge.sandbox.stripe.schedules import create as create_schedule
from bridge.sandbox.stripe.schedules import update as update_schedule
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_changes import update
from bridge.sandbox.stripe.subscription_items import price_of
from bridge.sandbox.stripe.subscription_rules import ENDED
from bridge.sandbox.stripe.subscriptions import cancel
from bridge.sandbox.stripe.views import items_of

CUSTOMER_FIELDS = ("name", "email", "phone")
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def act(account: Account, session: Obj, action: str) -> str:
    """Do what the customer asked for on their page; returns what was done."""
    features = portal.features_of(account, session)
    if action in OWN:
        return OWN[action](account, session, features)
    subscription = _own(account, session, "subscription")
    if action not in OF_SUBSCRIPTION:
        raise StripeError(404, "There is no such action.")
    return OF_SUBSCRIPTION[action](account, session, features, subscription)


def _own(account: Account, session: Obj, kind: str) -> Obj:
    obj = account.find(kind, request.form.get(kind, ""))
    if obj["customer"] != session["customer"]:
        raise StripeError(404, f"No such {kind}")
    return obj


def _allow(feature: Obj, what: str) -> None:
    if not feature["enabled"]:
        raise StripeError(400, f"{what} is not possible here.")


def _pay(account: Account, session: Obj, _features: Obj) -> str:
    pay(account, {}, _own(account, session, "invoice")["id"])
    return "Thank you, the invoice is paid."


def _card(account: Account, session: Obj, features: Obj) -> str:
    _allow(features["payment_method_update"], "Another card")
    customer = account.tables["customer"][session["customer"]]
    method = attach(account, method_from(account, request.form.get("token", "")), customer)
    with changing(account, customer, "customer.updated"):
        customer["invoice_settings"]["default_payment_method"] = method["id"]
    for each in account.rows("subscription", customer["id"]):
        if each["status"] not in ENDED and each["default_payment_method"]:
            update(account, {"default_payment_method": method["id"]}, each["id"])
    return "Your card is saved."


def _details(account: Account, session: Obj, features: Obj) -> str:
    _allow(features["customer_update"], "Another name or address")
    allowed = features["customer_update"]["allowed_updates"]
    given = {k: request.form[k] for k in CUSTOMER_FIELDS if k in request.form and k in allowed}
    update_customer(account, given, session["customer"])
    return "Your details are saved."


def _switch(account: Account, session: Obj, features: Obj, subscription: Obj) -> str:
    feature = features["subscription_update"]
    price = request.form.get("price", "")
    offered = {p["id"]: p for p in portal.offered_prices(account, session, subscription)}
    if not feature["enabled"] or price not in offered:
        raise StripeError(400, "This price is not offered.")
    item = items_of(account, subscription)[0]
    if _waits(account, feature, subscription, offered[price]):
        _change_at_period_end(account, subscription, price, item["quantity"])
        return "Your subscription changes with its next period."
    change = {"items": [{"id": item["id"], "price": price}], **_settings(feature, subscription)}
    update(account, change, subscription["id"])
    return "Your subscription is changed."


def _settings(feature: Obj, subscription: Obj) -> Obj:
    ends = feature["trial_update_behavior"] == "end_trial" and subscription["status"] == "trialing"
    anchor = feature["billing_cycle_anchor"]
    return {
        "proration_behavior": feature["proration_behavior"],
        "payment_behavior": "error_if_incomplete",  # an unpaid subscription is not changed
        **({"trial_end": "now"} if ends else {}),
        **({"billing_cycle_anchor": anchor} if anchor and not ends else {}),
    }


def _waits(account: Account, feature: Obj, subscription: Obj, new: Obj) -> bool:
    """Whether a change to less, or to a shorter period, is to wait for the end of the period."""
    item = items_of(account, subscription)[0]
    old, quantity = price_of(account, subscription, item), item["quantity"]
    every = [p["recurring"] for p in (old, new)]
    lengths = [DAYS[e["interval"]] * e["interval_count"] for e in every]
    met = {
        "decreasing_item_amount": amount_of(new, quantity) < amount_of(old, quantity),
        "shortening_interval": lengths[1] < lengths[0],
    }
    return any(met[c["type"]] for c in feature["schedule_at_period_end"]["conditions"])


def _change_at_period_end(account: Account, subscription: Obj, price: str, quantity: int) -> None:
    """As Stripe does it: a schedule with the present phase and the next."""
    known = subscription["schedule"]
    schedule = (
        account.tables["subscription_schedule"][known]
        if known
        else create_schedule(account, {"from_subscription": subscription["id"]})
    )
    present = schedule["phases"][schedule["_phase"]]
    now = {k: present[k] for k in ("items", "start_date", "end_date")}
    then = {"items": [{"price": price, "quantity": quantity}], "start_date": present["end_date"]}
    update_schedule(account, {"phases": [now, then], "end_behavior": "release"}, schedule["id"])


def confirmed(details: Obj) -> Obj:
    """The change that a deep link asks the customer to confirm, as parameters."""
    names = ("id", "price", "quantity")
    items = [{k: i[k] for k in names if i.get(k) is not None} for i in details["items"]]
    return {"items": items}


def _confirm(account: Account, session: Obj, features: Obj, subscription: Obj) -> str:
    details = (session["flow"] or {}).get("subscription_update_confirm") or {}
    if details.get("subscription") != subscription["id"]:
        raise StripeError(400, "There is nothing to confirm.")
    change = {**confirmed(details), **_settings(features["subscription_update"], subscription)}
    if details.get("discounts"):
        change["discounts"] = details["discounts"]
    update(account, change, subscription["id"])
    return "Your subscription is changed."


def _cancel(account: Account, _session: Obj, features: Obj, subscription: Obj) -> str:
    feature = features["subscription_cancel"]
    _allow(feature, "Cancelling")
    reason = request.form.get("feedback", "")
    told = {"cancellation_details": {"feedback": reason}} if reason else {}
    if feature["mode"] == "immediately":
        prorates = feature["proration_behavior"] != "none"
        at_once = feature["proration_behavior"] == "always_invoice"
        cancel(account, {**told, "prorate": prorates, "invoice_now": at_once}, subscription["id"])
        return "Your subscription has ended."
    end = max(i["current_period_end"] for i in items_of(account, subscription))
    update(account, {**told, "cancel_at": end}, subscription["id"])
    return "Your subscription ends with the period that is paid."


def _renew(account: Account, _session: Obj, _features: Obj, subscription: Obj) -> str:
    # Only `cancel_at` shows that it continues: portals in flexible mode set nothing else.
    update(account, {"cancel_at": None}, subscription["id"])
    return "Your subscription goes on."


def _pause(account: Account, _session: Obj, features: Obj, subscription: Obj) -> str:
    _allow(features["subscription_pause"], "Pausing")
    length = request.form.get("length", "")
    if length not in dict(portal.offered_pauses(features) or ()):
        raise StripeError(400, "This pause is not offered.")
    pause_now(account, {}, subscription["id"])
    if length:
        count, _, interval = length.partition(" ")
        account.plan(step(account.now, interval, int(count)), "resume", subscription)
    return "Your subscription is paused."


def _resume(account: Account, _session: Obj, features: Obj, subscription: Obj) -> str:
    _allow(features["subscription_pause"], "Resuming")
    resume(account, {}, subscription["id"])
    return "Your subscription goes on."


OWN = {"pay": _pay, "card": _card, "details": _details}
OF_SUBSCRIPTION = {
    "switch": _switch,
    "confirm": _confirm,
    "cancel": _cancel,
    "renew": _renew,
    "pause": _pause,
    "resume": _resume,
}
