"""Invoices that do not exist yet: the next renewal, or what a change would cost.

A change is tried on a copy of what the customer has, by the functions that make it, so that the
preview has the lines that the change then bills.
"""

from __future__ import annotations

import copy
from typing import Any

from bridge.sandbox.stripe.account import HOUR, Account
from bridge.sandbox.stripe.crud import Handler
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.discounts import apply_to_customer, apply_to_subscription
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.invoice_drafts import compose
from bridge.sandbox.stripe.invoice_routes import create_item
from bridge.sandbox.stripe.pausing import begin_anew
from bridge.sandbox.stripe.schedules import before_renewal
from bridge.sandbox.stripe.shapes import Obj, blank
from bridge.sandbox.stripe.subscription_changes import change_items
from bridge.sandbox.stripe.subscription_items import (
    amount_of_items,
    credit_rest,
    end_of_period,
    period_lines,
    start_periods,
)
from bridge.sandbox.stripe.subscription_rules import ENDED
from bridge.sandbox.stripe.subscription_settings import new_subscription, set_ending, take_over
from bridge.sandbox.stripe.subscriptions import first_lines
from bridge.sandbox.stripe.views import items_of


def next_invoice(account: Account, subscription: Obj, **more: Any) -> Obj:
    """The invoice of the next renewal as it would be now; it has no id and is not kept."""
    if subscription["schedule"]:
        return _with_phase_to_come(account.what_if(subscription["customer"]), subscription, more)
    return _renewal(account, subscription, **more)


def _with_phase_to_come(tried: Account, subscription: Obj, more: Obj) -> Obj:
    """Apply a schedule's change at the renewal to a copy."""
    subscription = tried.tables["subscription"][subscription["id"]]
    known, now = subscription["latest_invoice"], tried.now
    tried.now = min(i["current_period_end"] for i in items_of(tried, subscription))
    before_renewal(tried, subscription)
    tried.now = now
    made = subscription["latest_invoice"]
    if made == known:
        return _renewal(tried, subscription, **more)
    # The change itself bills a new interval.
    bill = {k: v for k, v in tried.tables["invoice"][made].items() if k != "id"}
    return {**bill, "status": "draft", "billing_reason": "upcoming"}


def _renewal(account: Account, subscription: Obj, **more: Any) -> Obj:
    items = copy.deepcopy(items_of(account, subscription))
    starts = min(i["current_period_start"] for i in items)
    ends = min(i["current_period_end"] for i in items)
    due = [i for i in items if i["current_period_end"] == ends]
    if subscription["cancel_at_period_end"] or subscription["status"] in ENDED:
        due = []
    for item in due:
        item["current_period_start"] = ends
        item["current_period_end"] = end_of_period(account, subscription, item, ends)
    now, account.now = account.now, ends  # discounts that end before it do not count
    try:
        lines = period_lines(account, subscription, due)
        return _preview(
            account,
            account.tables["customer"][subscription["customer"]],
            subscription,
            lines,
            period_start=starts,
            next_payment_attempt=ends + HOUR,
            **more,
        )
    finally:
        account.now = now


def _preview(
    account: Account, customer: Obj, subscription: Obj | None, lines: list[Obj], **more: Any
) -> Obj:
    invoice = blank("invoice")
    items = account.rows("invoiceitem", customer["id"])
    waiting = [i["currency"] for i in items if i["invoice"] is None]
    invoice.update(
        created=account.now,
        customer=customer["id"],
        currency=(subscription or customer)["currency"] or (waiting or ["usd"])[0],
        billing_reason="upcoming" if subscription else "manual",
    )
    compose(account, invoice, customer, lines, subscription, **more)
    del invoice["id"]
    return invoice


def create_preview(account: Account, params: Obj) -> Obj:
    """POST /v1/invoices/create_preview."""
    known = params.get("subscription")
    owner = account.find("subscription", known, "subscription") if known else None
    named = owner["customer"] if owner else params.get("customer")
    if named or not params.get("customer_details"):
        account.live_at_clock_of(find_customer(account, named))
    tried = account.what_if(named)
    customer = tried.tables["customer"][named] if named else _guest(tried, params)
    details = params.get("subscription_details") or {}
    subscription = tried.get("subscription", known)
    if params.get("discounts"):
        _discount(tried, customer, subscription, params["discounts"])
    for extra in params.get("invoice_items") or ():
        item = {k: v for k, v in extra.items() if k != "price"}
        price = {"pricing": {"price": extra["price"]}} if extra.get("price") else {}
        create_item(
            tried, {**item, **price, "customer": customer["id"], "subscription": known or ""}
        )
    if subscription:
        shown = _changed(tried, subscription, details, params)
    elif details.get("items"):
        shown = _new(tried, customer, {**details, **_settings(details, params)})
    else:
        shown = _preview(tried, customer, None, [])
    if not shown["_lines"]:
        raise StripeError(
            404,
            f"No upcoming invoices for customer: {customer['id']}",
            code="invoice_upcoming_none",
        )
    return {"id": account.ids.new("upcoming_in"), **shown}


def _guest(tried: Account, params: Obj) -> Obj:
    """Somebody who is not a customer yet."""
    given = params["customer_details"]
    return tried.new(
        "customer",
        address=given.get("address"),
        shipping=given.get("shipping"),
        tax_exempt=given.get("tax_exempt") or "none",
    )


def _discount(tried: Account, customer: Obj, subscription: Obj | None, given: list[Obj]) -> None:
    if subscription:
        worth = amount_of_items(tried, subscription)
        apply_to_subscription(tried, subscription, given, worth)
    else:
        apply_to_customer(tried, customer, given[0])


def _changed(tried: Account, subscription: Obj, details: Obj, params: Obj) -> Obj:
    """The invoice that a change creates immediately, otherwise the next renewal after it."""
    made: list[Obj] = []

    def bill(account: Account, subscription: Obj, lines: list[Obj], *_rest: Any) -> None:
        customer = account.tables["customer"][subscription["customer"]]
        made.append(_preview(account, customer, subscription, lines))

    customer = tried.tables["customer"][subscription["customer"]]
    if subscription["status"] in ENDED:
        return _preview(tried, customer, None, [], _exclude_pending=True)
    if details.get("resume_at"):
        if subscription["status"] != "paused":
            raise invalid("Only a paused subscription can be resumed.")
        items = items_of(tried, subscription)
        begin_anew(tried, subscription, items)
        return _preview(tried, customer, subscription, period_lines(tried, subscription, items))
    if details.get("cancel_now"):
        if details.get("proration_behavior") != "none":
            at = details.get("proration_date") or tried.now
            for item in items_of(tried, subscription):
                credit_rest(tried, subscription, item, at)
        return _preview(tried, customer, subscription, [])
    take_over(tried, subscription, _settings(details, params))
    change_items(tried, subscription, details, bill)
    set_ending(tried, subscription, details)
    recurring = {"_exclude_pending": True} if params.get("preview_mode") == "recurring" else {}
    return made[0] if made else next_invoice(tried, subscription, **recurring)


def _new(tried: Account, customer: Obj, details: Obj) -> Obj:
    """The first invoice of a subscription that does not exist yet."""
    subscription = new_subscription(tried, customer, details)
    start_periods(tried, subscription, items_of(tried, subscription), tried.now)
    return _preview(tried, customer, subscription, first_lines(tried, subscription, details))


def _settings(details: Obj, params: Obj) -> Obj:
    given = {"automatic_tax": params.get("automatic_tax")}
    given["default_tax_rates"] = details.get("default_tax_rates")
    return {k: v for k, v in given.items() if v is not None}


ROUTES: dict[str, Handler] = {"POST /v1/invoices/create_preview": create_preview}
