"""Changing a subscription: its items, its trial, the cost, and when it is due."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from bridge.sandbox.stripe.account import HOUR, Account
from bridge.sandbox.stripe.catalog import price_from
from bridge.sandbox.stripe.crud import Handler, merge_metadata, retrieving
from bridge.sandbox.stripe.customers import default_method
from bridge.sandbox.stripe.discounts import use_up
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing
from bridge.sandbox.stripe.invoice_drafts import draft
from bridge.sandbox.stripe.invoices import collect, finalize
from bridge.sandbox.stripe.payments import refuse_decline
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_items import (
    check_price,
    credit_rest,
    is_on_trial,
    new_item,
    period_lines,
    prorate,
    start_periods,
)
from bridge.sandbox.stripe.subscription_rules import (
    ENDED,
    check_due,
    check_schedule,
    check_together,
)
from bridge.sandbox.stripe.subscription_settings import set_ending, take_over
from bridge.sandbox.stripe.subscriptions import INCOMPLETE_HOURS, plan_ahead
from bridge.sandbox.stripe.trials import trial_may_end
from bridge.sandbox.stripe.views import items_of

# Parameters that a change that waits for its payment may not contain.
NOT_PENDING = ("metadata", "cancel_at", "cancel_at_period_end", "default_payment_method")


class Before(NamedTuple):
    """A subscription before a change."""

    items: list[Obj]
    settings: Obj


# Account, subscription, new lines, old lines, parameters.
Biller = Callable[[Account, Obj, list[Obj], Before, Obj], None]


def update(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/subscriptions/{id}."""
    subscription = account.find("subscription", id_)
    account.live_at_clock_of(account.tables["customer"][subscription["customer"]])
    if subscription["status"] in ENDED:
        _refuse_ended(subscription, params)
    check_together(params)
    check_due(subscription, params)
    check_schedule(subscription, params)
    if params.get("payment_behavior") == "pending_if_incomplete":
        _refuse_what_cannot_wait(params)
    with changing(account, subscription, "customer.subscription.updated"):
        take_over(account, subscription, params)
        _update_pause(subscription, params)
        change_items(account, subscription, params, bill_change)
        set_ending(account, subscription, params)
    plan_ahead(account, subscription)
    return subscription


def _refuse_ended(subscription: Obj, params: Obj) -> None:
    if set(params) - {"metadata", "cancellation_details", "expand"}:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata. "
            f"Subscription: {subscription['id']}"
        )


def _refuse_what_cannot_wait(params: Obj) -> None:
    for name in NOT_PENDING:
        if name in params:
            raise invalid(
                f"`{name}` cannot be updated with `payment_behavior` set to "
                "`pending_if_incomplete`.",
                name,
            )


def _update_pause(subscription: Obj, params: Obj) -> None:
    if "pause_collection" not in params:
        return
    pause = params["pause_collection"]
    subscription["pause_collection"] = pause and {
        "behavior": pause["behavior"],
        "resumes_at": pause.get("resumes_at"),
    }


def change_items(account: Account, subscription: Obj, params: Obj, bill: Biller) -> None:
    """New prices, quantities, items; a new trial end or anchor; billed as was asked."""
    given, trial_end = params.get("items") or [], params.get("trial_end")
    reset = params.get("billing_cycle_anchor") == "now"
    ends_trial = trial_end == "now" and subscription["status"] == "trialing"
    if ends_trial and not trial_may_end(account, subscription):
        return
    if not given and not trial_end and not reset:
        return
    behaviour = params.get("proration_behavior") or "create_prorations"
    at = params.get("proration_date") or account.now
    if params.get("payment_behavior") == "error_if_incomplete" and behaviour == "always_invoice":
        customer = account.tables["customer"][subscription["customer"]]
        method = default_method(account, customer, subscription["default_payment_method"])
        refuse_decline(account, customer["id"], method)
    settings = {name: subscription[name] for name in SET_BY_CHANGES}
    before = Before(copy.deepcopy(items_of(account, subscription)), settings)
    was_on_trial = is_on_trial(subscription, at)
    for n, item in enumerate(given):
        _change_item(account, subscription, item, n)
    reset = reset or _interval_changed(account, subscription, before.items)
    if trial_end:
        _change_trial(account, subscription, trial_end)
    if reset or trial_end:
        lines = _restart(account, subscription, before.items, at, behaviour)
        bill(account, subscription, lines, before, params)
        return
    _start_new_items(account, subscription, before.items, at)
    prorates = behaviour != "none" and not was_on_trial
    made = prorate(account, subscription, before.items, at) if prorates else []
    if behaviour == "always_invoice" and made:
        bill(account, subscription, [], before, params)


def _start_new_items(account: Account, subscription: Obj, before: list[Obj], at: int) -> None:
    """An added item starts at the time of the change but bills with the others."""
    known = {i["id"] for i in before}
    items = [i for i in items_of(account, subscription) if i["id"] not in known]
    start_periods(account, subscription, items, at)


def _change_item(account: Account, subscription: Obj, given: Obj, n: int) -> None:
    id_ = given.get("id")
    if id_ is None:
        new_item(account, subscription, price_from(account, given, f"items[{n}]"), given, n)
        return
    if id_ not in subscription["_items"]:
        raise invalid(f"No such subscription item: '{id_}'", f"items[{n}][id]", "resource_missing")
    item = account.tables["subscription_item"][id_]
    if given.get("deleted"):
        if len(subscription["_items"]) == 1:
            raise invalid("A subscription must have at least one active plan.", "items")
        subscription["_items"].remove(id_)
        account.drop(item)
        return
    if given.get("price") or given.get("price_data") or given.get("plan"):
        price = price_from(account, given, f"items[{n}]")
        check_price(price, subscription, n)
        item["price"] = price["id"]
    if given.get("quantity") is not None:
        item["quantity"] = given["quantity"]
    if "tax_rates" in given:
        item["tax_rates"] = [account.find("tax_rate", r) for r in given["tax_rates"]]
    merge_metadata(item, given)


def _interval_changed(account: Account, subscription: Obj, before: list[Obj]) -> bool:
    def every(item: Obj) -> tuple[Any, Any]:
        recurring = account.tables["price"][item["price"]]["recurring"]
        return recurring["interval"], recurring["interval_count"]

    now = {i["id"]: i for i in items_of(account, subscription)}
    return any(i["id"] in now and every(i) != every(now[i["id"]]) for i in before)


def _change_trial(account: Account, subscription: Obj, trial_end: int | str) -> None:
    if trial_end == "now":
        subscription.update(
            trial_end=account.now, billing_cycle_anchor=account.now, status="active"
        )
        return
    subscription.update(
        trial_start=subscription["trial_start"] or account.now,
        trial_end=trial_end,
        billing_cycle_anchor=trial_end,
        status="trialing",
    )


def _restart(
    account: Account, subscription: Obj, before: list[Obj], at: int, behaviour: str
) -> list[Obj]:
    """Restart the periods now: credit for the rest of the old ones, lines for the new."""
    if behaviour != "none":
        for old in before:
            credit_rest(account, subscription, old, at)
    if not is_on_trial(subscription, account.now):
        subscription["billing_cycle_anchor"] = account.now
    items = items_of(account, subscription)
    start_periods(account, subscription, items, account.now)
    return period_lines(account, subscription, items)


def bill_change(
    account: Account, subscription: Obj, lines: list[Obj], before: Before, params: Obj
) -> None:
    """Invoice a change at once; when it cannot be paid, the payment behaviour decides."""
    customer = account.tables["customer"][subscription["customer"]]
    invoice = draft(
        account,
        customer,
        subscription["currency"],
        lines,
        reason="subscription_update",
        subscription=subscription,
        _days_until_due=subscription["days_until_due"],
    )
    subscription["latest_invoice"] = invoice["id"]
    finalize(account, invoice)
    if subscription["collection_method"] == "charge_automatically":
        collect(account, invoice)
    use_up(account, subscription)
    if params.get("payment_behavior") == "pending_if_incomplete" and invoice["status"] == "open":
        _hold_back(account, subscription, before, invoice)


def _hold_back(account: Account, subscription: Obj, before: Before, invoice: Obj) -> None:
    """The change waits for its payment; until then everything is as it was."""
    wanted = copy.deepcopy(items_of(account, subscription))
    set_items(account, subscription, before.items)
    now = {name: subscription[name] for name in before.settings}
    changed = {name: value for name, value in now.items() if value != before.settings[name]}
    changed.pop("status", None)
    subscription.update(before.settings)
    subscription["_pending_settings"] = changed
    subscription["_pending_items"], invoice["_applies_update"] = wanted, True
    subscription["pending_update"] = {
        "billing_cycle_anchor": changed.get("billing_cycle_anchor"),
        "discount": None,
        "discounts": None,
        "expires_at": account.now + INCOMPLETE_HOURS * HOUR,
        "metadata": None,
        "subscription_items": None,  # shown with their prices by `views`
        "trial_end": changed.get("trial_end"),
        "trial_from_plan": None,
    }
    account.plan(subscription["pending_update"]["expires_at"], "pending_expires", subscription)


def set_items(account: Account, subscription: Obj, items: list[Obj]) -> None:
    """Replace the items as a whole."""
    for item in items_of(account, subscription):
        account.drop(item)
    subscription["_items"] = [account.keep(copy.deepcopy(i))["id"] for i in items]


# Fields that a change of items, trial or anchor sets besides the items.
SET_BY_CHANGES = ("billing_cycle_anchor", "status", "trial_end", "trial_start")
SHARED = ("proration_behavior", "proration_date", "payment_behavior")


def _shared(params: Obj) -> Obj:
    return {k: params[k] for k in SHARED if k in params}


def _add_item(account: Account, params: Obj) -> Obj:
    item = {k: v for k, v in params.items() if k not in (*SHARED, "subscription")}
    subscription = update(
        account, {**_shared(params), "items": [item]}, str(params["subscription"])
    )
    return account.tables["subscription_item"][subscription["_items"][-1]]


def _update_item(account: Account, params: Obj, id_: str) -> Obj:
    item = account.find("subscription_item", id_)
    change = {k: v for k, v in params.items() if k not in SHARED}
    update(account, {**_shared(params), "items": [{**change, "id": id_}]}, item["subscription"])
    return item


def _delete_item(account: Account, params: Obj, id_: str) -> Obj:
    item = account.find("subscription_item", id_)
    change = {"id": id_, "deleted": True}
    update(account, {**_shared(params), "items": [change]}, item["subscription"])
    return {"id": id_, "object": "subscription_item", "deleted": True}


ROUTES: dict[str, Handler] = {
    "POST /v1/subscriptions/{}": update,
    "POST /v1/subscription_items": _add_item,
    "GET /v1/subscription_items/{}": retrieving("subscription_item"),
    "POST /v1/subscription_items/{}": _update_item,
    "DELETE /v1/subscription_items/{}": _delete_item,
}
