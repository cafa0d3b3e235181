"""Who may be in which group, from when, until when, and why: the mapping rules applied.

Every source (a subscription's item, a purchase, a moderator's grant) gets a verdict on each of its
groups, independently of the other sources: they are combined elsewhere, so ending one never ends
another (A21, A41, D5). Nothing here reads a clock: `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import NO_GROUP, Facts, Grant, HandGrant, Notice, Seat
from bridge.core.model.stripe import Purchase, Subscription, SubscriptionItem
from bridge.core.rights.approval import admitted
from bridge.core.rights.bought import judge_hand_grant, judge_purchase
from bridge.core.rights.entitlements import entitled, of_feature, unexplained
from bridge.core.rights.judge import judge_item
from bridge.core.rights.refunds import item_is_unclear, purchase_is_unclear
from bridge.core.rights.renewing import founded
from bridge.core.rights.sharing import given_away, seat_item, seated
from bridge.core.rights.stacking import stacked
from bridge.core.rights.verdict import Verdict
from bridge.core.rules.compiled import HaltedRule, Rule, Rules, rule_of
from bridge.core.rules.policy import Policy

HAND_RULE = "hand"


@dataclass(frozen=True, slots=True)
class _Known:
    """The input for judging every item of a subscription. `gone`: deleted customers."""

    rules: Rules
    without_rule: Rule
    gone: frozenset[str]
    entitlements: Mapping[str, frozenset[str]]
    notices: Mapping[str, Notice]
    now: datetime

    def judge(
        self, subscription: Subscription, item: SubscriptionItem, rule: Rule | None
    ) -> Verdict:
        deleted = subscription.customer_id in self.gone
        notice = self.notices.get(subscription.id)
        rule = rule or self.without_rule
        if subscription.continues_at:
            rule = replace(rule, trial="grant")  # waiting for the first payment is no trial (A67)
        paid = subscription.last_payment
        unclear = paid is not None and item_is_unclear(
            paid.of_item(item.id), rule, self.rules, self.without_rule
        )
        verdict = judge_item(
            subscription, item, rule, self.now, deleted=deleted, notice=notice, unclear=unclear
        )
        if subscription.continues_at and verdict.reason is Reason.TRIAL:
            return replace(verdict, reason=Reason.ACTIVE)
        return verdict


def grants(facts: Facts, rules: Rules, policy: Policy, now: datetime) -> tuple[Grant, ...]:
    """Every source's verdict on each group it leads to.

    A source without a rule in force leads to `NO_GROUP`, so that it is visible and what it gave
    before can be held (`reasons.UNDECIDED`). A rule that says "no groups" yields nothing.
    """
    without_rule = rule_of(policy.defaults, "")
    known = _Known(
        rules,
        without_rule,
        facts.deleted_customer_ids,
        facts.entitlements,
        facts.notices,
        now,
    )
    notice = timedelta(days=policy.seat_notice_days)
    given = (
        *_from_subscriptions(facts.given, known),
        *_from_purchases(facts.given_purchases, (), rules, without_rule, now),
    )
    found = (
        *_settled(_from_subscriptions(facts.subscriptions, known), policy),
        *_from_unclear(facts, known),
        *_settled(
            _from_purchases(facts.purchases, facts.hand_grants, rules, without_rule, now), policy
        ),
        *_settled(_from_seats(facts.seats, known, notice), policy),
        *(_from_hand(hand, rules, now) for hand in facts.hand_grants),
        *given_away(given),
    )
    return tuple(founded(tuple(admitted(found, facts, rules, now)), facts, now))


def next_change(found: Iterable[Grant], now: datetime) -> datetime | None:
    """When to decide again without new events; None if the clock alone changes nothing."""
    changes = (grant.next_change_at for grant in found)
    return min((at for at in changes if at and at > now), default=None)


def _settled(found: Iterable[Grant], policy: Policy) -> Iterator[Grant]:
    """A source without a rule waits for a moderator, or ends with `unmapped = "end"` (A34)."""
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


def _from_subscriptions(subscriptions: Iterable[Subscription], known: _Known) -> Iterator[Grant]:
    for subscription in subscriptions:
        for item in subscription.items:
            for source, rule, verdict in _said_of_item(subscription, item, known):
                yield from _of_source(source, rule, verdict)


def _from_seats(seats: Iterable[Seat], known: _Known, notice: timedelta) -> Iterator[Grant]:
    for seat in seats:
        item = seat_item(seat.subscription)
        if item is None:
            continue
        # Even with no seats left there is notice first: members with a seat keep it until then.
        item = replace(item, quantity=max(1, item.quantity))
        for source, rule, verdict in _said_of_item(seat.subscription, item, known):
            since_at = max(seat.subscription.started_at, seat.assigned_at)
            theirs = replace(source, from_at=since_at, share="seat")
            yield from _of_source(theirs, rule, seated(seat, verdict, notice, known.now))


def _said_of_item(
    subscription: Subscription, item: SubscriptionItem, known: _Known
) -> Iterator[tuple[Grant, Rule | HaltedRule | None, Verdict]]:
    """The grants of an item by its price or product, and by each feature of its product.

    A feature is another rule for the same item. So the status and the policy decide about it as
    about any other. For example, Stripe keeps an entitlement when a trial ends without a card.
    """
    rules, features = known.rules, known.rules.features_of(item.product_id)
    source = _item_source(subscription, item)
    rule = rules.rule_for(item.price_id, item.product_id)
    halted = rules.halted_rule_for(item.price_id, item.product_id)
    if rule or halted or not features:
        yield source, rule or halted, known.judge(subscription, item, rule)
    for feature in features:
        mapped = rules.by_feature[feature]
        verdict = known.judge(subscription, item, mapped if isinstance(mapped, Rule) else None)
        has = known.entitlements.get(subscription.customer_id)
        yield of_feature(source, feature), mapped, entitled(verdict, feature, has)


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


def _from_unclear(facts: Facts, known: _Known) -> Iterator[Grant]:
    """Entitlements without a subscription that carries the feature, as far as is known.

    Stripe leaves them in force to the end of a period in which the feature was taken off the
    product (docs.stripe.com/billing/entitlements, read 2026-11-26). They give nothing new, and what
    one of the customer's subscriptions gave by that feature is held.
    """
    for feature, rule in known.rules.by_feature.items():
        for subscription in unexplained(facts, feature, known.rules):
            source = of_feature(_item_source(subscription, subscription.items[0]), feature)
            unclear = Verdict(Reason.ENTITLEMENT_UNCLEAR, holds=False)
            yield from _of_source(source, rule, unclear)


def _from_purchases(
    purchases: Iterable[Purchase],
    by_hand: Iterable[HandGrant],
    rules: Rules,
    without_rule: Rule,
    now: datetime,
) -> Iterator[Grant]:
    for lasting in stacked(purchases, rules, without_rule, by_hand):
        purchase, end_at = lasting.purchase, lasting.end_at
        rule = rules.rule_for(purchase.price_id, purchase.product_id)
        halted = rules.halted_rule_for(purchase.price_id, purchase.product_id)
        source = Grant(
            group_id=NO_GROUP,
            source="purchase",
            source_id=purchase.id,
            rule_id="",
            holds=False,
            reason="",
            from_at=purchase.from_at,
            product_id=purchase.product_id,
            price_id=purchase.price_id,
            share="own" if purchase.beneficiary_id is None else "gift",
        )
        judged_by = rule or without_rule
        unclear = purchase_is_unclear(purchase, judged_by, rules, without_rule)
        verdict = judge_purchase(purchase, judged_by, end_at, now, unclear=unclear)
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
        because_at=verdict.because_at,
    )
