"""Drafts of invoices: their lines, and the pending items that they take up."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.discounts import in_force
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.invoice_lines import automatic_rate, line, total
from bridge.sandbox.stripe.shapes import Obj


def draft(
    account: Account,
    customer: Obj,
    currency: str,
    lines: list[Obj],
    *,
    reason: str = "manual",
    subscription: Obj | None = None,
    **more: Any,
) -> Obj:
    """A new draft with lines and the customer's pending items; emits `invoice.created`."""
    invoice = untold_draft(
        account, customer, currency, lines, reason=reason, subscription=subscription, **more
    )
    emit(account, "invoice.created", invoice)
    return invoice


def untold_draft(
    account: Account,
    customer: Obj,
    currency: str,
    lines: list[Obj],
    *,
    reason: str = "manual",
    subscription: Obj | None = None,
    **more: Any,
) -> Obj:
    """A draft that is not finished, so no event reports it yet."""
    invoice = account.new(
        "invoice",
        customer=customer["id"],
        currency=currency,
        billing_reason=reason,
    )
    for item in compose(account, invoice, customer, lines, subscription, **more):
        item["invoice"] = invoice["id"]
    if not customer["currency"]:
        customer["currency"] = currency
    return invoice


def compose(
    account: Account,
    invoice: Obj,
    customer: Obj,
    lines: list[Obj],
    subscription: Obj | None,
    **more: Any,
) -> list[Obj]:
    """Fill a draft or a preview and add it up; answers the pending items that stand on it."""
    invoice.update(
        period_start=account.now, period_end=account.now, test_clock=customer["test_clock"]
    )
    _address(invoice, customer)
    invoice["_lines"], invoice["_payments"], invoice["_intent"] = lines, [], None
    if subscription:
        _belong_to(invoice, subscription)
    invoice.update(more)
    pending = _pending_items(account, invoice, subscription)
    invoice["_lines"] += [line_of(account, item) for item in pending]
    invoice["discounts"] = [d["id"] for d in in_force(account, subscription, customer)]
    rate = automatic_rate(account, customer) if invoice["automatic_tax"]["enabled"] else None
    if rate:
        invoice["automatic_tax"]["status"] = "complete"
        for each in invoice["_lines"]:
            each["_tax_rates"] = each["_tax_rates"] or [rate["id"]]
    total(account, invoice)
    return pending


def _address(invoice: Obj, customer: Obj) -> None:
    for name in ("address", "email", "name", "phone", "shipping"):
        invoice[f"customer_{name}"] = customer[name]
    invoice["customer_tax_exempt"] = customer["tax_exempt"]


def _belong_to(invoice: Obj, subscription: Obj) -> None:
    invoice["parent"] = {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
        },
    }
    invoice["_subscription"] = subscription["id"]
    invoice["collection_method"] = subscription["collection_method"]
    invoice["default_tax_rates"] = list(subscription["default_tax_rates"])
    invoice["automatic_tax"]["enabled"] = subscription["automatic_tax"]["enabled"]
    invoice["auto_advance"] = True


def has_pending_items(account: Account, subscription: Obj) -> bool:
    """Whether something waits to be invoiced with a subscription."""
    invoice = {"customer": subscription["customer"], "currency": subscription["currency"]}
    return bool(_pending_items(account, invoice, subscription))


def _pending_items(account: Account, invoice: Obj, subscription: Obj | None) -> list[Obj]:
    if invoice.pop("_exclude_pending", False):
        return []
    owners = (None, subscription["id"] if subscription else None)
    return [
        item
        for item in account.rows("invoiceitem", invoice["customer"])
        if item["invoice"] is None
        and item.get("_subscription") in owners
        and item["currency"] == invoice["currency"]
    ]


def add_item(account: Account, invoice: Obj, item: Obj) -> None:
    """Put a pending invoice item on a draft."""
    item["invoice"] = invoice["id"]
    invoice["_lines"].append(line_of(account, item))


def line_of(account: Account, item: Obj) -> Obj:
    """The line that a pending invoice item becomes."""
    subscription = item.get("_subscription")
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": None},
        "subscription": subscription or item.get("_sold_with"),
    }
    parent: Obj = {
        "type": "invoice_item_details",
        "invoice_item_details": details,
        "subscription_item_details": None,
    }
    if subscription:
        parent = {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                **details,
                "subscription_item": item.get("_subscription_item"),
            },
        }
    made = line(
        account,
        item["amount"],
        item["currency"],
        price=account.get("price", item.get("_price")),
        quantity=item["quantity"],
        description=item["description"],
        period=dict(item["period"]),
        parent=parent,
        metadata=dict(item["metadata"]),
        tax_rates=item["_tax_rates"],
    )
    made["discountable"] = item["discountable"]
    return made
