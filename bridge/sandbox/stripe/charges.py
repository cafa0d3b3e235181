"""Charges, refunds and disputes."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.balance import DISPUTE_FEE, book
from bridge.sandbox.stripe.cards import behaviour
from bridge.sandbox.stripe.crud import (
    Handler,
    deep_update,
    equals,
    listing,
    merge_metadata,
    retrieving,
    updating,
)
from bridge.sandbox.stripe.customers import default_method, find_customer, method_from
from bridge.sandbox.stripe.errors import StripeError, card_error, invalid
from bridge.sandbox.stripe.events import changing, emit, when
from bridge.sandbox.stripe.holds import cancel_intent, capture_charge
from bridge.sandbox.stripe.payments import confirm, new_intent
from bridge.sandbox.stripe.shapes import Obj

EVIDENCE_DAYS = 9
DECIDED = ("won", "lost", "warning_closed")


def create_charge(account: Account, params: Obj) -> Obj:
    """POST /v1/charges: the old way to pay, without a visible payment intent."""
    _check_positive(params)
    token = params.get("source") or params.get("card")
    customer = params.get("customer") or None
    method = method_from(account, token) if isinstance(token, str) else None
    if method is None and customer:
        method = default_method(account, find_customer(account, customer))
    if method is None:
        raise invalid("Must provide source or customer.", code="parameter_missing")
    intent = new_intent(account, params["amount"], params["currency"], customer)
    intent.update(payment_method=method["id"], description=params.get("description"))
    if params.get("capture") is False:
        intent["capture_method"] = "manual"
    merge_metadata(intent, params)
    status = confirm(account, intent)
    charge = account.tables["charge"][intent["latest_charge"]]
    if status == "requires_payment_method":
        raise card_error(charge["outcome"]["reason"], charge=charge["id"])
    return charge


def _check_positive(params: Obj) -> None:
    if (params.get("amount") or 1) < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount")


def _capture(account: Account, params: Obj, id_: str) -> Obj:
    _check_positive(params)
    charge = account.find("charge", id_)
    if charge["captured"]:
        raise invalid(f"Charge {id_} has already been captured.", code="charge_already_captured")
    amount = params.get("amount") or charge["amount"]
    capture_charge(account, charge, amount)
    intent = account.get("payment_intent", charge["payment_intent"])
    if intent and intent["status"] == "requires_capture":
        intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
        emit(account, "payment_intent.succeeded", intent)
    return charge


def _charge_for(account: Account, params: Obj) -> Obj:
    if params.get("charge"):
        return account.find("charge", params["charge"], "charge")
    if not params.get("payment_intent"):
        raise invalid(
            "One of the following params should be provided for this request: "
            "payment_intent or charge."
        )
    intent = account.find("payment_intent", params["payment_intent"], "payment_intent")
    if not intent["latest_charge"] or intent["status"] == "requires_capture":
        raise invalid(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            "payment_intent",
            "payment_intent_unexpected_state",
        )
    return account.tables["charge"][intent["latest_charge"]]


def create_refund(account: Account, params: Obj) -> Obj:
    """POST /v1/refunds."""
    charge = _charge_for(account, params)
    if charge["status"] == "succeeded" and not charge["captured"] and not charge["refunded"]:
        return _let_go(account, charge, params)
    left = _refundable(charge)
    if charge["disputed"] and not charge.get("_refundable"):
        raise StripeError(
            400,
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    amount = params.get("amount") or left
    if left <= 0:
        raise StripeError(
            400,
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
        )
    if amount > left or amount <= 0:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            "amount",
        )
    return _refund_charge(account, charge, amount, params)


def _refundable(charge: Obj) -> int:
    """The captured amount less refunds; a release at the capture counts as a refund."""
    if not charge["captured"] or charge["status"] != "succeeded":
        return 0
    return int(charge["amount"] - charge["amount_refunded"])


def _let_go(account: Account, charge: Obj, params: Obj) -> Obj:
    """A refund of a charge that was never captured ends the hold, as a whole."""
    if params.get("amount") not in (None, charge["amount"]):
        raise invalid("You cannot partially refund an uncaptured charge.", "amount")
    intent = account.tables["payment_intent"][charge["payment_intent"]]
    cancel_intent(account, intent, None)
    refund = next(r for r in account.rows("refund") if r["charge"] == charge["id"])
    refund["reason"] = params.get("reason")
    merge_metadata(refund, params)
    return refund


def _refund_charge(account: Account, charge: Obj, amount: int, params: Obj) -> Obj:
    """Give an amount of a charge back."""
    after = behaviour({"type": "card", "_behaviour": charge.get("_behaviour")}).after
    refund = account.new(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        status="pending" if after == "refund_pends" else "succeeded",
    )
    merge_metadata(refund, params)
    refund["balance_transaction"] = book(account, refund, "refund", -amount)["id"]
    with changing(account, charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    emit(account, "refund.created", refund)
    if charge["disputed"] and charge["refunded"]:
        _answer_inquiry(account, charge)
    emit(account, "charge.refund.updated", refund)
    emit(account, "refund.updated", refund)
    if after == "refund_fails":
        account.plan(account.now + DAY, "refund_fails", refund)
    elif after == "refund_pends":
        account.plan(account.now + DAY, "refund_settles", refund)
    return refund


def _answer_inquiry(account: Account, charge: Obj) -> None:
    """An inquiry ends when all of the money is given back."""
    for dispute in account.rows("dispute"):
        asks = dispute["status"] in ("warning_needs_response", "warning_under_review")
        if asks and dispute["charge"] == charge["id"]:
            close_dispute(account, dispute, won=True)


def fail_refund(account: Account, id_: str) -> None:
    """The customer's bank sent a refund back: the money is the account's again."""
    refund = account.get("refund", id_)
    if refund is None or refund["status"] not in ("succeeded", "pending"):
        return
    charge = account.tables["charge"][refund["charge"]]
    with changing(account, refund, "refund.updated", "refund.failed", "charge.refund.updated"):
        refund["status"] = "failed"
        refund["failure_reason"] = "lost_or_stolen_card"
        booked = book(account, refund, "refund_failure", refund["amount"])
        refund["failure_balance_transaction"] = booked["id"]
    with changing(account, charge, "charge.updated"):
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False


def settle_refund(account: Account, id_: str) -> None:
    """A pending refund has gone through."""
    refund = account.get("refund", id_)
    if refund and refund["status"] == "pending":
        with changing(account, refund, "refund.updated", "charge.refund.updated"):
            refund["status"] = "succeeded"


def _cancel_refund(account: Account, _params: Obj, id_: str) -> Obj:
    refund = account.find("refund", id_)
    if refund["status"] != "pending":
        raise invalid(f"Refund with status {refund['status']} cannot be canceled.")
    charge = account.tables["charge"][refund["charge"]]
    with changing(account, refund, "refund.updated", "charge.refund.updated"):
        refund["status"] = "canceled"
        booked = book(account, refund, "refund_failure", refund["amount"])
        refund["failure_balance_transaction"] = booked["id"]
    with changing(account, charge, "charge.updated"):
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
    return refund


@when("charge.succeeded")
def _dispute_at_once(account: Account, charge: Obj) -> None:
    after = behaviour({"type": "card", "_behaviour": charge.get("_behaviour")}).after
    if after in ("dispute", "inquiry"):
        open_dispute(account, charge, inquiry=after == "inquiry")


def open_dispute(
    account: Account,
    charge: Obj,
    reason: str = "fraudulent",
    *,
    inquiry: bool = False,
    amount: int | None = None,
) -> Obj:
    """A customer contests a charge, or a part of it, with the bank.

    The money leaves the account meanwhile; an inquiry only asks.
    """
    if not charge["captured"]:
        raise invalid(f"Charge {charge['id']} has not been captured; it cannot be disputed.")
    dispute = account.new(
        "dispute",
        amount=charge["amount_captured"] if amount is None else amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        is_charge_refundable=inquiry,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    dispute["evidence_details"]["due_by"] = account.now + EVIDENCE_DAYS * DAY
    is_card = charge["payment_method_details"]["type"] == "card"
    if is_card:
        case = "inquiry" if inquiry else "chargeback"
        dispute["payment_method_details"]["card"]["case_type"] = case
    else:
        dispute["payment_method_details"] = None
    if not inquiry:
        _move_money(account, dispute, -dispute["amount"], DISPUTE_FEE)
    with changing(account, charge, "charge.updated"):
        charge["disputed"] = True
        charge["_refundable"] = inquiry
    emit(account, "charge.dispute.created", dispute)
    if not inquiry:
        emit(account, "charge.dispute.funds_withdrawn", dispute)
    if not is_card:  # a bank's decision about a debit cannot be contested
        close_dispute(account, dispute, won=False)
    return dispute


def _move_money(account: Account, dispute: Obj, amount: int, fee: int = 0) -> None:
    booked = book(account, dispute, "adjustment", amount, fee)
    dispute["balance_transactions"].append({k: v for k, v in booked.items() if k[0] != "_"})


def _update_dispute(account: Account, params: Obj, id_: str) -> Obj:
    dispute = account.find("dispute", id_)
    if params.get("evidence"):
        _refuse_decided(dispute)
    with changing(account, dispute, "charge.dispute.updated"):
        deep_update(dispute["evidence"], params.get("evidence") or {})
        merge_metadata(dispute, params)
        if params.get("evidence"):
            dispute["evidence_details"]["has_evidence"] = True
        submit = params.get("submit") is not False and bool(params.get("evidence"))
        if submit:
            dispute["evidence_details"]["submission_count"] += 1
            dispute["evidence_details"]["submission_method"] = "manual"
            inquiry = dispute["status"].startswith("warning")
            dispute["status"] = "warning_under_review" if inquiry else "under_review"
    word = (params.get("evidence") or {}).get("uncategorized_text")
    if submit and word in ("winning_evidence", "losing_evidence"):
        close_dispute(account, dispute, won=word == "winning_evidence")
    return dispute


def _refuse_decided(dispute: Obj) -> None:
    if dispute["status"] in DECIDED:
        raise invalid("This dispute is already closed.")


def escalate(account: Account, dispute: Obj) -> None:
    """An inquiry becomes a chargeback: now the money leaves the account."""
    if dispute["status"] not in ("warning_needs_response", "warning_under_review"):
        raise invalid("Only an inquiry can become a chargeback.")
    charge = account.tables["charge"][dispute["charge"]]
    with changing(account, dispute, "charge.dispute.updated"):
        dispute.update(status="needs_response", is_charge_refundable=False)
        dispute["evidence_details"]["due_by"] = account.now + EVIDENCE_DAYS * DAY
        if details := dispute["payment_method_details"]:
            details["card"]["case_type"] = "chargeback"
        _move_money(account, dispute, -dispute["amount"], DISPUTE_FEE)
    charge["_refundable"] = False
    emit(account, "charge.dispute.funds_withdrawn", dispute)


def close_dispute(
    account: Account, dispute: Obj, *, won: bool, returned: int | None = None
) -> None:
    """The bank has decided; a dispute that is won brings the money back, or a part of it."""
    if returned is not None and not 0 < returned <= dispute["amount"]:
        raise invalid(f"What returns lies between 1 and {dispute['amount']}.", "returned")
    inquiry = dispute["status"].startswith("warning")
    with changing(account, dispute, "charge.dispute.closed"):
        dispute["status"] = "warning_closed" if inquiry and won else "won" if won else "lost"
        if won and not inquiry:
            _move_money(account, dispute, dispute["amount"] if returned is None else returned)
    if won and not inquiry:
        emit(account, "charge.dispute.funds_reinstated", dispute)


def _close(account: Account, _params: Obj, id_: str) -> Obj:
    dispute = account.find("dispute", id_)
    _refuse_decided(dispute)
    close_dispute(account, dispute, won=False)
    return dispute


def _refund_filter(row: Obj, wanted: Any) -> bool:
    return bool(row["charge"] == wanted)


ROUTES: dict[str, Handler] = {
    "POST /v1/charges": create_charge,
    "GET /v1/charges": listing(
        "charge", "/v1/charges", {"payment_intent": equals("payment_intent")}
    ),
    "GET /v1/charges/{}": retrieving("charge"),
    "POST /v1/charges/{}": updating("charge", "charge.updated", "description", "receipt_email"),
    "POST /v1/charges/{}/capture": _capture,
    "POST /v1/refunds": create_refund,
    "GET /v1/refunds": listing(
        "refund",
        "/v1/refunds",
        {"charge": _refund_filter, "payment_intent": equals("payment_intent")},
    ),
    "GET /v1/refunds/{}": retrieving("refund"),
    "POST /v1/refunds/{}": updating("refund", "refund.updated"),
    "POST /v1/refunds/{}/cancel": _cancel_refund,
    "GET /v1/disputes": listing(
        "dispute",
        "/v1/disputes",
        {"charge": equals("charge"), "payment_intent": equals("payment_intent")},
    ),
    "GET /v1/disputes/{}": retrieving("dispute"),
    "POST /v1/disputes/{}": _update_dispute,
    "POST /v1/disputes/{}/close": _close,
}
