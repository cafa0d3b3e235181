"""Objections to a payment: a dispute, a refund in full or in part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.stripe import PeriodPayment
from bridge.core.rights.verdict import Verdict, at_most_until, until
from bridge.core.rules.compiled import Rule
from bridge.core.rules.values import RefundChoice


@dataclass(frozen=True, slots=True)
class ItemPaid:
    """The payment of an item's period. `unclear`: nobody knows if a refund is for it."""

    period: PeriodPayment
    item_id: str
    unclear: bool


def counts_as_refunded(refunded_minor: int, paid_minor: int, percent: int | None) -> bool:
    """Refunded in full, or by the percentage from which a part counts as full (E24, E25)."""
    if refunded_minor <= 0 or paid_minor <= 0:
        return False
    return refunded_minor * 100 >= paid_minor * (100 if percent is None else percent)


def payment_objection(payment: ItemPaid, rule: Rule, verdict: Verdict, now: datetime) -> Verdict:
    """The objection to the payment of the current period (E26, E28 to E30)."""
    period, item = payment.period, payment.period.of_item(payment.item_id)
    if period.disputed == "lost":
        return verdict.denied(Reason.DISPUTE_LOST, period.disputed_at)
    if period.disputed == "open" and rule.on_dispute == "suspend":
        return verdict.denied(Reason.DISPUTED, period.disputed_at)
    if payment.unclear:
        return verdict.denied(Reason.REFUND_UNCLEAR, item.refunded_at)
    percent = rule.partial_refund_percent
    if not counts_as_refunded(item.refunded_minor, item.amount_minor, percent):
        return verdict
    return after_refund(
        rule.on_refund_subscription, period.period_end_at, item.refunded_at, verdict, now
    )


def after_refund(
    choice: RefundChoice,
    paid_until_at: datetime | None,
    refunded_at: datetime | None,
    verdict: Verdict,
    now: datetime,
) -> Verdict:
    """The part of a grant that a refund leaves, by the rule."""
    if choice == "keep":
        return verdict
    if choice == "end" or paid_until_at is None:
        return verdict.denied(Reason.REFUNDED, refunded_at)
    reasons = Reason.REFUNDED_PAID, Reason.REFUNDED
    limited = until(paid_until_at, now, *reasons, because_at=refunded_at)
    return at_most_until(paid_until_at, verdict, limited)
