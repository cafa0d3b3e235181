"""Setup intents: saving a payment method for later without paying."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.cards import behaviour
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    equals,
    listing,
    merge_metadata,
    retrieving,
)
from bridge.sandbox.stripe.customers import attach, find_customer, method_from
from bridge.sandbox.stripe.errors import DECLINES, StripeError, card_error, invalid
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj


def new_setup_intent(account: Account, customer: str | None) -> Obj:
    """A new setup intent."""
    intent = account.new("setup_intent", customer=customer)
    intent["client_secret"] = f"{intent['id']}_secret_{account.ids.new('', 24)[1:]}"
    return intent


def _create(account: Account, params: Obj) -> Obj:
    intent = new_setup_intent(account, params.get("customer") or None)
    if params.get("payment_method_types"):
        intent["payment_method_types"] = params["payment_method_types"]
    _take_over(account, intent, params)
    emit(account, "setup_intent.created", intent)
    if params.get("confirm"):
        confirm(account, intent)
    return intent


def _take_over(account: Account, intent: Obj, params: Obj) -> None:
    copy_named(intent, params, "description", "usage", "customer")
    merge_metadata(intent, params)
    if token := params.get("payment_method"):
        intent["payment_method"] = method_from(account, token)["id"]
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_confirmation"


def _update(account: Account, params: Obj, id_: str) -> Obj:
    intent = account.find("setup_intent", id_)
    _take_over(account, intent, params)
    return intent


def _confirm(account: Account, params: Obj, id_: str) -> Obj:
    intent = account.find("setup_intent", id_)
    if intent["status"] in ("succeeded", "canceled"):
        raise StripeError(
            400,
            f"You cannot confirm this SetupIntent because it has already {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    _take_over(account, intent, params)
    confirm(account, intent)
    return intent


def confirm(account: Account, intent: Obj) -> None:
    """Try to save the payment method. Raises Stripe's 402."""
    if not intent["payment_method"]:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
        )
    method = account.tables["payment_method"][intent["payment_method"]]
    card = behaviour(method)
    if card.attach or card.pay.startswith("decline"):
        _fail(account, intent, method, card.attach or "generic_decline")
    if card.pay == "action" or method.get("_behaviour") == "authenticationRequiredOnSetup":
        intent["status"] = "requires_action"
        url = f"{account.base_url}/_authenticate/{intent['id']}"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": None, "url": url},
        }
        emit(account, "setup_intent.requires_action", intent)
        return
    succeed(account, intent)


def _fail(account: Account, intent: Obj, method: Obj, decline: str) -> None:
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_setup_error={
            "code": "card_declined",
            "decline_code": decline,
            "message": DECLINES[decline],
            "payment_method": plain(method),
            "type": "card_error",
        },
    )
    emit(account, "setup_intent.setup_failed", intent)
    raise card_error(decline, setup_intent=plain(intent))


def succeed(account: Account, intent: Obj) -> None:
    """The payment method is saved, with its customer if there is one."""
    method = account.tables["payment_method"][intent["payment_method"]]
    if intent["customer"]:
        attach(account, method, find_customer(account, intent["customer"]))
    intent.update(status="succeeded", next_action=None)
    emit(account, "setup_intent.succeeded", intent)


def _cancel(account: Account, params: Obj, id_: str) -> Obj:
    intent = account.find("setup_intent", id_)
    if intent["status"] in ("succeeded", "canceled"):
        raise invalid(f"You cannot cancel this SetupIntent: it has a status of {intent['status']}.")
    intent.update(status="canceled", cancellation_reason=params.get("cancellation_reason"))
    emit(account, "setup_intent.canceled", intent)
    return intent


ROUTES: dict[str, Handler] = {
    "POST /v1/setup_intents": _create,
    "GET /v1/setup_intents": listing(
        "setup_intent", "/v1/setup_intents", {"payment_method": equals("payment_method")}
    ),
    "GET /v1/setup_intents/{}": retrieving("setup_intent"),
    "POST /v1/setup_intents/{}": _update,
    "POST /v1/setup_intents/{}/confirm": _confirm,
    "POST /v1/setup_intents/{}/cancel": _cancel,
}
