"""Trying to pay with a payment intent; the payment method decides how it ends."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.balance import book_charge
from bridge.sandbox.stripe.cards import behaviour
from bridge.sandbox.stripe.customers import attach, default_method, find_customer
from bridge.sandbox.stripe.errors import DECLINES, OWN_CODES, card_error, invalid
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.holds import HOLD_DAYS
from bridge.sandbox.stripe.payment_charges import new_charge
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj

# Bank transfers by currency.
TRANSFERS = {
    c: f"{bank}_bank_transfer"
    for c, bank in zip(
        ("eur", "gbp", "jpy", "mxn", "usd"), ("eu", "gb", "jp", "mx", "us"), strict=True
    )
}


def outcome(account: Account, customer: str | None, method: Obj | None) -> str:
    """How the next payment ends; declines that were asked for come first and are used up."""
    if customer and account.failing[customer]:
        return "decline:" + account.failing[customer].pop(0)
    if method is None:
        return "no_method"
    card = behaviour(method)
    return f"decline:{card.attach}" if card.attach else card.pay


def refuse_decline(account: Account, customer: str, method: Obj | None) -> None:
    """Raise Stripe's 402 if a payment now would not go through."""
    how, _, detail = outcome(account, customer, method).partition(":")
    if how == "no_method":
        raise invalid(
            "This customer has no attached payment source or default payment method.",
            code="resource_missing",
        )
    if how in ("decline", "action"):
        raise card_error(detail or "authentication_required")


def new_intent(account: Account, amount: int, currency: str, customer: str | None) -> Obj:
    """A new payment intent."""
    intent = account.new(
        "payment_intent", amount=amount, currency=currency.lower(), customer=customer
    )
    intent["client_secret"] = f"{intent['id']}_secret_{account.ids.new('', 24)[1:]}"
    return intent


def confirm(
    account: Account, intent: Obj, *, off_session: bool = False, refuse: bool = False
) -> str:
    """Try to pay. Answers the intent's new status; with `refuse` a decline raises Stripe's 402."""
    method = account.get("payment_method", intent["payment_method"])
    if method is None and intent["customer"]:
        method = default_method(account, find_customer(account, intent["customer"]))
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            "payment_method",
            "payment_intent_unexpected_state",
        )
    intent["payment_method"] = method["id"]
    how, _, detail = outcome(account, intent["customer"], method).partition(":")
    if how == "succeed":
        succeed(account, intent, method)
    elif how == "processing":
        _process(account, intent, method, detail)
    elif how == "transfer":
        _ask_for_transfer(account, intent)
    elif how == "action" and not off_session:
        _ask_for_action(account, intent)
    else:
        code = "authentication_required" if how == "action" else detail or "generic_decline"
        fail(account, intent, method, code)
        if refuse:
            raise card_error(code, payment_intent=plain(intent), charge=intent["latest_charge"])
    return str(intent["status"])


def succeed(account: Account, intent: Obj, method: Obj) -> None:
    """The payment succeeds."""
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        attach(account, method, find_customer(account, intent["customer"]))
    capture = intent["capture_method"] != "manual"
    charge = new_charge(account, intent, method, captured=capture)
    intent["latest_charge"] = charge["id"]
    intent["last_payment_error"] = intent["next_action"] = intent["processing"] = None
    if not capture:
        intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
        customer = account.get("customer", intent["customer"])
        clock = {"id": intent["id"], "test_clock": (customer or {}).get("test_clock")}
        account.plan(account.now + HOLD_DAYS * DAY, "hold_expires", clock)
        emit(account, "charge.succeeded", charge)
        emit(account, "payment_intent.amount_capturable_updated", intent)
        return
    intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
    book_charge(account, charge)
    emit(account, "charge.succeeded", charge)
    emit(account, "payment_intent.succeeded", intent)


def fail(account: Account, intent: Obj, method: Obj, decline: str) -> None:
    """The bank declines: a failed charge remains; the intent waits for another payment method."""
    message = DECLINES.get(decline, DECLINES["card_declined"])
    code = decline if decline in (*OWN_CODES, "authentication_required") else "card_declined"
    charge = new_charge(account, intent, method, captured=False)
    charge.update(
        paid=False,
        status="failed",
        failure_code=code,
        failure_message=message,
        balance_transaction=None,
        outcome={
            **charge["outcome"],
            "network_status": "declined_by_network",
            "reason": decline,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        },
    )
    intent.update(
        status="requires_payment_method",
        latest_charge=charge["id"],
        payment_method=None,
        next_action=None,
        processing=None,
        last_payment_error={
            "charge": charge["id"],
            "code": code,
            "decline_code": decline,
            "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
            "message": message,
            "payment_method": plain(method),
            "type": "card_error",
        },
    )
    emit(account, "charge.failed", charge)
    emit(account, "payment_intent.payment_failed", intent)


def _ask_for_action(account: Account, intent: Obj) -> None:
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {
            "return_url": None,
            "url": f"{account.base_url}/_authenticate/{intent['id']}",
        },
    }
    emit(account, "payment_intent.requires_action", intent)


def _ask_for_transfer(account: Account, intent: Obj) -> None:
    """The customer is told where to send the money; see `cash_balance`."""
    intent["status"] = "requires_action"
    intent["payment_method_types"] = ["customer_balance"]
    instructions = {
        "amount_remaining": intent["amount"],
        "currency": intent["currency"],
        "financial_addresses": [],
        "hosted_instructions_url": None,
        "reference": intent["id"][-10:].upper(),
        "type": TRANSFERS.get(intent["currency"], "eu_bank_transfer"),
    }
    intent["next_action"] = {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": instructions,
    }
    emit(account, "payment_intent.requires_action", intent)


def _process(account: Account, intent: Obj, method: Obj, end: str) -> None:
    """A bank debit, whose result is known days later."""
    charge = new_charge(account, intent, method, captured=False)
    charge.update(status="pending", paid=False)
    intent["latest_charge"] = charge["id"]
    emit(account, "charge.pending", charge)
    intent["status"] = "processing"
    intent["next_action"] = None
    intent["_end"] = end
    intent["payment_method_types"] = [method["type"]]
    intent["processing"] = None
    days = account.settings.async_payment_days
    customer = account.get("customer", intent["customer"])
    clock = {"id": intent["id"], "test_clock": (customer or {}).get("test_clock")}
    account.plan(account.now + days * DAY, "debit_ends", clock)
    emit(account, "payment_intent.processing", intent)


def debit_ends(account: Account, id_: str) -> None:
    """The bank's answer to a debit."""
    intent = account.get("payment_intent", id_)
    if intent is None or intent["status"] != "processing":
        return
    method = account.tables["payment_method"][intent["payment_method"]]
    forced = bool(intent["customer"] and account.failing[intent["customer"]])
    if forced:
        account.failing[intent["customer"]].pop(0)
    if intent["_end"] == "succeed" and not forced:
        succeed(account, intent, method)
    else:
        fail(account, intent, method, "insufficient_funds")


def authenticate(account: Account, intent: Obj, *, ok: bool) -> None:
    """The customer answered the bank's question (3-D Secure)."""
    if intent["status"] != "requires_action":
        return
    method = account.tables["payment_method"][intent["payment_method"]]
    if ok:
        succeed(account, intent, method)
    else:
        fail(account, intent, method, "authentication_required")
