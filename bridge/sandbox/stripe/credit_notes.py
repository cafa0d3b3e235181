"""Credit notes: less to pay on an open invoice, or money back from a paid one."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.charges import create_refund
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    equals,
    listing,
    merge_metadata,
    page,
    retrieving,
    updating,
)
from bridge.sandbox.stripe.customers import change_balance
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.invoices import mark_paid
from bridge.sandbox.stripe.shapes import Obj


def create(account: Account, params: Obj) -> Obj:
    """POST /v1/credit_notes."""
    invoice = account.find("invoice", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise invalid("You can only create a credit note for an open or paid invoice.", "invoice")
    for given in params.get("refunds") or ():
        if named := given.get("refund"):
            account.find("refund", named, "refunds")
    note = _drawn_up(account, invoice, params)
    limit = invoice["amount_remaining"] if invoice["status"] != "paid" else invoice["amount_paid"]
    left = limit - (invoice["post_payment_credit_notes_amount"] if not note["_pre"] else 0)
    if note["amount"] > left:
        raise invalid(f"The credit note's amount is more than what is left: {left}.", "amount")
    if note["_pre"]:
        _lower(account, invoice, note["amount"])
    else:
        _check_sum(note, params)
        _give_back(account, invoice, note, params)
    emit(account, "credit_note.created", note)
    return note


def _drawn_up(account: Account, invoice: Obj, params: Obj) -> Obj:
    lines = [_line(account, invoice, given) for given in params.get("lines") or ()]
    amount = params.get("amount") or sum(line["amount"] for line in lines)
    if amount <= 0:
        raise invalid("You must pass `amount` or `lines`.", "amount", "parameter_missing")
    pre = invoice["status"] != "paid"
    number = 1 + sum(1 for n in account.rows("credit_note") if n["invoice"] == invoice["id"])
    note = account.new(
        "credit_note",
        customer=invoice["customer"],
        invoice=invoice["id"],
        currency=invoice["currency"],
        amount=amount,
        subtotal=amount,
        subtotal_excluding_tax=amount,
        total=amount,
        total_excluding_tax=amount,
        effective_at=account.now,
        number=f"{invoice['number']}-CN-{number:02d}",
        pdf=f"{invoice['hosted_invoice_url']}/cn/{number}",
        pre_payment_amount=amount if pre else 0,
        post_payment_amount=0 if pre else amount,
        type="pre_payment" if pre else "post_payment",
    )
    note["_lines"], note["_pre"] = lines or [_custom(account, amount, "Credit")], pre
    copy_named(note, params, "memo", "reason")
    merge_metadata(note, params)
    return note


def _custom(account: Account, amount: int, description: str | None) -> Obj:
    line = account.new("credit_note_line_item")
    account.drop(line)
    line.update(
        amount=amount,
        description=description,
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )
    return line


def _line(account: Account, invoice: Obj, given: Obj) -> Obj:
    quantity = given.get("quantity") or 1
    if given["type"] == "custom_line_item":
        line = _custom(
            account, (given.get("unit_amount") or 0) * quantity, given.get("description")
        )
        line.update(quantity=quantity, unit_amount=given.get("unit_amount"))
        return line
    named = given.get("invoice_line_item")
    for each in invoice["_lines"]:
        if each["id"] == named:
            line = _custom(account, given.get("amount") or each["amount"], each["description"])
            line.update(type="invoice_line_item", invoice_line_item=named, unit_amount=None)
            return line
    raise invalid(f"No such invoice line item: '{named}'", "lines", "resource_missing")


def _lower(account: Account, invoice: Obj, amount: int) -> None:
    with changing(account, invoice, "invoice.updated"):
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_due"] -= amount
        invoice["amount_remaining"] -= amount
    intent = account.get("payment_intent", invoice["_intent"])
    if intent and invoice["amount_remaining"] > 0:
        intent["amount"] = invoice["amount_remaining"]
    if invoice["amount_remaining"] == 0:
        mark_paid(account, invoice)


def _check_sum(note: Obj, params: Obj) -> None:
    """Refund the whole payment, in one way or several."""
    ways = ("credit_amount", "refund_amount", "out_of_band_amount")
    back = sum(params.get(way) or 0 for way in ways)
    back += sum(r.get("amount_refunded") or 0 for r in params.get("refunds") or ())
    if back != note["amount"]:
        raise invalid(
            "The sum of credit amount, refund amount and out of band amount "
            f"({back}) must equal the credit note amount ({note['amount']})."
        )


def _give_back(account: Account, invoice: Obj, note: Obj, params: Obj) -> None:
    with changing(account, invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] += note["amount"]
    customer = account.tables["customer"][invoice["customer"]]
    if credit := params.get("credit_amount"):
        made = change_balance(account, customer, -credit, "credit_note", credit_note=note["id"])
        note["customer_balance_transaction"] = made["id"]
    note["refunds"] = [
        {"payment_record_refund": None, "type": "refund", **given}
        for given in params.get("refunds") or ()
    ]
    note["out_of_band_amount"] = params.get("out_of_band_amount")
    refund = params.get("refund_amount")
    intent = account.get("payment_intent", invoice["_intent"])
    if refund and intent and intent["latest_charge"]:
        made = create_refund(account, {"charge": intent["latest_charge"], "amount": refund})
        note["refunds"].append(
            {
                "amount_refunded": refund,
                "payment_record_refund": None,
                "refund": made["id"],
                "type": "refund",
            }
        )


def _void(account: Account, _params: Obj, id_: str) -> Obj:
    note = account.find("credit_note", id_)
    invoice = account.tables["invoice"][note["invoice"]]
    if note["status"] == "void" or not note["_pre"] or invoice["status"] != "open":
        raise invalid("You can only void an issued credit note of an open invoice.")
    note.update(status="void", voided_at=account.now)
    _lower(account, invoice, -note["amount"])
    emit(account, "credit_note.voided", note)
    return note


def _lines(account: Account, params: Obj, id_: str) -> Obj:
    rows = list(reversed(account.find("credit_note", id_)["_lines"]))
    return page(rows, params, f"/v1/credit_notes/{id_}/lines", "credit_note_line_item")


ROUTES: dict[str, Handler] = {
    "POST /v1/credit_notes": create,
    "GET /v1/credit_notes": listing(
        "credit_note", "/v1/credit_notes", {"invoice": equals("invoice")}
    ),
    "GET /v1/credit_notes/{}": retrieving("credit_note"),
    "GET /v1/credit_notes/{}/lines": _lines,
    "POST /v1/credit_notes/{}": updating("credit_note", "credit_note.updated", "memo"),
    "POST /v1/credit_notes/{}/void": _void,
}
