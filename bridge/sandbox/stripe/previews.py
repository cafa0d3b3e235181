"""Invoices that do not exist yet: what the next one would be."""

from __future__ import annotations

import copy

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import Handler
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.discounts import in_force
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.invoice_lines import line, total
from bridge.sandbox.stripe.shapes import Obj, blank
from bridge.sandbox.stripe.subscription_items import end_of_period, period_lines
from bridge.sandbox.stripe.views import items_of


def next_invoice(account: Account, subscription: Obj) -> Obj:
    """The invoice of the next renewal as it would be now; it has no id and is not kept."""
    customer = account.tables["customer"][subscription["customer"]]
    items = copy.deepcopy(items_of(account, subscription))
    ends = min(i["current_period_end"] for i in items)
    due = [i for i in items if i["current_period_end"] == ends]
    lines = _pending_lines(account, customer["id"], subscription)
    for item in due:
        item["current_period_start"] = ends
        item["current_period_end"] = end_of_period(account, subscription, item, ends)
    return _invoice(
        account, customer, subscription, lines + period_lines(account, subscription, due)
    )


def _invoice(account: Account, customer: Obj, subscription: Obj | None, lines: list[Obj]) -> Obj:
    invoice = blank("invoice")
    invoice.update(
        created=account.now,
        customer=customer["id"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        currency=lines[0]["currency"] if lines else "usd",
        period_start=account.now,
        period_end=account.now,
        billing_reason="upcoming",
        discounts=[d["id"] for d in in_force(account, subscription, customer)],
    )
    invoice["_lines"] = lines
    if subscription:
        invoice["parent"] = {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
        }
        invoice["default_tax_rates"] = list(subscription["default_tax_rates"])
    total(account, invoice)
    del invoice["id"]
    return invoice


def _pending_lines(account: Account, customer: str, subscription: Obj | None) -> list[Obj]:
    wanted = subscription["id"] if subscription else None
    return [
        line(
            account,
            item["amount"],
            item["currency"],
            description=item["description"],
            period=item["period"],
            quantity=item["quantity"],
            price=account.get("price", item.get("_price")),
        )
        for item in account.rows("invoiceitem", customer)
        if item["invoice"] is None and item.get("_subscription") in (None, wanted)
    ]


def create_preview(account: Account, params: Obj) -> Obj:
    """POST /v1/invoices/create_preview: the next renewal, or the pending items."""
    if id_ := params.get("subscription"):
        subscription = account.find("subscription", id_, "subscription")
        shown = next_invoice(account, subscription)
    else:
        customer = find_customer(account, params.get("customer"))
        lines = _pending_lines(account, customer["id"], None)
        if not lines:
            raise StripeError(
                404,
                f"No upcoming invoices for customer: {customer['id']}",
                code="invoice_upcoming_none",
            )
        shown = _invoice(account, customer, None, lines)
    return {"id": account.ids.new("upcoming_in"), **shown}


ROUTES: dict[str, Handler] = {"POST /v1/invoices/create_preview": create_preview}
