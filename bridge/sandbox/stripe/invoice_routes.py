"""The endpoints of invoices, invoice items and invoice payments."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import HOUR, Account
from bridge.sandbox.stripe.catalog import amount_of
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    deep_update,
    equals,
    in_range,
    listing,
    merge_metadata,
    page,
    retrieving,
    rows_of,
)
from bridge.sandbox.stripe.customers import find_customer, method_from
from bridge.sandbox.stripe.discounts import discount_from
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.invoice_drafts import add_item, line_of, untold_draft
from bridge.sandbox.stripe.invoice_lines import total
from bridge.sandbox.stripe.invoices import collect, finalize, mark_paid, mark_uncollectible, void
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_items import pending_item

FIELDS = ("auto_advance", "collection_method", "description", "due_date", "footer")
ITEM_FIELDS = ("description", "discountable")


def create(account: Account, params: Obj) -> Obj:
    """POST /v1/invoices."""
    subscription = account.get("subscription", params.get("subscription"))
    customer_id = params.get("customer") or (subscription or {}).get("customer") or ""
    customer = find_customer(account, customer_id)
    account.live_at_clock_of(customer)
    invoice = untold_draft(
        account,
        customer,
        params.get("currency") or customer["currency"] or "usd",
        [],
        reason="manual",
        subscription=subscription,
        auto_advance=bool(params.get("auto_advance")),
        _exclude_pending=params.get("pending_invoice_items_behavior") != "include"
        and subscription is None,
        _days_until_due=params.get("days_until_due"),
        **{k: params[k] for k in ("collection_method", "description", "due_date") if k in params},
    )
    _take_over(account, invoice, params)
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = account.now + HOUR
        account.plan(account.now + HOUR, "advance_invoice", invoice)
    emit(account, "invoice.created", invoice)
    return invoice


def _take_over(account: Account, invoice: Obj, params: Obj) -> None:
    copy_named(invoice, params, *FIELDS)
    if token := params.get("default_payment_method"):
        invoice["default_payment_method"] = method_from(account, token)["id"]
    if "default_tax_rates" in params:
        invoice["default_tax_rates"] = [
            account.find("tax_rate", r, "default_tax_rates") for r in params["default_tax_rates"]
        ]
    if "discounts" in params:
        invoice["discounts"] = [
            discount_from(
                account, d, invoice["customer"], currency=invoice["currency"], invoice=invoice["id"]
            )["id"]
            for d in params["discounts"] or []
        ]
    deep_update(invoice["payment_settings"], params.get("payment_settings") or {})
    merge_metadata(invoice, params)
    total(account, invoice)


def _update(account: Account, params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    with changing(account, invoice, "invoice.updated"):
        if invoice["status"] == "draft":
            _take_over(account, invoice, params)
        else:
            copy_named(invoice, params, "auto_advance", "description", "due_date")
            merge_metadata(invoice, params)
    if invoice["auto_advance"] and invoice["status"] == "draft":
        account.plan(account.now + HOUR, "advance_invoice", invoice)
    return invoice


def _delete(account: Account, _params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    if invoice["status"] != "draft" or invoice.get("_subscription"):
        raise invalid("You can only delete draft invoices that belong to no subscription.")
    account.drop(invoice)
    for item in account.rows("invoiceitem", invoice["customer"]):
        if item["invoice"] == id_:
            item["invoice"] = None
    emit(account, "invoice.deleted", invoice)
    return {"id": id_, "object": "invoice", "deleted": True}


def _finalize(account: Account, params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    if params.get("auto_advance") is not None:
        invoice["auto_advance"] = params["auto_advance"]
    finalize(account, invoice)
    if invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically":
        account.plan(account.now + HOUR, "collect_invoice", invoice)
    return invoice


def collect_later(account: Account, id_: str) -> None:
    """Collect an invoice an hour after it was finalized by hand, if it advances automatically."""
    invoice = account.get("invoice", id_)
    if invoice and invoice["auto_advance"] and not invoice["attempted"]:
        collect(account, invoice)


def pay(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/invoices/{id}/pay."""
    invoice = account.find("invoice", id_)
    if invoice["status"] == "draft":
        finalize(account, invoice)
    if invoice["status"] == "paid" and not invoice["attempt_count"] and invoice["amount_due"] == 0:
        return invoice
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "void":
        raise invalid("This invoice can no longer be paid.", code="invoice_not_payable")
    if params.get("paid_out_of_band"):
        mark_paid(account, invoice, out_of_band=True)
        return invoice
    if invoice["status"] == "uncollectible":
        invoice["status"] = "open"
    token = params.get("payment_method") or params.get("source")
    method = method_from(account, token)["id"] if token else None
    collect(account, invoice, method, refuse=True)
    return invoice


def _void(account: Account, _params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    void(account, invoice)
    return invoice


def _uncollectible(account: Account, _params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    mark_uncollectible(account, invoice)
    return invoice


def _send(account: Account, _params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    if invoice["status"] == "draft":
        finalize(account, invoice)
    emit(account, "invoice.sent", invoice)
    return invoice


def _list(account: Account, params: Obj) -> Obj:
    rows = rows_of(account, "invoice", params)
    for name in ("status", "collection_method"):
        if params.get(name):
            rows = [r for r in rows if r[name] == params[name]]
    if wanted := params.get("subscription"):
        rows = [r for r in rows if r.get("_subscription") == wanted]
    for name in ("created", "due_date"):
        if params.get(name) is not None:
            rows = [r for r in rows if in_range(r[name], params[name])]
    return page(rows, params, "/v1/invoices", "invoice")


def _lines(account: Account, params: Obj, id_: str) -> Obj:
    invoice = account.find("invoice", id_)
    rows = list(reversed(invoice["_lines"]))  # shown in their order, not newest first
    return page(rows, params, f"/v1/invoices/{id_}/lines", "line_item")


def create_item(account: Account, params: Obj) -> Obj:
    """POST /v1/invoiceitems."""
    customer = find_customer(account, params.get("customer"))
    account.live_at_clock_of(customer)
    quantity = params.get("quantity") or 1
    price = None
    if named := (params.get("pricing") or {}).get("price"):
        price = account.find("price", named, "pricing[price]")
    if price:
        amount, currency = amount_of(price, quantity), price["currency"]
    else:
        amount = params["amount"] if params.get("amount") is not None else _unit(params) * quantity
        currency = params.get("currency") or customer["currency"] or "usd"
    item = pending_item(
        account,
        customer["id"],
        currency,
        amount,
        quantity=quantity,
        test_clock=customer["test_clock"],
    )
    copy_named(item, params, *ITEM_FIELDS)
    merge_metadata(item, params)
    item["period"].update(params.get("period") or {})
    if price:
        item["_price"] = price["id"]
        item["pricing"]["price_details"] = {"price": price["id"], "product": price["product"]}
        item["pricing"]["unit_amount_decimal"] = price["unit_amount_decimal"]
    rates = params.get("tax_rates") or []
    item["_tax_rates"] = [account.find("tax_rate", r, "tax_rates")["id"] for r in rates]
    item["_subscription"] = params.get("subscription") or None
    emit(account, "invoiceitem.created", item)
    if params.get("invoice"):
        _put_on(account, item, params["invoice"])
    return item


def _unit(params: Obj) -> int:
    exact = params.get("unit_amount_decimal")
    if exact is None:
        raise invalid("Missing required param: amount.", "amount", "parameter_missing")
    return int(exact)


def _put_on(account: Account, item: Obj, invoice_id: str) -> None:
    invoice = account.find("invoice", invoice_id, "invoice")
    if invoice["status"] != "draft":
        raise invalid("This invoice is no longer editable", "invoice", "invoice_not_editable")
    with changing(account, invoice, "invoice.updated"):
        add_item(account, invoice, item)
        total(account, invoice)


def _update_item(account: Account, params: Obj, id_: str) -> Obj:
    item = account.find("invoiceitem", id_)
    invoice = account.get("invoice", item["invoice"])
    if invoice and invoice["status"] != "draft":
        raise invalid("This invoice is no longer editable", "invoice", "invoice_not_editable")
    copy_named(item, params, *ITEM_FIELDS, "amount")
    item["net_amount"] = item["amount"]
    merge_metadata(item, params)
    if invoice:
        with changing(account, invoice, "invoice.updated"):
            for n, each in enumerate(invoice["_lines"]):
                if _item_of(each) == id_:
                    invoice["_lines"][n] = {**line_of(account, item), "id": each["id"]}
            total(account, invoice)
    return item


def _delete_item(account: Account, _params: Obj, id_: str) -> Obj:
    item = account.find("invoiceitem", id_)
    if invoice := account.get("invoice", item["invoice"]):
        if invoice["status"] != "draft":
            raise invalid("The invoice item is on a finalized invoice and cannot be deleted.")
        with changing(account, invoice, "invoice.updated"):
            invoice["_lines"] = [line for line in invoice["_lines"] if _item_of(line) != id_]
            total(account, invoice)
    account.drop(item)
    emit(account, "invoiceitem.deleted", item)
    return {"id": id_, "object": "invoiceitem", "deleted": True}


def _item_of(line: Obj) -> Any:
    parent = line["parent"] or {}
    return (parent.get(parent.get("type", "")) or {}).get("invoice_item")


def _payment_is(row: Obj, wanted: Obj) -> bool:
    return any(
        row["payment"].get(k) == wanted[k]
        for k in ("payment_intent", "charge", "payment_record")
        if wanted.get(k)
    )


ROUTES: dict[str, Handler] = {
    "POST /v1/invoices": create,
    "GET /v1/invoices": _list,
    "GET /v1/invoices/{}": retrieving("invoice"),
    "POST /v1/invoices/{}": _update,
    "DELETE /v1/invoices/{}": _delete,
    "GET /v1/invoices/{}/lines": _lines,
    "POST /v1/invoices/{}/finalize": _finalize,
    "POST /v1/invoices/{}/pay": pay,
    "POST /v1/invoices/{}/void": _void,
    "POST /v1/invoices/{}/mark_uncollectible": _uncollectible,
    "POST /v1/invoices/{}/send": _send,
    "POST /v1/invoiceitems": create_item,
    "GET /v1/invoiceitems": listing(
        "invoiceitem",
        "/v1/invoiceitems",
        {
            "invoice": equals("invoice"),
            "pending": lambda row, wanted: (row["invoice"] is None) == wanted,
        },
    ),
    "GET /v1/invoiceitems/{}": retrieving("invoiceitem"),
    "POST /v1/invoiceitems/{}": _update_item,
    "DELETE /v1/invoiceitems/{}": _delete_item,
    "GET /v1/invoice_payments": listing(
        "invoice_payment",
        "/v1/invoice_payments",
        {"invoice": equals("invoice"), "status": equals("status"), "payment": _payment_is},
    ),
    "GET /v1/invoice_payments/{}": retrieving("invoice_payment"),
}
