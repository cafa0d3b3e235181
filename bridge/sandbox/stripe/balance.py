"""The account's own money: balance transactions with fees, the balance, and payouts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.crud import (
    Handler,
    equals,
    listing,
    merge_metadata,
    page,
    retrieving,
    updating,
)
from bridge.sandbox.stripe.errors import invalid, missing_object
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shape_parts import nulls
from bridge.sandbox.stripe.shapes import Obj

PENDING_DAYS = 2
FEE_PERCENT, FEE_FIXED = 2.9, 30
DISPUTE_FEE = 1500
# Destinations of payouts: the account's bank account, and some whose banks return the money.
BANKS = {
    "ba_sandbox": None,
    "ba_account_closed": "The bank account has been closed.",
    "ba_no_account": "The bank account details on file are probably incorrect. No bank account "
    "could be located with those details.",
    "ba_debit_not_authorized": "Debit transactions are not approved on your bank account.",
}


def book(account: Account, source: Obj, kind: str, amount: int, fee: int = 0, **more: Any) -> Obj:
    """A balance transaction: the effect of a charge, refund or dispute on the balance."""
    details: Obj = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    transaction = account.new(
        "balance_transaction",
        amount=amount,
        available_on=-(-account.now // DAY) * DAY + PENDING_DAYS * DAY,  # at midnight, as at Stripe
        currency=source["currency"],
        fee=fee,
        fee_details=[details] if fee else [],
        net=amount - fee,
        source=source["id"],
        type=kind,
        reporting_category={"adjustment": "dispute", "payment": "charge"}.get(kind, kind),
        **more,
    )
    day = {"id": str(transaction["available_on"])}
    if day["id"] not in account.tables["day_of_money"]:
        account.tables["day_of_money"][day["id"]] = day
        account.plan(transaction["available_on"], "money_available", day)
    return transaction


def book_charge(account: Account, charge: Obj) -> None:
    """A charge's amount, less the fee."""
    amount = charge["amount_captured"]
    fee = int(amount * FEE_PERCENT / 100 + 0.5) + FEE_FIXED
    booked = book(account, charge, "charge", amount, fee)
    charge["balance_transaction"] = booked["id"]
    if charge.get("_behaviour") == "bypassPending":
        booked["available_on"] = account.now
        money_available(account, "")


def money_available(account: Account, _day: str) -> None:
    """At the midnight after two days the money of a day may be paid out."""
    rows = account.rows("balance_transaction")
    due = [t for t in rows if t["status"] == "pending" and t["available_on"] <= account.now]
    for transaction in due:
        transaction["status"] = "available"
    if due:
        emit(account, "balance.available", balance(account, {}))


def balance(account: Account, _params: Obj) -> Obj:
    """The available and the pending balance."""
    sums: dict[str, Counter[str]] = {"available": Counter(), "pending": Counter()}
    for transaction in account.rows("balance_transaction"):
        sums[transaction["status"]][transaction["currency"]] += transaction["net"]
    currencies = sorted(sums["available"].keys() | sums["pending"].keys()) or ["usd"]
    shown = {
        status: [
            {"amount": sums[status][c], "currency": c, "source_types": {"card": sums[status][c]}}
            for c in currencies
        ]
        for status in ("available", "pending")
    }
    reserved = [{"amount": 0, "currency": c} for c in currencies]
    return {"object": "balance", "livemode": False, **shown, "connect_reserved": reserved}


def _list_transactions(account: Account, params: Obj) -> Obj:
    rows = account.rows("balance_transaction")
    if params.get("payout"):
        rows = [r for r in rows if params["payout"] in (r.get("_payout"), r["source"])]
    for name in ("type", "currency", "source"):
        if params.get(name):
            rows = [r for r in rows if r[name] == params[name]]
    return page(rows, params, "/v1/balance_transactions", "balance_transaction")


def pay_out(account: Account, currency: str) -> Obj | None:
    """An automatic payout of all that is available in a currency and not yet paid out."""
    waiting = [
        t
        for t in account.rows("balance_transaction")
        if t["status"] == "available"
        and t["currency"] == currency
        and t["type"] != "payout"
        and not t.get("_payout")
    ]
    amount = sum(t["net"] for t in waiting)
    if amount <= 0:
        return None
    payout = _new_payout(account, amount, currency, automatic=True)
    for transaction in waiting:
        transaction["_payout"] = payout["id"]
    return payout


def bank_account(id_: str) -> Obj:
    """A bank account as it is shown when a payout's destination is expanded."""
    return {
        "id": id_,
        "object": "bank_account",
        **nulls("account_holder_name account_holder_type account_type customer"),
        "bank_name": "STRIPE TEST BANK",
        "country": "DE",
        "currency": "eur",
        "fingerprint": "sandboxbank",
        "last4": "3000",
        "metadata": {},
        "routing_number": "110000000",
        "status": "new",
    }


def _new_payout(
    account: Account, amount: int, currency: str, *, automatic: bool, bank: str = "ba_sandbox"
) -> Obj:
    account.tables["bank_account"].setdefault(bank, bank_account(bank))
    payout = account.new(
        "payout",
        amount=amount,
        currency=currency,
        automatic=automatic,
        status="in_transit",
        arrival_date=account.now + DAY,
        destination=bank,
    )
    booked = book(account, payout, "payout", -amount)
    booked.update(status="available", available_on=account.now)
    payout["balance_transaction"] = booked["id"]
    account.plan(payout["arrival_date"], "payout_arrives", payout)
    emit(account, "payout.created", payout)
    return payout


def payout_arrives(account: Account, id_: str) -> None:
    """The bank has the money, or sends it back."""
    payout = account.get("payout", id_)
    if payout is None or payout["status"] != "in_transit":
        return
    problem = BANKS[payout["destination"]]
    with changing(account, payout, "payout.updated", "payout.failed" if problem else "payout.paid"):
        payout["status"] = "failed" if problem else "paid"
        if problem:
            back = book(account, payout, "payout_failure", payout["amount"])
            payout["failure_balance_transaction"] = back["id"]
            payout["failure_code"] = payout["destination"].removeprefix("ba_")
            payout["failure_message"] = problem


def _create_payout(account: Account, params: Obj) -> Obj:
    if params["amount"] <= 0:
        raise invalid("This value must be greater than or equal to 1.", "amount")
    bank = params.get("destination") or "ba_sandbox"
    if bank not in BANKS:
        raise missing_object("external_account", bank, "destination")
    payout = _new_payout(account, params["amount"], params["currency"], automatic=False, bank=bank)
    merge_metadata(payout, params)
    return payout


ROUTES: dict[str, Handler] = {
    "GET /v1/balance": balance,
    "GET /v1/balance_transactions": _list_transactions,
    "GET /v1/balance_transactions/{}": retrieving("balance_transaction"),
    "POST /v1/payouts": _create_payout,
    "GET /v1/payouts": listing("payout", "/v1/payouts", {"status": equals("status")}),
    "GET /v1/payouts/{}": retrieving("payout"),
    "POST /v1/payouts/{}": updating("payout", "payout.updated"),
}
