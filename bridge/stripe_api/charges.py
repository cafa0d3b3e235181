"""Charges without an invoice, and the refunds and disputes of any payment.

A refund's money line has the refund's id and a dispute's has the dispute's, whichever reading found
it; money that comes back has `…:failed` or `…:returned`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from bridge.core.ledger.lines import MoneyKind, MoneyLine
from bridge.stripe_api.order_lines import (
    Refund,
)
from bridge.stripe_api.reader import (
    Json,
    id_of,
    moment,
)

_MOVED = ("succeeded", "pending")  # of a refund: it is taken from the balance


_CAME_BACK = ("failed", "canceled")


_INQUIRY = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")


@dataclass(frozen=True, slots=True)
class Payment:
    """A charge with everything that became of it, and the invoice that it paid if there is one."""

    charge: Json
    refunds: Sequence[Json] = ()
    disputes: Sequence[Json] = ()


def charge_line(charge: Json, customer_id: str, what: str | None = None) -> MoneyLine | None:
    """A payment without an invoice, or None if it did not succeed or is only held on the card."""
    if charge.get("status", "succeeded") != "succeeded" or not charge.get("paid", True):
        return None
    amount = captured(charge)
    if amount == 0:
        return None
    return MoneyLine(
        id=charge["id"],
        customer_id=id_of(charge.get("customer")) or customer_id,
        kind="paid",
        at=moment(charge["created"]),
        amount_minor=amount,
        currency=str(charge["currency"]).lower(),
        what=what or charge.get("description") or "Payment",
        payment_id=id_of(charge.get("payment_intent")) or charge["id"],
        receipt_url=charge.get("receipt_url") or None,
        is_first=True,
    )


def captured(charge: Json) -> int:
    """The captured amount of a charge: nothing while it is only held, perhaps a part (A138).

    The oldest versions know no `amount_captured`; there all that is captured is the amount.
    """
    if not charge.get("captured", True):
        return 0
    amount = charge.get("amount_captured")
    return int(charge.get("amount") or 0) if amount is None else int(amount)


def given_back(payment: Payment) -> list[Json]:
    """The refunds that moved money; the part that a hold released was never taken.

    Stripe records that as a refund, too: of the part not captured and without a balance
    transaction.
    """
    held = int(payment.charge.get("amount") or 0) - captured(payment.charge)
    return [r for r in payment.refunds if not (held and _is_release(r, held))]


def _is_release(refund: Json, held: int) -> bool:
    return int(refund["amount"]) == held and not refund.get("balance_transaction")


def refunds_in(payments: Iterable[Payment]) -> list[Refund]:
    """The refunds of payments in the order in which they were made, without failed ones.

    If an old shape has only the sum, that counts as one refund.
    """
    found = []
    for payment in payments:
        moved = [r for r in given_back(payment) if r.get("status", "succeeded") in _MOVED]
        each = [Refund(r["id"], int(r["amount"]), moment(r["created"])) for r in moved]
        more = refunded_of(payment) - sum(one.amount_minor for one in each)
        found += [*each, *([Refund("", more, None)] if more > 0 else [])]
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: (one.at or never, one.id))


def refunded_of(payment: Payment) -> int:
    """How much of a payment was refunded."""
    total = int(payment.charge.get("amount_refunded") or 0)
    moved = given_back(payment)
    released = sum(int(r["amount"]) for r in payment.refunds if r not in moved)
    return max(0, total - released)


def lines_after(payment: Payment, paid: MoneyLine) -> list[MoneyLine]:
    """The lines after a payment: refunds, failed refunds, disputes, and their decisions."""
    lines: list[MoneyLine] = []
    for refund in given_back(payment):
        lines += _refund_lines(refund, paid)
    for dispute in payment.disputes:
        lines += _dispute_lines(dispute, paid)
    return lines


def _going_back(paid: MoneyLine, id_: str, kind: MoneyKind, at: datetime, amount: int) -> MoneyLine:
    """A line that takes from a payment; only the payment's own line has its parts."""
    gone = replace(paid, id=id_, kind=kind, at=at, amount_minor=-amount)
    return replace(gone, from_credit_minor=0, discount_minor=0, parts=(), is_first=False)


def _refund_lines(refund: Json, paid: MoneyLine) -> list[MoneyLine]:
    status = refund.get("status") or "succeeded"
    if status not in (*_MOVED, *_CAME_BACK):
        return []  # it waits for the customer, so nothing has moved
    amount, at = int(refund["amount"]), moment(refund["created"])
    gone = _going_back(paid, refund["id"], "refunded", at, amount)
    if status in _MOVED:
        return [gone]
    # It may have been recorded while under way, so there are both lines, which add up to nothing.
    return [gone, replace(gone, id=f"{refund['id']}:failed", amount_minor=amount)]


def _dispute_lines(dispute: Json, paid: MoneyLine) -> list[MoneyLine]:
    if dispute["status"] in _INQUIRY:
        return []  # the bank only asks, so nothing has moved
    amount, at = int(dispute["amount"]), moment(dispute["created"])
    gone = _going_back(paid, dispute["id"], "disputed", at, amount)
    moves = [m for m in dispute.get("balance_transactions") or () if isinstance(m, Mapping)]
    back = _came_back(dispute, moves, gone)
    if dispute["status"] != "lost":
        return [gone, *back]
    decided = max((line.at for line in back), default=at)
    lost = replace(gone, id=f"{dispute['id']}:lost", kind="dispute_lost", at=decided)
    return [gone, *back, replace(lost, amount_minor=0)]


def _came_back(dispute: Json, moves: Sequence[Json], gone: MoneyLine) -> list[MoneyLine]:
    """The part of a dispute that returned to the balance, which may be less (A141).

    The balance may be in another currency, so the share counts, not the amount.
    """
    amounts = [(int(m.get("amount") or 0), m["created"]) for m in moves]
    taken = -sum(amount for amount, _ in amounts if amount < 0)
    returned = [(amount, created) for amount, created in amounts if amount > 0]
    if not taken and dispute["status"] == "won":  # the oldest shapes have no more
        latest = max((created for _, created in amounts), default=dispute["created"])
        taken, returned = 1, [(1, latest)]
    lines = []
    for number, (amount, created) in enumerate(returned if taken else ()):
        id_ = f"{dispute['id']}:returned" + (f":{number + 1}" if number else "")
        part = round(-gone.amount_minor * amount / taken)
        back = replace(gone, id=id_, kind="dispute_returned", at=moment(created))
        lines.append(replace(back, amount_minor=part))
    return lines


def dispute_state(
    disputes: Iterable[Json],
) -> tuple[Literal["open", "won", "lost"] | None, datetime | None]:
    """The state of a payment's disputes; the worst counts."""
    worst: tuple[Literal["open", "won", "lost"] | None, datetime | None] = (None, None)
    for dispute in disputes:
        at = moment(dispute["created"])
        if dispute["status"] == "lost":
            return "lost", at
        if dispute["status"] in ("won", "warning_closed", "prevented"):
            worst = worst if worst[0] else ("won", at)
        elif worst[0] != "open":
            worst = ("open", at)
    return worst
