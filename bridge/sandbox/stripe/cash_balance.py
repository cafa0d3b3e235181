"""Bank transfers: money that a customer sent, held until it pays for something."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import Handler, page
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.errors import invalid, missing_object
from bridge.sandbox.stripe.events import emit, when
from bridge.sandbox.stripe.payments import TRANSFERS, succeed
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import cash_of

KIND = "customer_cash_balance_transaction"
SENDERS = {
    "eu_bank_transfer": {"bic": "BANKDEAAXXX", "iban_last4": "7089", "sender_name": "A Member"},
    "gb_bank_transfer": {"account_number_last4": "6789", "sender_name": "A Member"},
    "jp_bank_transfer": {"sender_bank": "BANK", "sender_branch": "1", "sender_name": "A Member"},
    "us_bank_transfer": {"network": "ach", "sender_name": "A Member"},
}


def _move(account: Account, customer: Obj, amount: int, currency: str, **why: Any) -> Obj:
    cash = customer.setdefault("_cash", {})
    cash[currency] = cash.get(currency, 0) + amount
    made = account.new(
        KIND,
        customer=customer["id"],
        currency=currency,
        net_amount=amount,
        ending_balance=cash[currency],
        **why,
    )
    emit(account, f"{KIND}.created", made)
    return made


def _fund(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/test_helpers/customers/{id}/fund_cash_balance: a transfer has arrived."""
    customer = find_customer(account, id_, "id")
    account.live_at_clock_of(customer)
    if params["amount"] <= 0:
        raise invalid("This value must be greater than or equal to 1.", "amount")
    currency = params["currency"].lower()
    kind = TRANSFERS.get(currency, "eu_bank_transfer")
    transfer: Obj = {"reference": params.get("reference"), "type": kind}
    if kind in SENDERS:
        transfer[kind] = dict(SENDERS[kind])
    funded = {"bank_transfer": transfer}
    made = _move(account, customer, params["amount"], currency, type="funded", funded=funded)
    _pay_with_cash(account, customer)
    if customer["_cash"][currency] > 0:
        emit(account, "cash_balance.funds_available", cash_of(customer))
    return made


def _pay_with_cash(account: Account, customer: Obj) -> None:
    """Oldest first, as far as the money goes."""
    for intent in account.rows("payment_intent", customer["id"]):
        wanted = (intent["next_action"] or {}).get("display_bank_transfer_instructions")
        cash = customer.get("_cash", {}).get(intent["currency"], 0)
        if not wanted or not cash or intent["status"] != "requires_action":
            continue
        part = min(cash, wanted["amount_remaining"])
        wanted["amount_remaining"] -= part
        applied = {"payment_intent": intent["id"]}
        _move(
            account,
            customer,
            -part,
            intent["currency"],
            type="applied_to_payment",
            applied_to_payment=applied,
        )
        if wanted["amount_remaining"]:
            emit(account, "payment_intent.partially_funded", intent)
        else:
            method = account.tables["payment_method"][intent["payment_method"]]
            succeed(account, intent, method)


@when("payment_intent.requires_action")
def _asked(account: Account, intent: Obj) -> None:
    if customer := account.get("customer", intent["customer"]):
        _pay_with_cash(account, customer)


def _retrieve(account: Account, _params: Obj, id_: str) -> Obj:
    return cash_of(find_customer(account, id_, "id"))


def _list(account: Account, params: Obj, id_: str) -> Obj:
    rows = account.rows(KIND, find_customer(account, id_, "id")["id"])
    return page(rows, params, f"/v1/customers/{id_}/cash_balance_transactions", KIND)


def _transaction(account: Account, _params: Obj, customer: str, id_: str) -> Obj:
    found = account.find(KIND, id_)
    if found["customer"] != customer:
        raise missing_object(KIND, id_)
    return found


ROUTES: dict[str, Handler] = {
    "POST /v1/test_helpers/customers/{}/fund_cash_balance": _fund,
    "GET /v1/customers/{}/cash_balance": _retrieve,
    "GET /v1/customers/{}/cash_balance_transactions": _list,
    "GET /v1/customers/{}/cash_balance_transactions/{}": _transaction,
}
