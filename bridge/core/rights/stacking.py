"""How long one-off purchases last: each term begins where the previous one ends. Pure.

The earlier term may be a purchase of the same product, a payment by hand, or an imported
membership (A67). So renewing early loses nothing, and no group has a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant, HandGrant
from bridge.core.model.stripe import Purchase
from bridge.core.rights.bought import refund_counts
from bridge.core.rights.refunds import purchase_is_unclear
from bridge.core.rights.terms import Series, follow, of_stays
from bridge.core.rules.compiled import Rule, Rules

# Somebody paid for these, here or before the bridge. A moderator's grant runs beside them.
PAID_BY_HAND = frozenset({"payment", "import"})


@dataclass(frozen=True, slots=True)
class Lasting:
    """A purchase, until when its buyer had something before it, and its end (None: for life)."""

    purchase: Purchase
    had_until_at: datetime | None = None
    end_at: datetime | None = None


def stacked(
    purchases: Iterable[Purchase],
    rules: Rules,
    without_rule: Rule,
    by_hand: Iterable[HandGrant] = (),
) -> Iterator[Lasting]:
    """How long each purchase lasts, over all of the user's customers.

    Terms of one product follow each other, once per line (E23), by the calendar (A109). A refunded
    or charged-back purchase does not delay the next one.
    """
    by_hand = tuple(by_hand)
    series: dict[str, Series] = {}
    for purchase in sorted(purchases, key=lambda one: (one.from_at, one.id)):
        rule = rules.rule_for(purchase.price_id, purchase.product_id) or without_rule
        if rule.term is None:
            yield Lasting(purchase)
            continue
        before = _longer(series.get(purchase.product_id), _ground(rule, by_hand, purchase.from_at))
        extended = follow(before, rule.term, purchase.from_at)
        is_back = refund_counts(purchase, rule)
        is_back = is_back and not purchase_is_unclear(purchase, rule, rules, without_rule)
        if not is_back and purchase.disputed != "lost":
            series[purchase.product_id] = extended
        runs = before is not None and before.end_at >= purchase.from_at
        yield Lasting(purchase, before.end_at if before and runs else None, extended.end_at)


def bought_stays(
    verdicts: Iterable[Grant], group_id: int, at: datetime
) -> list[tuple[datetime, datetime]]:
    """The times that purchases made by then give a group: a payment by hand follows them."""
    return [
        (one.from_at, one.until_at)
        for one in verdicts
        if one.source == "purchase" and one.holds and one.reason == Reason.BOUGHT
        if one.group_id == group_id and one.until_at is not None and one.from_at <= at
    ]


def _ground(rule: Rule, by_hand: Iterable[HandGrant], at: datetime) -> Series | None:
    """The time paid for by hand of all groups of a rule; the first to end counts."""
    stays = [
        (one.group_id, one.from_at, one.until_at)
        for one in by_hand
        if one.source in PAID_BY_HAND and one.revoked_at is None
        if one.until_at is not None and one.from_at <= at < one.until_at
    ]
    of_each = [
        of_stays((from_at, until_at) for group_id, from_at, until_at in stays if group_id == id_)
        for id_ in rule.group_ids
    ]
    found = [one for one in of_each if one is not None]
    if not found or len(found) < len(of_each):
        return None
    return min(found, key=lambda one: one.end_at)


def _longer(one: Series | None, other: Series | None) -> Series | None:
    found = [series for series in (one, other) if series is not None]
    return max(found, key=lambda series: series.end_at, default=None)
