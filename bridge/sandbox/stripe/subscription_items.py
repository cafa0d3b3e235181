"""The items of a subscription: their periods, their lines, and what a change is worth."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.calendar import day_aimed_at, period_around
from bridge.sandbox.stripe.catalog import amount_of, in_currency, refuse_inactive
from bridge.sandbox.stripe.crud import Handler, merge_metadata, page
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.invoice_lines import price_line
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import items_of

MAX_ITEMS = 20


def new_item(account: Account, subscription: Obj, price: Obj, given: Obj, n: int) -> Obj:
    """Add an item to a subscription; its period is set by `start_periods`."""
    if not given.get("price_data"):
        refuse_inactive(price)
    check_price(price, subscription, n)
    if len(subscription["_items"]) >= MAX_ITEMS:
        raise invalid(f"Subscriptions can have at most {MAX_ITEMS} items.", "items")
    quantity = given.get("quantity")
    item = account.new(
        "subscription_item",
        price=price["id"],
        subscription=subscription["id"],
        quantity=1 if quantity is None else quantity,
        tax_rates=[account.find("tax_rate", r, "tax_rates") for r in given.get("tax_rates") or ()],
    )
    merge_metadata(item, given)
    subscription["_items"].append(item["id"])
    return item


def check_price(price: Obj, subscription: Obj, n: int) -> None:
    """Only recurring prices of one currency make a subscription."""
    param = f"items[{n}][price]"
    if not price["recurring"]:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices "
            "with `type=recurring`.",
            param,
        )
    if in_currency(price, subscription["currency"])["currency"] != subscription["currency"]:
        raise invalid(
            "You cannot combine currencies on a single subscription: its currency is "
            f"{subscription['currency']}, the price's is {price['currency']}.",
            param,
        )


def start_periods(account: Account, subscription: Obj, items: list[Obj], now: int) -> None:
    """Begin the items' periods now: until the end of the trial or the next point of the grid."""
    for item in items:
        item["current_period_start"] = now
        item["current_period_end"] = end_of_period(account, subscription, item, now)


def end_of_period(account: Account, subscription: Obj, item: Obj, start: int) -> int:
    """When a period that starts then ends."""
    if subscription["trial_end"] and subscription["trial_end"] > start:
        return int(subscription["trial_end"])
    return _grid(account, subscription, item, start)[1]


def full_period(account: Account, subscription: Obj, item: Obj) -> int:
    """The seconds of the whole period on the anchor's grid in which the item's ends.

    From 30 January the grid goes to 28 February, so that is a whole period, not a part of one.
    """
    start, end = _grid(account, subscription, item, item["current_period_end"] - 1)
    return end - start


def _grid(account: Account, subscription: Obj, item: Obj, moment: int) -> tuple[int, int]:
    every = account.tables["price"][item["price"]]["recurring"]
    anchor = subscription["billing_cycle_anchor"]
    config = subscription["billing_cycle_anchor_config"] or {}
    day = day_aimed_at(anchor, config.get("day_of_month"))
    return period_around(anchor, moment, every["interval"], every["interval_count"], day)


def is_on_trial(subscription: Obj, now: int) -> bool:
    """Whether the trial lasts at this moment."""
    return bool(subscription["trial_end"] and subscription["trial_end"] > now)


def parent_of(subscription: Obj, item: Obj, *, proration: bool = False) -> Obj:
    """The parent of a line."""
    return {
        "type": "subscription_item_details",
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": proration,
            "proration_details": {"credited_items": None},
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
    }


def price_of(account: Account, subscription: Obj, item: Obj) -> Obj:
    """The price of an item in the subscription's currency."""
    return in_currency(account.tables["price"][item["price"]], subscription["currency"])


def amount_of_items(account: Account, subscription: Obj) -> int:
    """The cost of a whole period of all items."""
    pairs = [(price_of(account, subscription, i), i) for i in items_of(account, subscription)]
    return sum(amount_of(price, item["quantity"]) for price, item in pairs)


def period_lines(account: Account, subscription: Obj, items: list[Obj]) -> list[Obj]:
    """The cost of the items' periods: nothing on trial, a part if a period is cut short."""
    lines = []
    for item in items:
        price = price_of(account, subscription, item)
        start, end = item["current_period_start"], item["current_period_end"]
        made = price_line(
            account,
            price,
            item["quantity"],
            period={"start": start, "end": end},
            parent=parent_of(subscription, item),
            metadata=dict(subscription["metadata"]),
            tax_rates=[t["id"] for t in item["tax_rates"]],
        )
        if is_on_trial(subscription, start):
            name = account.tables["product"].get(price["product"], {}).get("name")
            made.update(amount=0, subtotal=0, description=f"Trial period for {name}")
        else:
            whole = full_period(account, subscription, item)
            if whole > end - start:
                part = made["amount"] * (end - start) // whole
                made.update(amount=part, subtotal=part)
        lines.append(made)
    return lines


def unused(account: Account, subscription: Obj, item: Obj, at: int) -> int:
    """The value of the rest of an item's period."""
    start, end = item["current_period_start"], item["current_period_end"]
    if is_on_trial(subscription, at) or not start <= at < end:
        return 0
    whole = max(end - start, full_period(account, subscription, item))
    amount = amount_of(price_of(account, subscription, item), item["quantity"])
    return int(amount * (end - at) / whole + 0.5)


def prorate(account: Account, subscription: Obj, before: list[Obj], at: int) -> list[Obj]:
    """Pending invoice items for the difference between the items before and now."""
    after = {i["id"]: i for i in items_of(account, subscription)}
    made = []
    for old in before:
        new = after.get(old["id"])
        if new is None or _differs(old, new):
            made.append(credit_rest(account, subscription, old, at))
    known = {i["id"]: i for i in before}
    for new in after.values():
        old_item = known.get(new["id"])
        if old_item is None or _differs(old_item, new):
            made.append(_charge(account, subscription, new, at))
    return [m for m in made if m]


def _differs(one: Obj, other: Obj) -> bool:
    return bool(one["price"] != other["price"] or one["quantity"] != other["quantity"])


def credit_rest(account: Account, subscription: Obj, item: Obj, at: int) -> Obj | None:
    """A pending credit for the unused rest of an item's period."""
    return _pending(account, subscription, item, at, -unused(account, subscription, item, at))


def _charge(account: Account, subscription: Obj, item: Obj, at: int) -> Obj | None:
    return _pending(account, subscription, item, at, unused(account, subscription, item, at))


def _pending(account: Account, subscription: Obj, item: Obj, at: int, amount: int) -> Obj | None:
    if amount == 0:
        return None
    price = price_of(account, subscription, item)
    name = account.tables["product"].get(price["product"], {}).get("name")
    word = "Unused time on" if amount < 0 else "Remaining time on"
    made = pending_item(
        account,
        subscription["customer"],
        price["currency"],
        amount,
        description=f"{word} {name}",
        period={"start": at, "end": item["current_period_end"]},
        proration=True,
        quantity=item["quantity"],
        test_clock=subscription["test_clock"],
    )
    made["_price"], made["_subscription"] = price["id"], subscription["id"]
    made["_subscription_item"] = item["id"]
    made["_tax_rates"] = [t["id"] for t in item["tax_rates"]]
    made["pricing"]["price_details"] = {"price": price["id"], "product": price["product"]}
    made["parent"] = {
        "type": "subscription_details",
        "subscription_details": {
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
    }
    emit(account, "invoiceitem.created", made)
    return made


def pending_item(account: Account, customer: str, currency: str, amount: int, **more: Any) -> Obj:
    """Something that will stand on the customer's next invoice."""
    quantity = more.get("quantity") or 1
    item = account.new(
        "invoiceitem",
        customer=customer,
        currency=currency,
        amount=amount,
        net_amount=amount,
        date=account.now,
        quantity_decimal=str(quantity),
        pricing={
            "type": "price_details",
            "price_details": None,
            "unit_amount_decimal": f"{amount / quantity:g}",
        },
    )
    owner = account.tables["customer"][customer]
    owner["currency"] = owner["currency"] or currency
    item.update(period={"start": account.now, "end": account.now})
    item.update(more)
    item["_tax_rates"] = []
    return item


def _list_items(account: Account, params: Obj) -> Obj:
    subscription = account.find("subscription", params["subscription"], "subscription")
    rows = items_of(account, subscription)
    return page(rows, params, "/v1/subscription_items", "subscription_item")


ROUTES: dict[str, Handler] = {"GET /v1/subscription_items": _list_items}
