"""Who may be in what, from when, until when, and why: Stripe's facts judged by the mapping rules.

Every source (a subscription's item, a purchase, a moderator's grant) gets a verdict on each of its
groups, whatever the other sources say: the union is made elsewhere, so ending one can never end
another (A21, A41, D5). Nothing here reads a clock: `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.core.judge import Verdict, judge_hand_grant, judge_item, judge_purchase, refund_counts
from bridge.core.model import (
    NO_GROUP,
    Facts,
    Grant,
    HandGrant,
    Purchase,
    Subscription,
    SubscriptionItem,
)
from bridge.core.policy import Policy
from bridge.core.reasons import Reason
from bridge.core.rules import HaltedRule, Rule, Rules, rule_of
from bridge.core.sharing import given_away, seat_item, seated

HAND_RULE = "hand"


def grants(facts: Facts, rules: Rules, policy: Policy, now: datetime) -> tuple[Grant, ...]:
    """Every source's verdict on each group it leads to.

    A source without a rule in force leads to `NO_GROUP`, so that it is visible and what it gave
    before can be held (`reasons.UNDECIDED`). A rule that says "no groups" yields nothing.
    """
    without_rule = rule_of(policy.defaults, "")
    gone = facts.deleted_customer_ids
    notice = timedelta(days=policy.seat_notice_days)
    given = (
        *_from_subscriptions(facts.given, gone, rules, without_rule, now),
        *_from_purchases(facts.given_purchases, rules, without_rule, now),
    )
    return (
        *_settled(_from_subscriptions(facts.subscriptions, gone, rules, without_rule, now), policy),
        *_settled(_from_purchases(facts.purchases, rules, without_rule, now), policy),
        *_settled(_from_seats(facts, rules, without_rule, notice, now), policy),
        *(_from_hand(hand, rules, now) for hand in facts.hand_grants),
        *given_away(given),
    )


def next_change(found: Iterable[Grant], now: datetime) -> datetime | None:
    """When to look again though nothing was heard; None if the clock alone changes nothing."""
    changes = (grant.next_change_at for grant in found)
    return min((at for at in changes if at and at > now), default=None)


def stacked(
    purchases: Iterable[Purchase], rules: Rules, without_rule: Rule
) -> Iterator[tuple[Purchase, datetime | None]]:
    """Each purchase with its end (None: for life), over all of the user's customers.

    Terms of one product follow each other: `max(paid, end so far) + term`, once per line (E23).
    A purchase that was refunded or charged back is no ground for the next to stand on.
    """
    ends: dict[str, datetime] = {}
    for purchase in sorted(purchases, key=lambda one: (one.paid_at, one.id)):
        rule = rules.rule_for(purchase.price_id, purchase.product_id) or without_rule
        if rule.term is None:
            yield purchase, None
            continue
        end_at = rule.term.end(
            max(purchase.paid_at, ends.get(purchase.product_id, purchase.paid_at))
        )
        if not refund_counts(purchase, rule) and purchase.disputed != "lost":
            ends[purchase.product_id] = end_at
        yield purchase, end_at


def _settled(found: Iterable[Grant], policy: Policy) -> Iterator[Grant]:
    """What has no rule waits for a moderator, or ends where the site says so (A34)."""
    for grant in found:
        if policy.unmapped == "end" and grant.reason == Reason.NO_RULE:
            yield replace(grant, reason=Reason.NO_RULE_ENDS.value)
        else:
            yield grant


def _of_source(source: Grant, rule: Rule | HaltedRule | None, verdict: Verdict) -> Iterator[Grant]:
    """`source` once for each group that its rule leads to, with the verdict."""
    if isinstance(rule, HaltedRule):
        halted = replace(source, rule_id=rule.id, holds=False, reason=Reason.RULE_HALTED.value)
        yield from (replace(halted, group_id=id_) for id_ in (*rule.group_ids, NO_GROUP))
        return
    if rule is None and verdict.holds:
        verdict = verdict.denied(Reason.NO_RULE)
    judged = replace(
        source,
        rule_id=rule.id if rule else "",
        holds=verdict.holds,
        reason=verdict.reason.value,
        until_at=verdict.until_at,
        next_change_at=verdict.next_change_at,
        renews_at=verdict.renews_at,
        because_at=verdict.because_at,
    )
    if rule is None:
        yield judged
        return
    for group_id in rule.group_ids:
        if group_id in rule.ladder_group_ids:
            yield replace(judged, group_id=group_id, ladder=rule.ladder, rank=rule.rank)
        else:
            yield replace(judged, group_id=group_id)


def _from_subscriptions(
    subscriptions: Iterable[Subscription],
    gone: Collection[str],
    rules: Rules,
    without_rule: Rule,
    now: datetime,
) -> Iterator[Grant]:
    """`gone`: customers that were deleted."""
    for subscription in subscriptions:
        deleted = subscription.customer_id in gone
        for item in subscription.items:
            rule = rules.rule_for(item.price_id, item.product_id)
            halted = rules.halted_rule_for(item.price_id, item.product_id)
            verdict = judge_item(subscription, item, rule or without_rule, now, deleted=deleted)
            yield from _of_source(_item_source(subscription, item), rule or halted, verdict)


def _item_source(subscription: Subscription, item: SubscriptionItem) -> Grant:
    return Grant(
        group_id=NO_GROUP,
        source="subscription",
        source_id=subscription.id,
        rule_id="",
        holds=False,
        reason="",
        from_at=subscription.started_at,
        product_id=item.product_id,
        price_id=item.price_id,
        share="own" if subscription.beneficiary_id is None else "gift",
    )


def _from_seats(
    facts: Facts, rules: Rules, without_rule: Rule, notice: timedelta, now: datetime
) -> Iterator[Grant]:
    for seat in facts.seats:
        subscription, item = seat.subscription, seat_item(seat.subscription)
        if item is None:
            continue
        rule = rules.rule_for(item.price_id, item.product_id)
        halted = rules.halted_rule_for(item.price_id, item.product_id)
        deleted = subscription.customer_id in facts.deleted_customer_ids
        verdict = judge_item(subscription, item, rule or without_rule, now, deleted=deleted)
        source = replace(
            _item_source(subscription, item),
            from_at=max(subscription.started_at, seat.assigned_at),
            share="seat",
        )
        yield from _of_source(source, rule or halted, seated(seat, verdict, notice, now))


def _from_purchases(
    purchases: Iterable[Purchase], rules: Rules, without_rule: Rule, now: datetime
) -> Iterator[Grant]:
    for purchase, end_at in stacked(purchases, rules, without_rule):
        rule = rules.rule_for(purchase.price_id, purchase.product_id)
        halted = rules.halted_rule_for(purchase.price_id, purchase.product_id)
        source = Grant(
            group_id=NO_GROUP,
            source="purchase",
            source_id=purchase.id,
            rule_id="",
            holds=False,
            reason="",
            from_at=purchase.paid_at,
            product_id=purchase.product_id,
            price_id=purchase.price_id,
            share="own" if purchase.beneficiary_id is None else "gift",
        )
        verdict = judge_purchase(purchase, rule or without_rule, end_at, now)
        yield from _of_source(source, rule or halted, verdict)


def _from_hand(hand: HandGrant, rules: Rules, now: datetime) -> Grant:
    verdict = judge_hand_grant(hand, now)
    ladder, rank = rules.step_of(hand.group_id)
    return Grant(
        group_id=hand.group_id,
        source="hand",
        source_id=hand.id,
        rule_id=HAND_RULE,
        holds=verdict.holds,
        reason=verdict.reason.value,
        from_at=hand.from_at,
        until_at=verdict.until_at,
        ladder=ladder,
        rank=rank,
        next_change_at=verdict.next_change_at,
    )
