"""Payment intents and the charges they make; how a payment ends is the payment method's affair."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.balance import book_charge
from bridge.sandbox.stripe.cards import behaviour
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    listing,
    merge_metadata,
    retrieving,
)
from bridge.sandbox.stripe.customers import attach, default_method, find_customer, method_from
from bridge.sandbox.stripe.errors import DECLINES, OWN_CODES, StripeError, card_error, invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj

HOLD_DAYS = 7
FINAL = ("succeeded", "canceled")
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
    """A payment intent that nothing was tried with yet."""
    intent = account.new(
        "payment_intent", amount=amount, currency=currency.lower(), customer=customer
    )
    intent["client_secret"] = f"{intent['id']}_secret_{account.ids.new('', 24)[1:]}"
    return intent


def create_intent(account: Account, params: Obj) -> Obj:
    """POST /v1/payment_intents."""
    if params["amount"] <= 0:
        raise invalid(
            "This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"
        )
    customer = params.get("customer") or None
    if customer:
        account.live_at_clock_of(find_customer(account, customer))
    intent = new_intent(account, params["amount"], params["currency"], customer)
    types = params.get("payment_method_types")
    intent["payment_method_types"] = types or ["card"]
    if not types:
        intent["automatic_payment_methods"] = {"allow_redirects": "always", "enabled": True}
    _take_over(account, intent, params)
    emit(account, "payment_intent.created", intent)
    if params.get("confirm"):
        confirm(account, intent, off_session=bool(params.get("off_session")), refuse=True)
    return intent


def _take_over(account: Account, intent: Obj, params: Obj) -> None:
    copy_named(
        intent,
        params,
        "capture_method",
        "confirmation_method",
        "description",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    )
    merge_metadata(intent, params)
    token = params.get("payment_method")
    if not token and (data := params.get("payment_method_data")):
        token = _method_from_data(account, data)
    if token:
        intent["payment_method"] = method_from(account, token)["id"]
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_confirmation"


def _method_from_data(account: Account, data: Obj) -> str:
    kind = data.get("type") or "card"
    given = data.get(kind) or {}
    token = given.get("token") if isinstance(given, dict) else None
    made = method_from(account, token or ("pm_card_visa" if kind == "card" else f"pm_{kind}"))
    return str(made["id"])


def update_intent(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/payment_intents/{id}."""
    intent = account.find("payment_intent", id_)
    if "amount" in params and intent["status"] in (*FINAL, "processing", "requires_capture"):
        raise invalid(
            "This PaymentIntent's amount could not be updated because it has a status of "
            f"{intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    copy_named(intent, params, "amount", "currency", "customer")
    _take_over(account, intent, params)
    return intent


def _confirm(account: Account, params: Obj, id_: str) -> Obj:
    intent = account.find("payment_intent", id_)
    if intent["status"] in (*FINAL, "processing"):
        raise StripeError(
            400,
            f"You cannot confirm this PaymentIntent because it has already {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=plain(intent),
        )
    _take_over(account, intent, params)
    confirm(account, intent, off_session=bool(params.get("off_session")), refuse=True)
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
    """The money came."""
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


def new_charge(account: Account, intent: Obj, method: Obj, *, captured: bool) -> Obj:
    """A charge that went through."""
    pending = account.get("charge", intent["latest_charge"])
    same: Obj = {}
    if pending and pending["status"] == "pending":  # a debit that has come to its end
        account.drop(pending)
        same = {"id_": pending["id"], "created": pending["created"]}
    charge = account.new(
        "charge",
        **same,
        amount=intent["amount"],
        amount_captured=intent["amount"] if captured else 0,
        captured=captured,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        outcome={
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        paid=True,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_method_details(method, intent["amount"]),
        billing_details=plain(method["billing_details"]),
        receipt_url=f"{account.base_url}/receipts/{intent['id']}",
        status="succeeded",
    )
    charge["_behaviour"] = method.get("_behaviour")
    return charge


def _method_details(method: Obj, amount: int) -> Obj:
    kind = method["type"]
    details = dict(method.get(kind) or {})
    if kind == "card":
        for name in ("display_brand", "generated_from", "networks", "three_d_secure_usage"):
            details.pop(name, None)
        details.update(
            amount_authorized=None,
            authorization_code="123456",
            extended_authorization={"status": "disabled"},
            incremental_authorization={"status": "unavailable"},
            installments=None,
            mandate=None,
            multicapture={"status": "unavailable"},
            network=details.get("brand"),
            network_token={"used": False},
            network_transaction_id="123456789012345",
            overcapture={"maximum_amount_capturable": amount, "status": "unavailable"},
            three_d_secure=None,
            transaction_link_id=None,
        )
    return {kind: details, "type": kind}


def fail(account: Account, intent: Obj, method: Obj, decline: str) -> None:
    """The bank said no: a failed charge remains, the intent waits for another payment method."""
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
    """A bank debit: days pass before one knows."""
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


def capture(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/payment_intents/{id}/capture."""
    intent = account.find("payment_intent", id_)
    if intent["status"] != "requires_capture":
        raise invalid(
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    amount = intent["amount"] if (asked := params.get("amount_to_capture")) is None else asked
    charge = account.tables["charge"][intent["latest_charge"]]
    capture_charge(account, charge, amount)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    emit(account, "payment_intent.succeeded", intent)
    return intent


def capture_charge(account: Account, charge: Obj, amount: int) -> None:
    """Take the money that was authorized; the rest goes back."""
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            "amount_to_capture",
            "parameter_invalid_integer",
        )
    if charge["refunded"]:
        raise invalid(
            f"Charge {charge['id']} has been refunded and cannot be captured.",
            code="charge_already_refunded",
        )
    if amount > charge["amount"]:
        raise invalid(
            f"The amount to capture ({amount}) is more than what was authorized: "
            f"{charge['amount']}.",
            code="amount_too_large",
        )
    with changing(account, charge, "charge.captured"):
        charge.update(captured=True, amount_captured=amount)
        book_charge(account, charge)
    release(account, charge)


def release(account: Account, charge: Obj) -> None:
    """Let go of what was held and not captured: a refund that moves no money of the account's."""
    rest = charge["amount"] - charge["amount_captured"] - charge["amount_refunded"]
    if rest <= 0:
        return
    refund = account.new(
        "refund",
        amount=rest,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        status="succeeded",
    )
    with changing(account, charge, "charge.refunded"):
        charge["amount_refunded"] += rest
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    emit(account, "refund.created", refund)


def hold_expires(account: Account, id_: str) -> None:
    """A card's bank keeps a hold for seven days; then Stripe cancels it."""
    intent = account.get("payment_intent", id_)
    if intent is None or intent["status"] != "requires_capture":
        return
    cancel_intent(account, intent, "automatic", told="charge.expired")


def cancel(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/payment_intents/{id}/cancel."""
    intent = account.find("payment_intent", id_)
    if intent["status"] in (*FINAL, "processing"):
        raise invalid(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    cancel_intent(account, intent, params.get("cancellation_reason"))
    return intent


def cancel_intent(
    account: Account, intent: Obj, reason: str | None, told: str | None = None
) -> None:
    """Nothing more will be tried with this intent; what it held is let go."""
    if intent["status"] in FINAL:
        return
    held = account.get("charge", intent["latest_charge"])
    if held and intent["status"] == "requires_capture":
        release(account, held)
        if told:
            emit(account, told, held)
    intent.update(
        status="canceled",
        canceled_at=account.now,
        cancellation_reason=reason,
        next_action=None,
        amount_capturable=0,
    )
    emit(account, "payment_intent.canceled", intent)


ROUTES: dict[str, Handler] = {
    "POST /v1/payment_intents": create_intent,
    "GET /v1/payment_intents": listing("payment_intent", "/v1/payment_intents"),
    "GET /v1/payment_intents/{}": retrieving("payment_intent"),
    "POST /v1/payment_intents/{}": update_intent,
    "POST /v1/payment_intents/{}/confirm": _confirm,
    "POST /v1/payment_intents/{}/capture": capture,
    "POST /v1/payment_intents/{}/cancel": cancel,
}
