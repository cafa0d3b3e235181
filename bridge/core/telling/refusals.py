"""Reasons for refused payments, as kinds that the payer can act on. Pure.

The codes are those of https://docs.stripe.com/declines/codes and /error-codes. Banks tell Stripe
more than they want their customers to know (a stolen card): that counts as any other refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Refusal(StrEnum):
    """The kind of a refusal."""

    FUNDS = "funds"
    EXPIRED = "expired"
    DETAILS = "details"
    CONSENT = "consent"
    """The bank wants the payer to confirm it."""
    UNFIT = "unfit"
    """The card cannot be used for it."""
    BANK_AWAY = "bank_away"
    DEBIT = "debit"
    """A direct debit was not allowed."""
    NO_MEANS = "no_means"
    """There is nothing to pay with."""
    DECLINED = "declined"
    """Nothing more is known, or may be told."""


_CODES: Mapping[Refusal, tuple[str, ...]] = {
    Refusal.FUNDS: (
        "insufficient_funds",
        "withdrawal_count_limit_exceeded",
        "card_velocity_exceeded",
    ),
    Refusal.EXPIRED: ("expired_card", "invalid_expiry_month", "invalid_expiry_year"),
    Refusal.DETAILS: (
        "incorrect_number",
        "invalid_number",
        "incorrect_cvc",
        "invalid_cvc",
        "incorrect_zip",
        "incorrect_address",
    ),
    Refusal.CONSENT: (
        "authentication_required",
        "payment_intent_authentication_failure",
        "approve_with_id",
    ),
    Refusal.UNFIT: ("card_not_supported", "currency_not_supported", "transaction_not_allowed"),
    Refusal.BANK_AWAY: (
        "issuer_not_available",
        "processing_error",
        "reenter_transaction",
        "try_again_later",
    ),
    Refusal.DEBIT: ("debit_not_authorized", "bank_account_restricted", "account_closed"),
    Refusal.NO_MEANS: ("payment_method_unavailable", "missing"),
}
_KINDS: Mapping[str, Refusal] = {code: kind for kind, codes in _CODES.items() for code in codes}


def refusal_of(code: str | None) -> Refusal:
    """The kind of a code; `declined` for an unknown one."""
    return _KINDS.get(code or "", Refusal.DECLINED)
