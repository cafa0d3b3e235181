"""Failed payments for treasurers: whose, why in plain words, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.ledger.amounts import decimals_of
from bridge.core.model.stripe import FailedAttempt
from bridge.core.telling.declines import decline_words

Outcome = Literal["recovered", "retrying", "open", "given_up"]


@dataclass(frozen=True, slots=True)
class FailedPaymentRow:
    """A failed attempt. `open`: still owed, and Stripe does not try again."""

    at: datetime
    person: str
    invoice_id: str
    attempt: int
    amount_minor: int
    currency: str
    decimals: int
    method: str
    decline_code: str
    reason: str
    outcome: Outcome
    next_try_at: datetime | None
    recovered_at: datetime | None
    payment_id: str
    charge_id: str


def failed_payment_rows(
    attempts: Iterable[FailedAttempt], person_of: Callable[[str | None], str]
) -> list[FailedPaymentRow]:
    """A row for each failed attempt, oldest first."""
    rows = [_row(one, person_of(one.customer_id)) for one in attempts]
    return sorted(rows, key=lambda row: (row.at, row.charge_id))


def _row(one: FailedAttempt, person: str) -> FailedPaymentRow:
    return FailedPaymentRow(
        at=one.at,
        person=person,
        invoice_id=one.invoice_id or "",
        attempt=one.number,
        amount_minor=one.amount_minor,
        currency=one.currency,
        decimals=decimals_of(one.currency),
        method=one.method,
        decline_code=one.code,
        reason=decline_words(one.code, one.message),
        outcome=_outcome(one),
        next_try_at=one.next_try_at,
        recovered_at=one.recovered_at,
        payment_id=one.payment_id,
        charge_id=one.charge_id,
    )


def _outcome(one: FailedAttempt) -> Outcome:
    if one.recovered_at is not None:
        return "recovered"
    if not one.is_owed:
        return "given_up"
    return "retrying" if one.next_try_at is not None else "open"
