"""A new subscription's items, trial and anchor, and the settings that an update can change."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.catalog import price_from
from bridge.sandbox.stripe.crud import (
    copy_named,
    deep_update,
    merge_metadata,
)
from bridge.sandbox.stripe.customers import attach, method_from
from bridge.sandbox.stripe.discounts import apply_to_subscription
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_items import (
    amount_of_items,
    new_item,
)
from bridge.sandbox.stripe.subscription_rules import (
    ANCHOR_PARTS,
    anchor_from,
    check_currency,
    check_due,
    check_together,
)
from bridge.sandbox.stripe.views import items_of

MAX_TRIAL_DAYS = 730


def new_subscription(account: Account, customer: Obj, params: Obj) -> Obj:
    """A subscription with its items and settings, whose periods have yet to start."""
    given = params.get("items") or []
    if not given:
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    check_together(params)
    prices = [price_from(account, item, f"items[{n}]") for n, item in enumerate(given)]
    currency = (params.get("currency") or prices[0]["currency"]).lower()
    check_currency(account, customer, currency)
    start_date = params.get("backdate_start_date") or account.now
    subscription = account.new(
        "subscription",
        customer=customer["id"],
        currency=currency,
        start_date=start_date,
        billing_cycle_anchor=start_date,
        test_clock=customer["test_clock"],
    )
    subscription["_items"] = []
    try:
        for n, (price, item) in enumerate(zip(prices, given, strict=True)):
            new_item(account, subscription, price, item, n)
        _set_trial(account, subscription, params, prices[0])
        _set_anchor(account, subscription, params, prices)
        if not params.get("_phase"):
            check_due(subscription, params)
        take_over(account, subscription, params)
        set_ending(account, subscription, params)
    except Exception:
        account.drop(subscription)
        raise
    return subscription


def _set_trial(account: Account, subscription: Obj, params: Obj, price: Obj) -> None:
    end, days = params.get("trial_end"), params.get("trial_period_days")
    if params.get("trial_from_plan") and days is None:
        days = price["recurring"]["trial_period_days"]
    if days:
        if days > MAX_TRIAL_DAYS:
            raise invalid(
                f"The maximum number of trial period days is {MAX_TRIAL_DAYS}.", "trial_period_days"
            )
        end = account.now + days * DAY
    if end and end != "now":
        if end <= account.now:
            raise invalid(
                "Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end"
            )
        subscription.update(
            trial_start=account.now, trial_end=end, billing_cycle_anchor=end, status="trialing"
        )


def _set_anchor(account: Account, subscription: Obj, params: Obj, prices: list[Obj]) -> None:
    begins = subscription["trial_end"] or account.now
    if anchor := anchor_from(account, params, prices, begins):
        subscription["billing_cycle_anchor"] = anchor
    if config := params.get("billing_cycle_anchor_config"):
        subscription["billing_cycle_anchor_config"] = {p: config.get(p) for p in ANCHOR_PARTS}


def take_over(account: Account, subscription: Obj, params: Obj) -> None:
    """Copy the settings that creating and updating share."""
    copy_named(subscription, params, "collection_method", "days_until_due", "description")
    if token := params.get("default_payment_method"):
        method = method_from(account, token)
        customer = account.tables["customer"][subscription["customer"]]
        subscription["default_payment_method"] = attach(account, method, customer)["id"]
    elif "default_payment_method" in params:
        subscription["default_payment_method"] = None
    for name in ("automatic_tax", "trial_settings", "payment_settings", "invoice_settings"):
        deep_update(subscription[name], params.get(name) or {})
    if params.get("cancellation_details"):
        subscription["cancellation_details"].update(params["cancellation_details"])
    if "default_tax_rates" in params:
        rates = [
            account.find("tax_rate", r, "default_tax_rates") for r in params["default_tax_rates"]
        ]
        subscription["default_tax_rates"] = [
            {k: v for k, v in r.items() if k[0] != "_"} for r in rates
        ]
    if "discounts" in params:
        worth = amount_of_items(account, subscription)
        apply_to_subscription(account, subscription, params["discounts"] or [], worth)
    merge_metadata(subscription, params)


def set_ending(account: Account, subscription: Obj, params: Obj) -> None:
    """When it is to end: at the end of the period, at a time, or (unset) never."""
    if "cancel_at_period_end" in params and params["cancel_at_period_end"] is not None:
        wanted = params["cancel_at_period_end"]
        if wanted != subscription["cancel_at_period_end"] or not wanted:
            end = period_end(account, subscription) if wanted else None
            _ends_at(account, subscription, end)
        subscription["cancel_at_period_end"] = wanted
    if "cancel_at" in params:
        end = params["cancel_at"]
        if end in ("min_period_end", "max_period_end"):
            ends = [i["current_period_end"] for i in items_of(account, subscription)]
            end = min(ends) if end == "min_period_end" else max(ends)
        if end and end <= account.now:
            raise invalid("`cancel_at` must be a future timestamp.", "cancel_at")
        subscription["cancel_at_period_end"] = False
        _ends_at(account, subscription, end or None)


def _ends_at(account: Account, subscription: Obj, end: int | None) -> None:
    subscription["cancel_at"] = end
    subscription["canceled_at"] = account.now if end else None
    reason = "cancellation_requested" if end else None
    subscription["cancellation_details"]["reason"] = reason


def period_end(account: Account, subscription: Obj) -> int | None:
    """The last end of the items' periods."""
    ends = [i["current_period_end"] for i in items_of(account, subscription)]
    known = [e for e in ends if e is not None]
    return max(known) if known else None
