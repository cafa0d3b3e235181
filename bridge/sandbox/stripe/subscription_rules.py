"""Refusals when a subscription is made or changed, and the start of its periods."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.calendar import add_months, step
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.shapes import Obj

NOT_TOGETHER = (
    ("trial_end", "trial_period_days"),
    ("cancel_at", "cancel_at_period_end"),
    ("billing_cycle_anchor", "billing_cycle_anchor_config"),
)
ANCHOR_PARTS = {
    "day_of_month": (1, 31),
    "month": (1, 12),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}
ENDED = ("canceled", "incomplete_expired")
ENDINGS = ("cancel_at", "cancel_at_period_end")


def check_together(params: Obj) -> None:
    """Parameters that exclude each other."""
    for pair in NOT_TOGETHER:
        if all(params.get(name) for name in pair):
            raise invalid(f"You may only specify one of these parameters: {', '.join(pair)}.")


def check_due(subscription: Obj, params: Obj) -> None:
    """Sent invoices need a due date."""
    sent = params.get("collection_method") == "send_invoice"
    if sent and subscription["days_until_due"] is None and params.get("days_until_due") is None:
        raise invalid(
            "`days_until_due` is required when `collection_method` is `send_invoice`.",
            "days_until_due",
            "parameter_missing",
        )


def check_currency(account: Account, customer: Obj, currency: str) -> None:
    """All subscriptions of a customer at one time are in one currency."""
    for other in account.rows("subscription", customer["id"]):
        if other["status"] not in ENDED and other["currency"] != currency:
            raise invalid(
                "You cannot combine currencies on a single customer. This customer has an active "
                "subscription, subscription schedule, discount, quote, or invoice item with "
                f"currency {other['currency']}"
            )


def check_schedule(subscription: Obj, params: Obj) -> None:
    """Refuse an end for a subscription with a schedule, which has its own."""
    if subscription["schedule"] and any(name in params for name in ENDINGS):
        raise invalid(
            "The subscription is managed by the subscription schedule "
            f"`{subscription['schedule']}`, and updating any cancelation behavior directly is not "
            "allowed. Please update the schedule instead."
        )


def anchor_from(account: Account, params: Obj, prices: list[Obj], begins: int) -> int | None:
    """The requested anchor of the periods, if any; `begins` is their beginning."""
    anchor = params.get("billing_cycle_anchor")
    if config := params.get("billing_cycle_anchor_config"):
        anchor = _next_at(config, account.now)
    if anchor is None or anchor in ("now", "unchanged"):
        return None
    if anchor <= account.now:
        raise invalid("`billing_cycle_anchor` cannot be in the past.", "billing_cycle_anchor")
    every = [price["recurring"] for price in prices]
    latest = min(step(begins, e["interval"], e["interval_count"]) for e in every)
    if anchor > latest and not config:
        raise invalid(
            f"`billing_cycle_anchor` cannot be later than next natural billing date ({latest}) "
            "for plan.",
            "billing_cycle_anchor",
        )
    return int(anchor)


def _next_at(config: Obj, now: int) -> int:
    """The next moment with such a day, month and time; in a shorter month its last day."""
    for name, (least, most) in ANCHOR_PARTS.items():
        if config.get(name) is not None and not least <= config[name] <= most:
            raise invalid(
                f"Invalid integer: {name} must be between {least} and {most}.",
                f"billing_cycle_anchor_config[{name}]",
            )
    begin = datetime.fromtimestamp(now, UTC)
    time = {n: config[n] for n in ("hour", "minute", "second") if config.get(n) is not None}
    at, months = begin.replace(day=1, **time), 0
    while True:
        first = datetime.fromtimestamp(add_months(int(at.timestamp()), months), UTC)
        last = calendar.monthrange(first.year, first.month)[1]
        found = first + timedelta(days=min(config["day_of_month"], last) - 1)
        if config.get("month") in (None, found.month) and found > begin:
            return int(found.timestamp())
        months += 1
