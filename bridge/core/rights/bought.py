"""Verdicts on purchases and on grants by hand; the clock ends both."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import HandGrant
from bridge.core.model.stripe import Purchase
from bridge.core.rights.objections import after_refund, counts_as_refunded
from bridge.core.rights.verdict import Verdict, came_before, until
from bridge.core.rules.compiled import Rule


def refund_counts(purchase: Purchase, rule: Rule) -> bool:
    """Whether the payment for a purchase was refunded."""
    paid_minor = purchase.payment_minor or purchase.amount_minor
    return counts_as_refunded(purchase.refunded_minor, paid_minor, rule.partial_refund_percent)


def judge_purchase(
    purchase: Purchase,
    rule: Rule,
    end_at: datetime | None,
    now: datetime,
    *,
    unclear: bool = False,
) -> Verdict:
    """The verdict on one line of a paid order. `end_at`: with its stacked term; None: for life.

    `unclear`: a refund may be of it or of another line of the order (A107).
    """
    verdict = _bought(purchase, rule, end_at, now, unclear=unclear)
    begins_at = purchase.begins_at
    # Not for a purchase that was just paid: Stripe's clock may be ahead of ours (E47).
    if verdict.holds and begins_at is not None and now < begins_at:
        return replace(verdict.denied(Reason.PRESENT_WAITS, begins_at), next_change_at=begins_at)
    return verdict


def _bought(
    purchase: Purchase, rule: Rule, end_at: datetime | None, now: datetime, *, unclear: bool
) -> Verdict:
    if end_at is None:
        verdict = Verdict(Reason.BOUGHT, holds=True)
    else:
        verdict = until(end_at, now, Reason.BOUGHT, Reason.TERM_OVER)
    # Something after the term did not end it; something before it stays the reason (A106).
    if verdict.holds or came_before(purchase.disputed_at, end_at):
        if purchase.disputed == "lost":
            return verdict.denied(Reason.DISPUTE_LOST, purchase.disputed_at)
        if purchase.disputed == "open" and rule.on_dispute == "suspend":
            return verdict.denied(Reason.DISPUTED, purchase.disputed_at)
    if unclear:
        denied = verdict.denied(Reason.REFUND_UNCLEAR, purchase.refunded_at)
        return denied if verdict.holds else verdict
    is_reason = verdict.holds or came_before(purchase.refunded_at, end_at)
    if not is_reason or not refund_counts(purchase, rule):
        return verdict
    return after_refund(rule.on_refund_one_off, end_at, purchase.refunded_at, verdict, now)


def judge_hand_grant(hand: HandGrant, now: datetime) -> Verdict:
    """The verdict on a grant by hand, from its beginning to its end, if it has one."""
    given = hand.source == "moderator"
    now_in, over = (Reason.HAND, Reason.HAND_OVER) if given else (Reason.BOUGHT, Reason.TERM_OVER)
    if hand.revoked_at is not None and came_before(hand.revoked_at, hand.until_at):
        # The planned end is no longer the reason (A106).
        return Verdict(Reason.HAND_REVOKED, hand.until_at, hand.revoked_at, holds=False)
    if now < hand.from_at:
        return Verdict(Reason.HAND_WAITS, hand.until_at, next_change_at=hand.from_at, holds=False)
    if hand.until_at is None:
        return Verdict(now_in, holds=True)
    return until(hand.until_at, now, now_in, over)
