"""One source's verdict: does it give a right now, until when, and for which reason.

The policy table of the project, status by status. What Stripe decides by its status is never
second-guessed by the clock: an announced end (`cancel_at`) is shown, and only the status ends it
(A19, E14). The clock decides grace periods, terms, hand grants and paid-up pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import HandGrant, Notice
from bridge.core.model.stripe import PeriodPayment, Purchase, Subscription, SubscriptionItem
from bridge.core.rules.compiled import Rule
from bridge.core.rules.values import RefundChoice

PLANNED_AT_START = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a source gives a right, why, until when, and when to look again."""

    reason: Reason
    holds: bool = field(kw_only=True)
    until_at: datetime | None = None
    because_at: datetime | None = None
    next_change_at: datetime | None = None
    renews_at: datetime | None = None

    def denied(self, reason: Reason, because_at: datetime | None = None) -> Verdict:
        """The same source, giving nothing for another reason."""
        return Verdict(
            reason,
            holds=False,
            until_at=self.until_at,
            because_at=because_at or self.because_at,
            next_change_at=self.next_change_at,
        )


def _until(
    end_at: datetime,
    now: datetime,
    before: Reason,
    after: Reason,
    because_at: datetime | None = None,
) -> Verdict:
    """A right that the clock alone ends; at the very moment of its end it is over."""
    if now < end_at:
        return Verdict(before, end_at, because_at, next_change_at=end_at, holds=True)
    return Verdict(after, end_at, because_at, holds=False)


# --- Subscriptions ------------------------------------------------------------------------------


def judge_item(
    subscription: Subscription,
    item: SubscriptionItem,
    rule: Rule,
    now: datetime,
    *,
    deleted: bool = False,
    notice: Notice | None = None,
    unclear: bool = False,
) -> Verdict:
    """The verdict on one item of a subscription. `deleted`: its customer is (E37).

    `notice`: what its payer was told about the failed payment, where that is known. `unclear`: a
    refund of its payment may be of another line (A107).
    """
    by_status = STATUSES.get(subscription.status, _unknown)
    verdict = by_status(subscription, item, rule, now)
    if notice is not None and verdict.reason in (Reason.GRACE, Reason.GRACE_OVER):
        verdict = _told_first(verdict, notice, rule, now)
    if deleted and verdict.reason is not Reason.INSTALMENTS_DONE:
        ended_at = subscription.ended_at or subscription.canceled_at
        return Verdict(Reason.CUSTOMER_DELETED, ended_at, ended_at, holds=False)
    if verdict.holds and item.quantity == 0:
        # The buyer's own seat is one of those bought: none bought, none of their own (E21).
        verdict = verdict.denied(Reason.NO_SEATS)
    if verdict.holds and subscription.pause_collection:
        verdict = _collection_paused(subscription, rule, verdict, now)
    if verdict.holds and subscription.last_payment:
        paid = _OfItem(subscription.last_payment, item.id, unclear)
        verdict = _payment_objection(paid, rule, verdict, now)
    if verdict.reason is Reason.CANCELED and subscription.last_payment:
        paid = _OfItem(subscription.last_payment, item.id, unclear)
        verdict = _ended_before(paid, rule, verdict)
    return verdict


@dataclass(frozen=True, slots=True)
class _OfItem:
    """The payment of an item's period. `unclear`: whether a refund is of this item."""

    period: PeriodPayment
    item_id: str
    unclear: bool


def _ended_before(payment: _OfItem, rule: Rule, over: Verdict) -> Verdict:
    """What had ended the right before Stripe ended the subscription; a reason stays true (A106)."""
    if over.until_at is None or payment.unclear:
        return over
    before = _payment_objection(payment, rule, replace(over, holds=True), over.until_at)
    return before if not before.holds and _came_before(before.because_at, over.until_at) else over


def _came_before(at: datetime | None, end_at: datetime | None) -> bool:
    return at is not None and (end_at is None or at < end_at)


def announced_end(subscription: Subscription, item: SubscriptionItem) -> datetime | None:
    """When Stripe will end it, as far as that is known (E13, E14, E16)."""
    if subscription.cancel_at:
        return subscription.cancel_at
    change = subscription.next_change
    if change and not change.price_ids:
        return change.at
    return item.period_end_at if subscription.cancel_at_period_end else None


def is_instalment_plan(subscription: Subscription, item: SubscriptionItem) -> bool:
    """An end over more than one period, set when the subscription began (A19, A20).

    One that was set later is a cancellation, and so is one at the end of the first period:
    Stripe's portal may cancel by `cancel_at`, and `canceled_at` is the moment of that membership.
    """
    end_at, wished_at = subscription.cancel_at, subscription.canceled_at
    if end_at is None or subscription.cancel_at_period_end:
        return False
    if item.period_start_at <= subscription.started_at and item.period_end_at >= end_at:
        return False
    planned_until = subscription.created_at + PLANNED_AT_START
    return wished_at is None or wished_at <= planned_until or wished_at >= end_at


def _running(
    subscription: Subscription, item: SubscriptionItem, rule: Rule, now: datetime, reason: Reason
) -> Verdict:
    renews_at: datetime | None = item.period_end_at
    end_at = announced_end(subscription, item)
    if end_at is None:
        return Verdict(reason, renews_at=renews_at, holds=True)
    if item.period_end_at >= end_at:
        renews_at = None
    look_again_at = end_at if end_at > now else None
    after = rule.after_instalments if is_instalment_plan(subscription, item) else "end"
    if after == "end":
        return Verdict(Reason.ENDING, end_at, None, look_again_at, renews_at, holds=True)
    until_at = None if after == "lifetime" else after.end(end_at)
    return Verdict(reason, until_at, None, look_again_at, renews_at, holds=True)


def _active(
    subscription: Subscription, item: SubscriptionItem, rule: Rule, now: datetime
) -> Verdict:
    if rule.trial == "wait" and _is_unpaid_since_trial(subscription):
        # When a trial ends Stripe says active at once; its first invoice is tried an hour later.
        return Verdict(Reason.TRIAL_WAITS, because_at=subscription.trial_end_at, holds=False)
    return _running(subscription, item, rule, now, Reason.ACTIVE)


def _trialing(
    subscription: Subscription, item: SubscriptionItem, rule: Rule, now: datetime
) -> Verdict:
    if rule.trial == "wait":
        return Verdict(Reason.TRIAL_WAITS, because_at=subscription.trial_end_at, holds=False)
    return _running(subscription, item, rule, now, Reason.TRIAL)


def _past_due(
    subscription: Subscription, item: SubscriptionItem, rule: Rule, now: datetime
) -> Verdict:
    """Grace counts from the first missed due date; retries and renewals never move it (E5, E7)."""
    since_at = subscription.past_due_since_at or item.period_start_at
    if rule.trial == "wait" and _is_first_missed(subscription, item, since_at):
        return Verdict(Reason.TRIAL_WAITS, because_at=subscription.trial_end_at, holds=False)
    grace_ends_at = since_at + timedelta(days=rule.grace_days)
    return _until(grace_ends_at, now, Reason.GRACE, Reason.GRACE_OVER, since_at)


def _told_first(verdict: Verdict, notice: Notice, rule: Rule, now: datetime) -> Verdict:
    """Nobody loses a group for a failed payment before being told and having time to pay (A110)."""
    time_to_pay = timedelta(days=rule.grace_notice_days)
    grace_ends_at = verdict.until_at or now
    failed_at = notice.failed_at or verdict.because_at
    if notice.told_at is None:
        end_at = max(grace_ends_at, now + time_to_pay)
        return Verdict(Reason.GRACE, end_at, failed_at, holds=True)
    end_at = max(grace_ends_at, notice.told_at + time_to_pay)
    return _until(end_at, now, Reason.GRACE, Reason.GRACE_OVER, failed_at)


def _is_unpaid_since_trial(subscription: Subscription) -> bool:
    """Whether the newest paid invoice is known, and is of the trial or before it."""
    trial_end_at, paid = subscription.trial_end_at, subscription.last_payment
    return trial_end_at is not None and paid is not None and paid.paid_at < trial_end_at


def _is_first_missed(
    subscription: Subscription, item: SubscriptionItem, since_at: datetime
) -> bool:
    """Whether what is owed is what a trial ended with, so that nothing was ever paid."""
    trial_end_at, period = subscription.trial_end_at, item.period_end_at - item.period_start_at
    if trial_end_at is None or subscription.last_payment:
        return _is_unpaid_since_trial(subscription)
    return trial_end_at <= since_at < trial_end_at + period


def _canceled(
    subscription: Subscription, item: SubscriptionItem, rule: Rule, now: datetime
) -> Verdict:
    ended_at = subscription.ended_at or subscription.canceled_at
    over = Verdict(Reason.CANCELED, ended_at, ended_at, holds=False)
    end_at, after = subscription.cancel_at, rule.after_instalments
    if end_at is None or ended_at is None or ended_at < end_at or after == "end":
        return over
    if not is_instalment_plan(subscription, item) or subscription.past_due_since_at:
        return over
    if after == "lifetime":
        return Verdict(Reason.INSTALMENTS_DONE, because_at=ended_at, holds=True)
    reasons = Reason.INSTALMENTS_DONE, Reason.INSTALMENTS_OVER
    return _until(after.end(end_at), now, *reasons, because_at=ended_at)


def _paused(
    _subscription: Subscription, _item: SubscriptionItem, rule: Rule, _now: datetime
) -> Verdict:
    if rule.on_pause == "keep":
        return Verdict(Reason.PAUSED_KEPT, holds=True)
    return Verdict(Reason.PAUSED, holds=False)


def _unknown(
    _subscription: Subscription, _item: SubscriptionItem, _rule: Rule, _now: datetime
) -> Verdict:
    return Verdict(Reason.UNKNOWN_STATUS, holds=False)


Judge = Callable[[Subscription, SubscriptionItem, Rule, datetime], Verdict]


def _never(reason: Reason) -> Judge:
    def judge(
        _subscription: Subscription, _item: SubscriptionItem, _rule: Rule, _now: datetime
    ) -> Verdict:
        return Verdict(reason, holds=False)

    return judge


STATUSES: Mapping[str, Judge] = {
    "active": _active,
    "trialing": _trialing,
    "past_due": _past_due,
    "unpaid": _never(Reason.UNPAID),
    "incomplete": _never(Reason.INCOMPLETE),
    "incomplete_expired": _never(Reason.INCOMPLETE_EXPIRED),
    "canceled": _canceled,
    "paused": _paused,
}


def _collection_paused(
    subscription: Subscription, rule: Rule, verdict: Verdict, now: datetime
) -> Verdict:
    """Stripe keeps the status active while collection is paused, and rolls the periods on.

    So the end of what was paid is the last paid invoice's; where it is not known, it is kept (E12).
    """
    if rule.on_pause_collection == "end":
        return verdict.denied(Reason.COLLECTION_PAUSED_ENDED)
    paid = subscription.last_payment
    if rule.on_pause_collection == "keep" or paid is None:
        return replace(verdict, reason=Reason.COLLECTION_PAUSED, renews_at=None)
    reasons = Reason.COLLECTION_PAUSED_PAID, Reason.COLLECTION_PAUSED_ENDED
    return _at_most_until(paid.period_end_at, verdict, _until(paid.period_end_at, now, *reasons))


def _at_most_until(paid_until_at: datetime, verdict: Verdict, limited: Verdict) -> Verdict:
    """A verdict that holds, limited to what was paid: whichever end comes first is told.

    An announced end is told and no more: Stripe's status alone ends it (A19).
    """
    if not limited.holds:
        return limited
    changes = (verdict.next_change_at, limited.next_change_at)
    return replace(
        limited,
        until_at=min(paid_until_at, verdict.until_at or paid_until_at),
        next_change_at=min((at for at in changes if at), default=None),
    )


# --- Payments -----------------------------------------------------------------------------------


def counts_as_refunded(refunded_minor: int, paid_minor: int, percent: int | None) -> bool:
    """In full, or from the percentage on from which a part counts as full (E24, E25)."""
    if refunded_minor <= 0 or paid_minor <= 0:
        return False
    return refunded_minor * 100 >= paid_minor * (100 if percent is None else percent)


def refund_counts(purchase: Purchase, rule: Rule) -> bool:
    """Whether the payment for a purchase was refunded."""
    paid_minor = purchase.payment_minor or purchase.amount_minor
    return counts_as_refunded(purchase.refunded_minor, paid_minor, rule.partial_refund_percent)


def _payment_objection(payment: _OfItem, rule: Rule, verdict: Verdict, now: datetime) -> Verdict:
    """What is known against the payment on which the current period rests (E26, E28 to E30)."""
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
    return _refunded(
        rule.on_refund_subscription, period.period_end_at, item.refunded_at, verdict, now
    )


def _refunded(
    choice: RefundChoice,
    paid_until_at: datetime | None,
    refunded_at: datetime | None,
    verdict: Verdict,
    now: datetime,
) -> Verdict:
    if choice == "keep":
        return verdict
    if choice == "end" or paid_until_at is None:
        return verdict.denied(Reason.REFUNDED, refunded_at)
    reasons = Reason.REFUNDED_PAID, Reason.REFUNDED
    limited = _until(paid_until_at, now, *reasons, because_at=refunded_at)
    return _at_most_until(paid_until_at, verdict, limited)


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
    # Not for one that was just paid: Stripe's clock may be ahead of ours (E47).
    if verdict.holds and begins_at is not None and now < begins_at:
        return replace(verdict.denied(Reason.PRESENT_WAITS, begins_at), next_change_at=begins_at)
    return verdict


def _bought(
    purchase: Purchase, rule: Rule, end_at: datetime | None, now: datetime, *, unclear: bool
) -> Verdict:
    if end_at is None:
        verdict = Verdict(Reason.BOUGHT, holds=True)
    else:
        verdict = _until(end_at, now, Reason.BOUGHT, Reason.TERM_OVER)
    # What came after the term did not end it; what came before stays the reason (A106).
    if verdict.holds or _came_before(purchase.disputed_at, end_at):
        if purchase.disputed == "lost":
            return verdict.denied(Reason.DISPUTE_LOST, purchase.disputed_at)
        if purchase.disputed == "open" and rule.on_dispute == "suspend":
            return verdict.denied(Reason.DISPUTED, purchase.disputed_at)
    if unclear:
        denied = verdict.denied(Reason.REFUND_UNCLEAR, purchase.refunded_at)
        return denied if verdict.holds else verdict
    is_reason = verdict.holds or _came_before(purchase.refunded_at, end_at)
    if not is_reason or not refund_counts(purchase, rule):
        return verdict
    return _refunded(rule.on_refund_one_off, end_at, purchase.refunded_at, verdict, now)


def judge_hand_grant(hand: HandGrant, now: datetime) -> Verdict:
    """A grant by hand: from its beginning to its end, if it has one. What was paid is no favour."""
    given = hand.source == "moderator"
    now_in, over = (Reason.HAND, Reason.HAND_OVER) if given else (Reason.BOUGHT, Reason.TERM_OVER)
    if hand.revoked_at is not None and _came_before(hand.revoked_at, hand.until_at):
        # What would have been its end is no reason any more (A106).
        return Verdict(Reason.HAND_REVOKED, hand.until_at, hand.revoked_at, holds=False)
    if now < hand.from_at:
        return Verdict(Reason.HAND_WAITS, hand.until_at, next_change_at=hand.from_at, holds=False)
    if hand.until_at is None:
        return Verdict(now_in, holds=True)
    return _until(hand.until_at, now, now_in, over)
