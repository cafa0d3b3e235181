"""Test payment methods: the card of each token, and how its payments end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.shape_parts import CARD_CHECKS
from bridge.sandbox.stripe.shapes import Obj


@dataclass(frozen=True)
class Card:
    """A test payment method, and how it behaves.

    `pay`: succeed, decline:<code>, action (asks for authentication), or processing:<how it ends>.
    `attach`: a decline code when it cannot even be saved. `after`: what happens to a paid charge.
    """

    brand: str = "visa"
    last4: str = "4242"
    country: str = "US"
    pay: str = "succeed"
    attach: str | None = None
    after: str | None = None
    kind: str = "card"
    funding: str = "credit"


CARDS = {
    "visa": Card(),
    "visa_debit": Card(last4="5556", funding="debit"),
    "mastercard": Card("mastercard", "4444"),
    "mastercard_debit": Card("mastercard", "8210", funding="debit"),
    "mastercard_prepaid": Card("mastercard", "5100", funding="prepaid"),
    "amex": Card("amex", "8431"),
    "discover": Card("discover", "1117"),
    "diners": Card("diners", "0004"),
    "jcb": Card("jcb", "0505", country="JP"),
    "unionpay": Card("unionpay", "0005", country="CN"),
    "de": Card(country="DE", last4="0001"),
    "gb": Card(country="GB", last4="0000"),
    "fr": Card(country="FR", last4="0003"),
    "bypassPending": Card(last4="0077"),
    "chargeCustomerFail": Card(last4="0341", pay="decline:generic_decline"),
    "chargeDeclined": Card(last4="0002", attach="generic_decline"),
    "visa_chargeDeclined": Card(last4="0002", attach="generic_decline"),
    "chargeDeclinedInsufficientFunds": Card(last4="9995", attach="insufficient_funds"),
    "visa_chargeDeclinedInsufficientFunds": Card(last4="9995", attach="insufficient_funds"),
    "chargeDeclinedExpiredCard": Card(last4="0069", attach="expired_card"),
    "chargeDeclinedIncorrectCvc": Card(last4="0127", attach="incorrect_cvc"),
    "chargeDeclinedProcessingError": Card(last4="0119", attach="processing_error"),
    "authenticationRequired": Card(last4="3184", pay="action", country="IE"),
    "authenticationRequiredOnSetup": Card(last4="0446", country="IE"),
    "threeDSecure2Required": Card(last4="3220", pay="action", country="IE"),
    "threeDSecureRequired": Card(last4="3063", pay="action", country="IE"),
    "createDispute": Card(last4="0259", after="dispute"),
    "createDisputeInquiry": Card(last4="1976", after="inquiry"),
    "refundFail": Card(last4="5126", after="refund_fails"),
    "pendingRefund": Card(last4="7726", after="refund_pends"),
}
NUMBERS = {
    "4242424242424242": "visa",
    "4000056655665556": "visa_debit",
    "5555555555554444": "mastercard",
    "4000000000000341": "chargeCustomerFail",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000002500003155": "authenticationRequiredOnSetup",
    "4000002760003184": "authenticationRequired",
    "4000000000003220": "threeDSecure2Required",
    "4000000000000077": "bypassPending",
    "4000000000000259": "createDispute",
    "4000000000005126": "refundFail",
    "4000000000007726": "pendingRefund",
}
# Bank debits: they are processed for days, then the account number decides.
IBANS = {
    **dict.fromkeys(("3000", "3003", "3201", "3204"), "succeed"),
    **dict.fromkeys(("3001", "3004", "3202", "3205"), "fail"),
    **dict.fromkeys(("3002", "3203"), "dispute"),
}

MONTHS = 12
TRANSFER = "customer_balance"  # the payment method for bank transfers


def method_values(token: str) -> Obj | None:
    """The fields of a new payment method made from a token such as `visa`, or None."""
    if token in ("sepaDebit", "sepa_debit"):
        return debit_values("sepa_debit", "3000", "succeed")
    if token in ("usBankAccount", "usBankAccount_success", "us_bank_account"):
        return debit_values("us_bank_account", "6789", "succeed")
    if token == TRANSFER:
        return {"type": TRANSFER, TRANSFER: {}, "_behaviour": "transfer"}
    card = CARDS.get(token)
    if card is None:
        return None
    return {"type": "card", "card": card_details(card), "_behaviour": token}


def check_card(number: str, given: Obj, now: int) -> None:
    """A number of a card that cannot be, or one that has expired, is refused at once."""
    if number and not (number.isdigit() and _luhn(number) % 10 == 0):
        raise _card_refused("incorrect_number", "Your card number is incorrect.", "number")
    month, year = given.get("exp_month"), given.get("exp_year")
    if month is not None and not 1 <= month <= MONTHS:
        said = "Your card's expiration month is invalid."
        raise _card_refused("invalid_expiry_month", said, "exp_month")
    today = datetime.fromtimestamp(now, UTC)
    if year is not None and (year, month or MONTHS) < (today.year, today.month):
        said = "Your card's expiration year is invalid."
        raise _card_refused("invalid_expiry_year", said, "exp_year")


def _luhn(number: str) -> int:
    digits = [int(d) for d in reversed(number)]
    return sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])


def _card_refused(code: str, message: str, param: str) -> StripeError:
    return StripeError(402, message, kind="card_error", code=code, param=param)


def card_details(card: Card) -> Obj:
    """The card of a payment method, as it is shown."""
    return {
        "brand": card.brand,
        "checks": dict(CARD_CHECKS),
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"sandbox{card.last4}{card.brand}"[:16],
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def debit_values(kind: str, last4: str, end: str) -> Obj:
    """A bank debit that is processing for days and then succeeds or fails."""
    kinds: dict[str, Obj] = {
        "sepa_debit": {
            "bank_code": "37040044",
            "branch_code": "",
            "country": "DE",
            "fingerprint": f"sandboxsepa{last4}",
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": last4,
        },
        "us_bank_account": {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "fingerprint": f"sandboxach{last4}",
            "last4": last4,
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000",
            "status_details": {},
        },
    }
    return {"type": kind, kind: kinds[kind], "_behaviour": f"debit:{end}"}


def behaviour(method: Obj) -> Card:
    """How payments with a payment method end."""
    name = method.get("_behaviour") or "visa"
    if name.startswith("debit:"):
        end = name.removeprefix("debit:")
        if end == "dispute":
            return Card(pay="processing:succeed", after="dispute", kind=method["type"])
        return Card(pay=f"processing:{end}", kind=method["type"])
    if name == "transfer":
        return Card(pay="transfer", kind=method["type"])
    return CARDS[name]
