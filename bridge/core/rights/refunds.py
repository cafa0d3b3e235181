"""Whether it is clear what a refund ends if it may be for one line or another (A107)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bridge.core.model.stripe import ItemPayment, Purchase, RefundDoubt, SoldPrice
from bridge.core.rights.objections import counts_as_refunded
from bridge.core.rules.compiled import Rule, Rules

_End = Literal["end", "period_end"]


def purchase_is_unclear(purchase: Purchase, rule: Rule, rules: Rules, without_rule: Rule) -> bool:
    """Whether a refund may end this purchase or another line of its order."""
    if purchase.refund_doubt is None:
        return False
    back = _Back(purchase.refunded_minor, purchase.payment_minor, purchase.refund_doubt)
    return back.is_unclear(rule, rules, without_rule, is_once=True)


def item_is_unclear(item: ItemPayment, rule: Rule, rules: Rules, without_rule: Rule) -> bool:
    """Whether a refund may end this item of a subscription or another line of its invoice."""
    if item.refund_doubt is None:
        return False
    back = _Back(item.refunded_minor, item.amount_minor, item.refund_doubt)
    return back.is_unclear(rule, rules, without_rule, is_once=False)


class _Back:
    """How much of a line was refunded, as far as is known."""

    def __init__(self, refunded_minor: int, paid_minor: int, doubt: RefundDoubt) -> None:
        self._refunded_minor, self._paid_minor, self._doubt = refunded_minor, paid_minor, doubt

    def is_unclear(self, rule: Rule, rules: Rules, without_rule: Rule, *, is_once: bool) -> bool:
        """Whether it depends on the refunded line whether this one ends.

        If all lines lead to the same groups on the same terms, it does not matter which one was
        meant.
        """
        others = [
            (rules.rule_for(line.price_id, line.product_id) or without_rule, line)
            for line in self._doubt.lines
        ]
        if _is_all_one(others) and not _is_any_halted(rules, self._doubt.lines):
            return False
        most = self._ends(self._doubt.most_minor, rule, is_once=is_once)
        if most is None:
            return False
        if self._ends(self._doubt.least_minor, rule, is_once=is_once) != most:
            return True
        if self._doubt.least_minor < self._doubt.most_minor:
            return False
        shares = {self._ends(self._refunded_minor, r, is_once=one.is_once) for r, one in others}
        return shares != {most}

    def _ends(self, refunded_minor: int, rule: Rule, *, is_once: bool) -> _End | None:
        choice = rule.on_refund_one_off if is_once else rule.on_refund_subscription
        if choice == "keep":
            return None
        percent = rule.partial_refund_percent
        return choice if counts_as_refunded(refunded_minor, self._paid_minor, percent) else None


def _is_all_one(lines: Iterable[tuple[Rule, SoldPrice]]) -> bool:
    return len({_terms(rule, line) for rule, line in lines}) <= 1


def _terms(rule: Rule, line: SoldPrice) -> tuple[object, ...]:
    """A line's groups and conditions; terms of one product follow each other."""
    choice = rule.on_refund_one_off if line.is_once else rule.on_refund_subscription
    ends = choice, rule.partial_refund_percent, rule.term
    product_id = line.product_id if rule.term else ""
    return line.is_once, frozenset(rule.group_ids), rule.ladder, rule.rank, *ends, product_id


def _is_any_halted(rules: Rules, lines: Iterable[SoldPrice]) -> bool:
    return any(rules.halted_rule_for(line.price_id, line.product_id) for line in lines)
