"""Payment intents as the API answers them: created, changed, confirmed, captured and canceled."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    listing,
    merge_metadata,
    retrieving,
)
from bridge.sandbox.stripe.customers import find_customer, method_from
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.holds import FINAL, cancel_intent, capture_charge
from bridge.sandbox.stripe.payments import confirm, new_intent
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj


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


ROUTES: dict[str, Handler] = {
    "POST /v1/payment_intents": create_intent,
    "GET /v1/payment_intents": listing("payment_intent", "/v1/payment_intents"),
    "GET /v1/payment_intents/{}": retrieving("payment_intent"),
    "POST /v1/payment_intents/{}": update_intent,
    "POST /v1/payment_intents/{}/confirm": _confirm,
    "POST /v1/payment_intents/{}/capture": capture,
    "POST /v1/payment_intents/{}/cancel": cancel,
}
