"""Subscription schedules: phases that follow each other on one subscription."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.calendar import step
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    deep_update,
    listing,
    merge_metadata,
    retrieving,
)
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing, emit, when
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_changes import update as update_subscription
from bridge.sandbox.stripe.subscriptions import cancel as cancel_subscription
from bridge.sandbox.stripe.subscriptions import end as end_subscription
from bridge.sandbox.stripe.subscriptions import start
from bridge.sandbox.stripe.views import items_of

EXPIRING_DAYS = 7
OVER = ("released", "canceled", "completed")


def create(account: Account, params: Obj) -> Obj:
    """POST /v1/subscription_schedules."""
    if params.get("from_subscription"):
        return _from_subscription(account, params["from_subscription"])
    customer = find_customer(account, params.get("customer"))
    account.live_at_clock_of(customer)
    given = params.get("phases") or []
    if not given:
        raise invalid("Missing required param: phases.", "phases", "parameter_missing")
    first = params.get("start_date")
    begins = account.now if first in (None, "now") else first
    schedule = account.new(
        "subscription_schedule",
        customer=customer["id"],
        test_clock=customer["test_clock"],
        end_behavior=params.get("end_behavior") or "release",
    )
    deep_update(schedule["default_settings"], params.get("default_settings") or {})
    merge_metadata(schedule, params)
    schedule["phases"] = _phases(account, given, begins)
    schedule["_phase"] = -1
    emit(account, "subscription_schedule.created", schedule)
    if begins <= account.now:
        next_phase(account, schedule)
    _plan(account, schedule)
    return schedule


def _phases(account: Account, given: list[Obj], begins: int) -> list[Obj]:
    phases = []
    for n, each in enumerate(given):
        begins = each["start_date"] if isinstance(each.get("start_date"), int) else begins
        ends = _end_of(account, each, begins, is_last=n == len(given) - 1)
        phases.append(_phase(account, each, begins, ends))
        begins = ends
    return phases


def _end_of(account: Account, phase: Obj, begins: int, *, is_last: bool) -> int:
    if isinstance(phase.get("end_date"), int):
        return int(phase["end_date"])
    duration = phase.get("duration")
    if duration is None:
        if not phase.get("iterations") and not is_last:
            raise invalid("A phase needs `end_date`, `duration` or `iterations`.", "phases")
        price = account.find("price", phase["items"][0]["price"], "phases[items][price]")
        every = price["recurring"]
        count = every["interval_count"] * (phase.get("iterations") or 1)
        duration = {"interval": every["interval"], "interval_count": count}
    return step(begins, duration["interval"], duration.get("interval_count") or 1)


def _phase(account: Account, given: Obj, begins: int, ends: int) -> Obj:
    names = (
        "application_fee_percent",
        "billing_cycle_anchor",
        "billing_thresholds",
        "collection_method",
        "currency",
        "default_payment_method",
        "description",
        "invoice_settings",
        "on_behalf_of",
        "transfer_data",
    )
    phase: Obj = {
        **{name: given.get(name) for name in names},
        "add_invoice_items": given.get("add_invoice_items") or [],
        "default_tax_rates": [],
        "discounts": given.get("discounts") or [],
        "start_date": begins,
        "end_date": ends,
        "metadata": given.get("metadata") or {},
        "proration_behavior": given.get("proration_behavior") or "create_prorations",
        "trial_end": begins and _trial_end(given, begins, ends),
        "items": [],
    }
    for n, item in enumerate(given["items"]):
        price = account.find("price", item.get("price") or "", f"phases[0][items][{n}][price]")
        phase["currency"] = price["currency"]
        phase["items"].append(
            {
                "billing_thresholds": None,
                "discounts": [],
                "metadata": item.get("metadata") or {},
                "price": price["id"],
                "quantity": 1 if item.get("quantity") is None else item["quantity"],
                "tax_rates": [],
            }
        )
    return phase


def _trial_end(given: Obj, begins: int, ends: int) -> int | None:
    if given.get("trial"):
        return ends
    found = given.get("trial_end")
    return found if isinstance(found, int) and found > begins else None


def _from_subscription(account: Account, id_: str) -> Obj:
    """A schedule whose one phase is what the subscription has now."""
    subscription = account.find("subscription", id_, "from_subscription")
    if subscription["schedule"]:
        raise invalid("The subscription is already attached to a schedule.", "from_subscription")
    items = items_of(account, subscription)
    given = {
        "items": [{"price": i["price"], "quantity": i["quantity"]} for i in items],
        "end_date": max(i["current_period_end"] for i in items),
    }
    begins = min(i["current_period_start"] for i in items)
    schedule = account.new(
        "subscription_schedule",
        customer=subscription["customer"],
        test_clock=subscription["test_clock"],
        subscription=id_,
        status="active",
    )
    schedule["phases"] = _phases(account, [given], begins)
    schedule["_phase"] = 0
    _show_current(schedule)
    emit(account, "subscription_schedule.created", schedule)
    with changing(account, subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]
    _plan(account, schedule)
    return schedule


def _show_current(schedule: Obj) -> None:
    phase = schedule["phases"][schedule["_phase"]]
    schedule["current_phase"] = {k: phase[k] for k in ("start_date", "end_date")}


def _plan(account: Account, schedule: Obj) -> None:
    if schedule["status"] in OVER:
        return
    if schedule["_phase"] < 0:
        account.plan(schedule["phases"][0]["start_date"], "phase", schedule)
        return
    # The phase may have ended while the subscription was paused: then the next is due now.
    ends = schedule["phases"][schedule["_phase"]]["end_date"]
    account.plan(max(account.now, ends), "phase", schedule)
    expires = schedule["phases"][-1]["end_date"] - EXPIRING_DAYS * DAY
    account.plan(max(account.now, expires), "schedule_expiring", schedule)


def next_phase(account: Account, schedule: Obj) -> None:
    """The next phase begins, or the schedule is over."""
    with changing(account, schedule, "subscription_schedule.updated"):
        schedule["_phase"] += 1
        if schedule["_phase"] >= len(schedule["phases"]):
            _finish(account, schedule)
            return
        schedule["status"] = "active"
        _show_current(schedule)
        phase = schedule["phases"][schedule["_phase"]]
        if schedule["_phase"] == 0:
            _begin(account, schedule, phase)
        else:
            _change(account, schedule, phase)


def _begin(account: Account, schedule: Obj, phase: Obj) -> None:
    settings = schedule["default_settings"]
    method = phase["default_payment_method"] or settings["default_payment_method"]
    subscription = start(
        account,
        {
            "_phase": True,
            "customer": schedule["customer"],
            "items": _items(phase),
            "collection_method": phase["collection_method"] or settings["collection_method"],
            "discounts": phase["discounts"],
            "metadata": phase["metadata"],
            "add_invoice_items": phase["add_invoice_items"],
            **({"trial_end": phase["trial_end"]} if phase["trial_end"] else {}),
            **({"default_payment_method": method} if method else {}),
        },
    )
    schedule["subscription"] = subscription["id"]
    with changing(account, subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]


def _items(phase: Obj) -> list[Obj]:
    return [{k: i[k] for k in ("price", "quantity", "metadata")} for i in phase["items"]]


def _change(account: Account, schedule: Obj, phase: Obj) -> None:
    """Bring the subscription's items to those of the phase, keeping an item's id by its price."""
    subscription = account.tables["subscription"][schedule["subscription"]]
    kept = {i["price"]: i["id"] for i in items_of(account, subscription)}
    spare = [
        id_ for price, id_ in kept.items() if price not in {i["price"] for i in phase["items"]}
    ]
    changes: list[Obj] = []
    for item in _items(phase):
        id_ = kept.get(item["price"]) or (spare.pop(0) if spare else None)
        changes.append({**item, **({"id": id_} if id_ else {})})
    changes += [{"id": id_, "deleted": True} for id_ in spare]
    ends_now = any(i["current_period_end"] <= account.now for i in items_of(account, subscription))
    params: dict[str, Any] = {
        "items": changes,
        "proration_behavior": "none" if ends_now else phase["proration_behavior"],
        **({"metadata": phase["metadata"]} if phase["metadata"] else {}),
    }
    if phase["discounts"]:
        params["discounts"] = phase["discounts"]
    update_subscription(account, params, subscription["id"])


def _finish(account: Account, schedule: Obj) -> None:
    """After the last phase the subscription continues alone, or ends."""
    subscription = account.tables["subscription"][schedule["subscription"]]
    schedule.update(status="completed", completed_at=account.now, current_phase=None)
    if schedule["end_behavior"] == "cancel":
        end_subscription(account, subscription, "cancellation_requested")
    else:
        _let_go(account, subscription)
        schedule.update(released_subscription=subscription["id"], subscription=None)
    emit(account, "subscription_schedule.completed", schedule)


def _let_go(account: Account, subscription: Obj) -> None:
    with changing(account, subscription, "customer.subscription.updated"):
        subscription["schedule"] = None


def phase_due(account: Account, id_: str) -> None:
    """A phase's time has come."""
    schedule = account.get("subscription_schedule", id_)
    if schedule is None or schedule["status"] in OVER:
        return
    at = schedule["_phase"]
    phase = schedule["phases"][max(at, 0)]
    if account.now >= phase["start_date" if at < 0 else "end_date"]:
        next_phase(account, schedule)
        _plan(account, schedule)


def before_renewal(account: Account, subscription: Obj) -> None:
    """A phase that ends with the period changes the items before they are billed."""
    if subscription["schedule"]:
        phase_due(account, subscription["schedule"])


def expiring(account: Account, id_: str) -> None:
    """Seven days before the end of the last phase."""
    schedule = account.get("subscription_schedule", id_)
    if schedule and schedule["status"] == "active" and not schedule.get("_told"):
        schedule["_told"] = True
        emit(account, "subscription_schedule.expiring", schedule)


def update(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/subscription_schedules/{id}; changes of the current phase are made at once."""
    schedule = account.find("subscription_schedule", id_)
    _refuse_over(schedule, "update")
    present = schedule["phases"][max(schedule["_phase"], 0)]
    with changing(account, schedule, "subscription_schedule.updated"):
        copy_named(schedule, params, "end_behavior")
        deep_update(schedule["default_settings"], params.get("default_settings") or {})
        merge_metadata(schedule, params)
        if params.get("phases"):
            begins = schedule["phases"][0]["start_date"]
            schedule["phases"] = _phases(account, params["phases"], begins)
            if schedule["_phase"] >= 0:
                _go_to_present(account, schedule, present, params)
    _plan(account, schedule)
    return schedule


def _go_to_present(account: Account, schedule: Obj, before: Obj, params: Obj) -> None:
    """Phases that are past may be left out of an update."""
    phases = schedule["phases"]
    lasting = [n for n, phase in enumerate(phases) if phase["end_date"] > account.now]
    if not lasting:
        raise invalid("The subscription schedule must have a phase that has not ended.", "phases")
    schedule["_phase"] = lasting[0]
    _show_current(schedule)
    phase = phases[lasting[0]]
    if _items(phase) != _items(before):
        behaviour = params.get("proration_behavior") or "create_prorations"
        _change(account, schedule, {**phase, "proration_behavior": behaviour})


def _refuse_over(schedule: Obj, verb: str) -> None:
    if schedule["status"] in OVER:
        raise invalid(
            f"You cannot {verb} a subscription schedule that is currently in the "
            f"`{schedule['status']}` status."
        )


def _cancel(account: Account, params: Obj, id_: str) -> Obj:
    schedule = account.find("subscription_schedule", id_)
    _refuse_over(schedule, "cancel")
    schedule.update(status="canceled", canceled_at=account.now, current_phase=None)
    if schedule["subscription"]:
        cancel_subscription(account, params, schedule["subscription"])
    emit(account, "subscription_schedule.canceled", schedule)
    return schedule


def _release(account: Account, _params: Obj, id_: str) -> Obj:
    schedule = account.find("subscription_schedule", id_)
    _refuse_over(schedule, "release")
    if schedule["subscription"]:
        _let_go(account, account.tables["subscription"][schedule["subscription"]])
    schedule.update(
        status="released",
        released_at=account.now,
        released_subscription=schedule["subscription"],
        subscription=None,
        current_phase=None,
    )
    emit(account, "subscription_schedule.released", schedule)
    return schedule


@when("customer.subscription.deleted")
def _aborted(account: Account, subscription: Obj) -> None:
    """When a subscription ends, its schedule ends, too."""
    schedule = account.get("subscription_schedule", subscription["schedule"])
    if schedule and schedule["status"] not in OVER:
        schedule.update(status="canceled", canceled_at=account.now, current_phase=None)
        emit(account, "subscription_schedule.aborted", schedule)


ROUTES: dict[str, Handler] = {
    "POST /v1/subscription_schedules": create,
    "GET /v1/subscription_schedules": listing(
        "subscription_schedule", "/v1/subscription_schedules"
    ),
    "GET /v1/subscription_schedules/{}": retrieving("subscription_schedule"),
    "POST /v1/subscription_schedules/{}": update,
    "POST /v1/subscription_schedules/{}/cancel": _cancel,
    "POST /v1/subscription_schedules/{}/release": _release,
}
