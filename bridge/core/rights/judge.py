"""The verdict on a subscription: whether it grants now, until when, and why.

The project's policy, status by status. The clock never overrides Stripe's status:
an announced end (`cancel_at`) is shown, but only the status ends it (A19, E14). The
clock decides grace periods, terms after instalments, and paid-up pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Notice
from bridge.core.model.stripe import Subscription, SubscriptionItem
from bridge.core.rights.objections import ItemPaid, payment_objection
from bridge.core.rights.verdict import Verdict, at_most_until, came_before, until
from bridge.core.rules.compiled import Rule

PLANNED_AT_START = timedelta(days=1)


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
    """The verdict on one item of a subscription. `deleted`: its customer is deleted (E37).

    `notice`: the message to its payer about the failed payment, if known. `unclear`: a
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
        # The buyer's own seat is one of those bought, so without any there is none (E21).
        verdict = verdict.denied(Reason.NO_SEATS)
    if verdict.holds and subscription.pause_collection:
        verdict = _collection_paused(subscription, rule, verdict, now)
    if verdict.holds and subscription.last_payment:
        paid = ItemPaid(subscription.last_payment, item.id, unclear)
        verdict = payment_objection(paid, rule, verdict, now)
    if verdict.reason is Reason.CANCELED and subscription.last_payment:
        paid = ItemPaid(subscription.last_payment, item.id, unclear)
        verdict = _ended_before(paid, rule, verdict)
    return verdict


def _ended_before(payment: ItemPaid, rule: Rule, over: Verdict) -> Verdict:
    """The verdict that ended before Stripe ended the subscription; its reason stays (A106)."""
    if over.until_at is None or payment.unclear:
        return over
    before = payment_objection(payment, rule, replace(over, holds=True), over.until_at)
    return before if not before.holds and came_before(before.because_at, over.until_at) else over


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
        # When a trial ends, Stripe says active at once but tries the first invoice an hour later.
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
    """Grace runs from the first missed due date; retries and renewals never move it (E5, E7)."""
    since_at = subscription.past_due_since_at or item.period_start_at
    if rule.trial == "wait" and _is_first_missed(subscription, item, since_at):
        return Verdict(Reason.TRIAL_WAITS, because_at=subscription.trial_end_at, holds=False)
    grace_ends_at = since_at + timedelta(days=rule.grace_days)
    return until(grace_ends_at, now, Reason.GRACE, Reason.GRACE_OVER, since_at)


def _told_first(verdict: Verdict, notice: Notice, rule: Rule, now: datetime) -> Verdict:
    """Members keep a group until they were told of a failed payment and had time to pay (A110)."""
    time_to_pay = timedelta(days=rule.grace_notice_days)
    grace_ends_at = verdict.until_at or now
    failed_at = notice.failed_at or verdict.because_at
    if notice.told_at is None:
        end_at = max(grace_ends_at, now + time_to_pay)
        return Verdict(Reason.GRACE, end_at, failed_at, holds=True)
    end_at = max(grace_ends_at, notice.told_at + time_to_pay)
    return until(end_at, now, Reason.GRACE, Reason.GRACE_OVER, failed_at)


def _is_unpaid_since_trial(subscription: Subscription) -> bool:
    """Whether the newest paid invoice is known, and is of the trial or before it."""
    trial_end_at, paid = subscription.trial_end_at, subscription.last_payment
    return trial_end_at is not None and paid is not None and paid.paid_at < trial_end_at


def _is_first_missed(
    subscription: Subscription, item: SubscriptionItem, since_at: datetime
) -> bool:
    """Whether the open payment is the first after a trial, so that nothing was ever paid."""
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
    return until(after.end(end_at), now, *reasons, because_at=ended_at)


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

    So the paid time ends with the last paid invoice's period; if that is unknown, it is kept (E12).
    """
    if rule.on_pause_collection == "end":
        return verdict.denied(Reason.COLLECTION_PAUSED_ENDED)
    paid = subscription.last_payment
    if rule.on_pause_collection == "keep" or paid is None:
        return replace(verdict, reason=Reason.COLLECTION_PAUSED, renews_at=None)
    reasons = Reason.COLLECTION_PAUSED_PAID, Reason.COLLECTION_PAUSED_ENDED
    return at_most_until(paid.period_end_at, verdict, until(paid.period_end_at, now, *reasons))
