"""Subscriptions: starting, changing and ending them."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import DAY, HOUR, Account
from bridge.sandbox.stripe.catalog import in_currency, price_from
from bridge.sandbox.stripe.crud import (
    Handler,
    in_range,
    page,
    retrieving,
    rows_of,
)
from bridge.sandbox.stripe.customers import default_method, find_customer
from bridge.sandbox.stripe.discounts import use_up
from bridge.sandbox.stripe.errors import invalid, missing_object
from bridge.sandbox.stripe.events import changing, creating, emit, when
from bridge.sandbox.stripe.invoice_drafts import draft, has_pending_items, line_of
from bridge.sandbox.stripe.invoice_lines import price_line
from bridge.sandbox.stripe.invoices import collect, finalize
from bridge.sandbox.stripe.payments import refuse_decline
from bridge.sandbox.stripe.setup_intents import new_setup_intent
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_items import (
    amount_of_items,
    credit_rest,
    is_on_trial,
    pending_item,
    period_lines,
    start_periods,
)
from bridge.sandbox.stripe.subscription_rules import (
    ENDED,
)
from bridge.sandbox.stripe.subscription_settings import new_subscription
from bridge.sandbox.stripe.views import items_of

INCOMPLETE_HOURS = 23
FIRST_INVOICE = "the first invoice"  # until that is made
WILL_END_DAYS = 3


def start(account: Account, params: Obj) -> Obj:
    """Create a subscription with its first invoice, and try to collect that."""
    customer = find_customer(account, params.get("customer"))
    account.live_at_clock_of(customer)
    subscription = new_subscription(account, customer, params)
    items = items_of(account, subscription)
    if params.get("payment_behavior") == "error_if_incomplete":
        _refuse_if_it_would_fail(account, subscription, customer)
    if params.get("payment_behavior") in (None, "allow_incomplete") and not params.get("_phase"):
        _refuse_without_method(account, subscription, customer)
    start_periods(account, subscription, items, account.now)
    lines = first_lines(account, subscription, params)
    if subscription["collection_method"] == "charge_automatically" and params.get("_paid_by"):
        subscription["default_payment_method"] = params["_paid_by"]
    with creating(subscription):
        _first_invoice(account, subscription, customer, lines, params)
    use_up(account, subscription)
    emit(account, "customer.subscription.created", subscription)
    plan_ahead(account, subscription)
    return subscription


def first_lines(account: Account, subscription: Obj, params: Obj) -> list[Obj]:
    """The first invoice's lines: the first period, and one-off items."""
    lines = period_lines(account, subscription, items_of(account, subscription))
    for n, extra in enumerate(params.get("add_invoice_items") or ()):
        price = price_from(account, extra, f"add_invoice_items[{n}]")
        price = in_currency(price, subscription["currency"])
        lines.append(_sold_with(account, subscription, price, extra.get("quantity") or 1))
    return lines


def _sold_with(account: Account, subscription: Obj, price: Obj, quantity: int) -> Obj:
    """The line of an invoice item that goes onto the first invoice and no other."""
    line = price_line(account, price, quantity)
    item = pending_item(
        account,
        subscription["customer"],
        price["currency"],
        line["amount"],
        quantity=quantity,
        description=line["description"],
        test_clock=subscription["test_clock"],
    )
    item.update(invoice=FIRST_INVOICE, _price=price["id"], _sold_with=subscription["id"])
    item["pricing"] = line["pricing"]
    return line_of(account, item)


def _note_invoice(account: Account, invoice: Obj) -> None:
    for item in account.rows("invoiceitem", invoice["customer"]):
        if item["invoice"] == FIRST_INVOICE:
            item["invoice"] = invoice["id"]
            emit(account, "invoiceitem.created", item)


def _refuse_if_it_would_fail(account: Account, subscription: Obj, customer: Obj) -> None:
    if is_on_trial(subscription, account.now):
        return
    try:
        method = default_method(account, customer, subscription["default_payment_method"])
        refuse_decline(account, customer["id"], method)
    except Exception:
        account.drop(subscription)
        raise


def _refuse_without_method(account: Account, subscription: Obj, customer: Obj) -> None:
    """Refuse automatic charging without a payment method, unless there is a trial."""
    if subscription["collection_method"] != "charge_automatically":
        return
    if is_on_trial(subscription, account.now) or amount_of_items(account, subscription) == 0:
        return
    if default_method(account, customer, subscription["default_payment_method"]) is None:
        account.drop(subscription)
        raise invalid(
            "This customer has no attached payment source or default payment method. Please "
            "consider adding a default payment method.",
            code="resource_missing",
        )


def _first_invoice(
    account: Account, subscription: Obj, customer: Obj, lines: list[Obj], params: Obj
) -> None:
    """Sets the status that follows from the first payment."""
    sent = subscription["collection_method"] == "send_invoice"
    invoice = draft(
        account,
        customer,
        subscription["currency"],
        lines,
        reason="subscription_create",
        subscription=subscription,
        _days_until_due=subscription["days_until_due"],
    )
    subscription["latest_invoice"] = invoice["id"]
    _note_invoice(account, invoice)
    on_trial = is_on_trial(subscription, account.now)
    if sent and not on_trial:
        subscription["status"] = "active"
        invoice["automatically_finalizes_at"] = account.now + HOUR
        account.plan(account.now + HOUR, "advance_invoice", invoice)
        return
    later = params.get("payment_behavior") == "default_incomplete"
    finalize(account, invoice)
    if invoice["status"] == "open" and not later:
        collect(account, invoice)
    if on_trial:
        if later:
            intent = new_setup_intent(account, customer["id"])
            subscription["pending_setup_intent"] = intent["id"]
        return
    subscription["status"] = "active" if invoice["status"] == "paid" else "incomplete"
    if subscription["status"] == "incomplete":
        account.plan(account.now + INCOMPLETE_HOURS * HOUR, "incomplete_expires", subscription)


def plan_ahead(account: Account, subscription: Obj) -> None:
    """Put into the agenda what will happen to it; each entry is checked again when it is due."""
    if subscription["status"] in ENDED:
        return
    ends = [i["current_period_end"] for i in items_of(account, subscription)]
    account.plan(min(ends), "cycle", subscription)
    upcoming = min(ends) - account.settings.upcoming_days * DAY
    account.plan(max(account.now, upcoming), "upcoming", subscription)
    if subscription["cancel_at"]:
        account.plan(subscription["cancel_at"], "cancel_at", subscription)
    if subscription["status"] == "trialing":
        at = max(account.now, subscription["trial_end"] - WILL_END_DAYS * DAY)
        account.plan(at, "trial_will_end", subscription)
    pause = subscription["pause_collection"]
    if pause and pause["resumes_at"]:
        account.plan(pause["resumes_at"], "resume_collection", subscription)


def cancel(account: Account, params: Obj, id_: str) -> Obj:
    """DELETE /v1/subscriptions/{id}: immediately, with credit for the rest if requested."""
    subscription = account.find("subscription", id_)
    if subscription["status"] in ENDED:
        raise missing_object("subscription", id_)
    account.live_at_clock_of(account.tables["customer"][subscription["customer"]])
    subscription["cancellation_details"].update(params.get("cancellation_details") or {})
    if params.get("prorate"):
        for item in items_of(account, subscription):
            credit_rest(account, subscription, item, account.now)
    if params.get("invoice_now") and has_pending_items(account, subscription):
        customer = account.tables["customer"][subscription["customer"]]
        with changing(account, subscription, "customer.subscription.updated"):
            invoice = draft(
                account,
                customer,
                subscription["currency"],
                [],
                reason="subscription_update",
                subscription=subscription,
            )
            subscription["latest_invoice"] = invoice["id"]
            finalize(account, invoice)
            collect(account, invoice)
    end(account, subscription, "cancellation_requested")
    return subscription


def end(account: Account, subscription: Obj, reason: str | None) -> None:
    """End it now; nothing more is collected for it."""
    if subscription["status"] in ENDED:
        return
    subscription.update(
        status="canceled",
        ended_at=account.now,
        canceled_at=subscription["canceled_at"] or account.now,
        pending_update=None,
    )
    subscription["cancellation_details"]["reason"] = reason
    for invoice in account.rows("invoice", subscription["customer"]):
        mine = invoice.get("_subscription") == subscription["id"]
        if mine and invoice["status"] in ("draft", "open"):
            with changing(account, invoice, "invoice.updated"):
                invoice.update(auto_advance=False, next_payment_attempt=None)
    emit(account, "customer.subscription.deleted", subscription)


@when("customer.deleted")
def _customer_gone(account: Account, customer: Obj) -> None:
    for subscription in account.rows("subscription", customer["id"]):
        end(account, subscription, "cancellation_requested")


def _status_filter(row: Obj, wanted: Any) -> bool:
    if wanted == "ended":
        return row["status"] in ENDED
    return bool(row["status"] == wanted)


def _has_price(account: Account, row: Obj, price: str) -> bool:
    return any(i["price"] == price for i in items_of(account, row))


def _list(account: Account, params: Obj) -> Obj:
    """GET /v1/subscriptions: without a status, canceled ones are left out."""
    rows = rows_of(account, "subscription", params)
    status = params.get("status")
    if status is None:
        rows = [r for r in rows if r["status"] not in ENDED]
    elif status != "all":
        rows = [r for r in rows if _status_filter(r, status)]
    if price := params.get("price") or params.get("plan"):
        rows = [r for r in rows if _has_price(account, r, price)]
    for name in ("created", "current_period_start", "current_period_end"):
        if (wanted := params.get(name)) is not None:
            rows = [r for r in rows if _in_range(account, r, name, wanted)]
    if method := params.get("collection_method"):
        rows = [r for r in rows if r["collection_method"] == method]
    clock = params.get("test_clock")
    if not params.get("customer") and account.tables["test_helpers.test_clock"]:
        rows = [r for r in rows if r["test_clock"] == clock]
    return page(rows, params, "/v1/subscriptions", "subscription")


def _in_range(account: Account, row: Obj, name: str, wanted: Any) -> bool:
    if name == "created":
        return in_range(row[name], wanted)
    return any(in_range(i[name], wanted) for i in items_of(account, row))


ROUTES: dict[str, Handler] = {
    "POST /v1/subscriptions": start,
    "GET /v1/subscriptions": _list,
    "GET /v1/subscriptions/{}": retrieving("subscription"),
    "DELETE /v1/subscriptions/{}": cancel,
}
