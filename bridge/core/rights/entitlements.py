"""Stripe's entitlements as a source: the features of a customer's products.

Only features that bridge.toml names lead anywhere. An active entitlement is needed but
not enough: the subscription behind it is judged as for any other rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Subscription
from bridge.core.rights.verdict import Verdict
from bridge.core.rules.compiled import Rules


def of_feature(source: Grant, feature: str) -> Grant:
    """A subscription item as the source of a feature's groups."""
    id_ = f"{source.source_id}:{feature}"
    return replace(source, source="entitlement", source_id=id_, feature=feature)


def entitled(verdict: Verdict, feature: str, has: frozenset[str] | None) -> Verdict:
    """The subscription's verdict, limited by whether Stripe says that the customer has the feature.

    `has`: all that the customer has; None where Stripe was not asked for it.
    """
    if not verdict.holds or (has is not None and feature in has):
        return verdict
    return verdict.denied(Reason.ENTITLEMENT_UNREAD if has is None else Reason.NOT_ENTITLED)


def unexplained(facts: Facts, feature: str, rules: Rules) -> Iterator[Subscription]:
    """The subscriptions of customers with a feature that no subscription explains."""
    mine = facts.paid_by_user
    carrying = {
        subscription.customer_id
        for subscription in mine
        for item in subscription.items
        if feature in rules.features_of(item.product_id)
    }
    for subscription in mine:
        customer_id = subscription.customer_id
        has = facts.entitlements.get(customer_id, frozenset())
        is_unexplained = feature in has and customer_id not in carrying
        if is_unexplained and subscription.items and customer_id not in facts.deleted_customer_ids:
            yield subscription
