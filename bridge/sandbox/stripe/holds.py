"""Money that a card's bank holds: captured, released, or gone with the intent that asked for it."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.balance import book_charge
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shapes import Obj

HOLD_DAYS = 7


FINAL = ("succeeded", "canceled")


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
    """Release the amount that was held but not captured: a refund that moves no money."""
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


def cancel_intent(
    account: Account, intent: Obj, reason: str | None, told: str | None = None
) -> None:
    """Cancel the intent and release what it held."""
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
