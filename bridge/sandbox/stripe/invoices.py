"""The life of an invoice: draft, open, paid, void, uncollectible, and each try to collect it."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.customers import change_balance, default_method
from bridge.sandbox.stripe.errors import card_error, invalid
from bridge.sandbox.stripe.events import changing, emit, when
from bridge.sandbox.stripe.holds import cancel_intent
from bridge.sandbox.stripe.invoice_lines import total
from bridge.sandbox.stripe.payments import confirm, new_intent
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj


def finalize(account: Account, invoice: Obj) -> None:
    """A draft becomes open and gets its number and payment; a draft of zero is paid immediately."""
    if invoice["status"] != "draft":
        raise invalid(
            f"This invoice is already finalized: {invoice['id']}.", code="invoice_not_editable"
        )
    customer = account.tables["customer"][invoice["customer"]]
    total(account, invoice)
    moved = invoice.pop("_to_balance")
    if moved:
        kind = "applied_to_invoice"
        change_balance(account, customer, moved, kind, invoice=invoice["id"])
    number = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = number + 1
    invoice.update(
        status="open",
        number=f"{customer['invoice_prefix']}-{number:04d}",
        ending_balance=customer["balance"],
        effective_at=account.now,
        automatically_finalizes_at=None,
        webhooks_delivered_at=account.now,
        hosted_invoice_url=f"{account.base_url}/i/{invoice['id']}",
        invoice_pdf=f"{account.base_url}/i/{invoice['id']}/pdf",
    )
    invoice["status_transitions"]["finalized_at"] = account.now
    if invoice["collection_method"] == "send_invoice":
        days = invoice.get("_days_until_due") or 30
        invoice["due_date"] = invoice["due_date"] or account.now + days * DAY
        account.plan(invoice["due_date"], "invoice_due", invoice)
    if invoice["amount_due"] > 0:
        _expect_payment(account, invoice)
    emit(account, "invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        mark_paid(account, invoice)


def _expect_payment(account: Account, invoice: Obj) -> None:
    """The payment intent and the invoice payment that a finalized invoice waits for."""
    intent = new_intent(account, invoice["amount_due"], invoice["currency"], invoice["customer"])
    intent["description"] = {
        "subscription_create": "Subscription creation",
        "subscription_update": "Subscription update",
    }.get(invoice["billing_reason"], f"Payment for Invoice {invoice['number']}")
    intent["_invoice"] = invoice["id"]
    invoice["_intent"] = intent["id"]
    payment = account.new(
        "invoice_payment",
        invoice=invoice["id"],
        amount_requested=invoice["amount_due"],
        currency=invoice["currency"],
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
    )
    invoice["_payments"].append(payment["id"])
    emit(account, "payment_intent.created", intent)


def collect(
    account: Account, invoice: Obj, method: str | None = None, *, refuse: bool = False
) -> None:
    """Try to take the money for an open invoice; `refuse` raises Stripe's 402 when it fails."""
    if invoice["status"] != "open" or invoice["amount_remaining"] <= 0:
        return
    customer = account.tables["customer"][invoice["customer"]]
    subscription = account.get("subscription", invoice.get("_subscription")) or {}
    chosen = default_method(
        account,
        customer,
        method,
        invoice["default_payment_method"],
        subscription.get("default_payment_method"),
    )
    intent = account.tables["payment_intent"][invoice["_intent"]]
    intent["amount"] = invoice["amount_remaining"]
    if chosen is None:
        _without_method(account, invoice, refuse=refuse)
        return
    intent["payment_method"] = chosen["id"]
    confirm(account, intent)
    if refuse and invoice["status"] != "paid" and intent["status"] != "processing":
        code = (intent["last_payment_error"] or {}).get("decline_code", "authentication_required")
        raise card_error(code, payment_intent=plain(intent))


def _without_method(account: Account, invoice: Obj, *, refuse: bool) -> None:
    if refuse:
        raise invalid(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set a "
            "`default_payment_method` on the Customer or Invoice, or pass a `payment_method`.",
            code="resource_missing",
        )
    failed(account, invoice)


def _invoice_of(account: Account, intent: Obj) -> Obj | None:
    return account.get("invoice", intent.get("_invoice"))


@when("payment_intent.succeeded")
def _paid_by_intent(account: Account, intent: Obj) -> None:
    invoice = _invoice_of(account, intent)
    if invoice and invoice["status"] in ("open", "uncollectible"):
        mark_paid(account, invoice, intent)


@when("payment_intent.payment_failed")
def _intent_failed(account: Account, intent: Obj) -> None:
    invoice = _invoice_of(account, intent)
    if invoice and invoice["status"] == "open":
        failed(account, invoice)


@when("payment_intent.requires_action")
def _intent_asks(account: Account, intent: Obj) -> None:
    invoice = _invoice_of(account, intent)
    if invoice and invoice["status"] == "open":
        emit(account, "invoice.payment_action_required", invoice)
        failed(account, invoice)


def mark_paid(
    account: Account, invoice: Obj, intent: Obj | None = None, *, out_of_band: bool = False
) -> None:
    """The invoice is paid: by a payment intent, out of band, or because nothing was due."""
    with changing(account, invoice, "invoice.updated"):
        if intent:
            invoice["attempt_count"] += 1
        paid = invoice["amount_remaining"]
        invoice["amount_paid"] += paid
        invoice["amount_remaining"] = 0
        invoice.update(status="paid", attempted=True, next_payment_attempt=None, auto_advance=False)
        invoice["status_transitions"]["paid_at"] = account.now
    invoice["_out_of_band"] = out_of_band
    for id_ in invoice["_payments"]:
        payment = account.tables["invoice_payment"][id_]
        if payment["status"] != "open":
            continue
        if out_of_band:
            _paid_elsewhere(account, payment)
        payment.update(status="paid", amount_paid=paid)
        payment["status_transitions"]["paid_at"] = account.now
        emit(account, "invoice_payment.paid", payment)
    _set_delinquent(account, invoice, delinquent=False)
    emit(account, "invoice.paid", invoice)
    emit(account, "invoice.payment_succeeded", invoice)


def _paid_elsewhere(account: Account, payment: Obj) -> None:
    """A payment that Stripe did not move: a record takes the place of the payment intent."""
    intent = account.tables["payment_intent"][payment["payment"]["payment_intent"]]
    intent["_invoice"] = None
    cancel_intent(account, intent, "void_invoice")
    record = account.ids.new("pr")
    payment["payment"] = {"type": "payment_record", "payment_record": record}


def failed(account: Account, invoice: Obj) -> None:
    """A try to collect failed; another is planned as the account's schedule says."""
    with changing(account, invoice, "invoice.updated"):
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        invoice["next_payment_attempt"] = _next_attempt(account, invoice)
    if invoice["next_payment_attempt"]:
        account.plan(invoice["next_payment_attempt"], "retry_invoice", invoice)
    _set_delinquent(account, invoice, delinquent=True)
    emit(account, "invoice.payment_failed", invoice)


def _set_delinquent(account: Account, invoice: Obj, *, delinquent: bool) -> None:
    """Set on the customer whether their latest charge failed."""
    customer = account.tables["customer"][invoice["customer"]]
    if not customer.get("deleted"):
        with changing(account, customer, "customer.updated"):
            customer["delinquent"] = delinquent


def _next_attempt(account: Account, invoice: Obj) -> int | None:
    days = account.settings.dunning_days
    tried = invoice["attempt_count"]
    automatic = invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically"
    if not automatic or invoice["billing_reason"] == "subscription_create" or tried > len(days):
        return None
    return account.now + int(days[tried - 1]) * DAY


def retry(account: Account, id_: str) -> None:
    """A planned retry."""
    invoice = account.get("invoice", id_)
    if invoice and invoice["status"] == "open" and invoice["next_payment_attempt"] == account.now:
        collect(account, invoice)


def void(account: Account, invoice: Obj) -> None:
    """Void the invoice: it counts as if it had never existed."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(
            "You can only pass in open invoices. "
            f"This invoice isn't open: it is {invoice['status']}."
        )
    with changing(account, invoice, "invoice.updated", "invoice.voided"):
        invoice.update(status="void", next_payment_attempt=None, auto_advance=False)
        invoice["status_transitions"]["voided_at"] = account.now
    _drop_payment(account, invoice)
    _unapply_balance(account, invoice)


def _unapply_balance(account: Account, invoice: Obj) -> None:
    """Reverse what a voided invoice took from or added to the customer's balance.

    https://docs.stripe.com/changelog/2019-12-03/customer-balances-returned-voided-invoices
    """
    customer = account.tables["customer"][invoice["customer"]]
    moved = sum(
        t["amount"]
        for t in account.rows("customer_balance_transaction", invoice["customer"])
        if t["invoice"] == invoice["id"]
    )
    if moved and not customer.get("deleted"):
        kind = "unapplied_from_invoice"
        change_balance(account, customer, -moved, kind, invoice=invoice["id"])


def _drop_payment(account: Account, invoice: Obj) -> None:
    for id_ in invoice["_payments"]:
        payment = account.tables["invoice_payment"][id_]
        if payment["status"] == "open":
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = account.now
    if intent := account.get("payment_intent", invoice["_intent"]):
        cancel_intent(account, intent, "void_invoice")


def mark_uncollectible(account: Account, invoice: Obj) -> None:
    """Mark it as given up; it may still be paid."""
    if invoice["status"] != "open":
        raise invalid("You can only mark open invoices as uncollectible.")
    with changing(account, invoice, "invoice.updated", "invoice.marked_uncollectible"):
        invoice.update(status="uncollectible", next_payment_attempt=None, auto_advance=False)
        invoice["status_transitions"]["marked_uncollectible_at"] = account.now


def advance(account: Account, id_: str) -> None:
    """A draft is finalized an hour after its creation, then collected or sent."""
    invoice = account.get("invoice", id_)
    if not invoice or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    finalize(account, invoice)
    if invoice["collection_method"] == "charge_automatically":
        collect(account, invoice)
    elif invoice["status"] == "open":
        emit(account, "invoice.sent", invoice)


def fall_due(account: Account, id_: str) -> None:
    """The due date of a sent invoice has passed."""
    invoice = account.get("invoice", id_)
    if invoice and invoice["status"] == "open" and invoice["due_date"] == account.now:
        emit(account, "invoice.overdue", invoice)
