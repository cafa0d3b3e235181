"""The charge that a payment makes."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj


def new_charge(account: Account, intent: Obj, method: Obj, *, captured: bool) -> Obj:
    """A charge that went through."""
    pending = account.get("charge", intent["latest_charge"])
    same: Obj = {}
    if pending and pending["status"] == "pending":  # a debit that is finished
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
