"""Status `paused`: asking for it, and coming back from it."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import Handler
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_changes import Before, bill_change
from bridge.sandbox.stripe.subscription_items import (
    credit_rest,
    period_lines,
    start_periods,
)
from bridge.sandbox.stripe.subscriptions import plan_ahead
from bridge.sandbox.stripe.trials import pause
from bridge.sandbox.stripe.views import items_of

NOTHING = Before([], {})  # resuming never waits


def pause_now(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/subscriptions/{id}/pause: no more invoices until it is resumed."""
    subscription = account.find("subscription", id_)
    account.live_at_clock_of(account.tables["customer"][subscription["customer"]])
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise invalid(f"A subscription that is {subscription['status']} cannot be paused.")
    unused = ((params.get("bill_for") or {}).get("unused_time_from") or {}).get("type", "none")
    if unused == "now":
        for item in items_of(account, subscription):
            credit_rest(account, subscription, item, account.now)
    pause(account, subscription, "pause_requested")
    return subscription


def resume(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/subscriptions/{id}/resume: with the default a new period is billed first."""
    subscription = account.find("subscription", id_)
    account.live_at_clock_of(account.tables["customer"][subscription["customer"]])
    if subscription["status"] != "paused":
        raise invalid("Only a paused subscription can be resumed.")
    anchor = params.get("billing_cycle_anchor") or "now"
    kind = anchor.get("type", "now") if isinstance(anchor, dict) else anchor
    with changing(account, subscription, "customer.subscription.updated"):
        items = items_of(account, subscription)
        ended = any(i["current_period_end"] <= account.now for i in items)
        if kind == "unchanged" and not ended:
            _go_on(subscription)
        else:
            _bill(account, subscription, items, params)
    if subscription["status"] != "paused":
        plan_ahead(account, subscription)
    return subscription


def _go_on(subscription: Obj) -> None:
    subscription.update(status="active", status_details=None)
    subscription["_changing"].append("customer.subscription.resumed")


def begin_anew(account: Account, subscription: Obj, items: list[Obj]) -> None:
    """A new period from now on."""
    subscription["billing_cycle_anchor"] = account.now
    if subscription["trial_end"] and subscription["trial_end"] > account.now:
        subscription["trial_end"] = account.now
    start_periods(account, subscription, items, account.now)


def _bill(account: Account, subscription: Obj, items: list[Obj], params: Obj) -> None:
    """With `resume_on_payment_success` it stays paused until the invoice is paid."""
    begin_anew(account, subscription, items)
    waits = params.get("payment_behavior") == "resume_on_payment_success"
    subscription["_resuming"] = True
    if not waits:
        _go_on(subscription)
    bill_change(account, subscription, period_lines(account, subscription, items), NOTHING, params)
    paid = account.tables["invoice"][subscription["latest_invoice"]]["status"] == "paid"
    if not waits and not paid:
        subscription["status"] = "past_due"


def resume_due(account: Account, id_: str) -> None:
    """A pause that the customer chose the length of is over."""
    subscription = account.get("subscription", id_)
    if subscription and subscription["status"] == "paused":
        resume(account, {}, id_)


ROUTES: dict[str, Handler] = {
    "POST /v1/subscriptions/{}/pause": pause_now,
    "POST /v1/subscriptions/{}/resume": resume,
}
