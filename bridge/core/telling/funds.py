"""The funds of each payment of a member, from the mapping and from moderators."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.rights import Facts
from bridge.core.rules.compiled import Rules


def funds_of_lines(
    money: Iterable[MoneyLine], facts: Facts, rules: Rules
) -> dict[str, tuple[str, ...]]:
    """Line id -> the funds that it contributed to; lines for no fund are left out (A57).

    A refund belongs to the funds of its payment. The product's fund counts only if the purchase is
    unknown, because a price may name another fund than its product.
    """
    bought = _of_what_was_bought(facts, rules)
    found: dict[str, tuple[str, ...]] = {}
    for line in money:
        names = {part.fund for part in line.parts if part.fund}
        about = {line.payment_id, line.invoice_id, line.subscription_id}
        known = [bought[one] for one in about if one in bought]
        if known:
            names.update(*known)
        elif line.product_id and (fund := fund_of(rules, "", line.product_id)):
            names.add(fund)
        if names:
            found[line.id] = tuple(sorted(names))
    return found


def fund_of(rules: Rules, price_id: str, product_id: str) -> str | None:
    """The fund that a price or its product names."""
    rule = rules.rule_for(price_id, product_id)
    return rule.fund if rule else None


def _of_what_was_bought(facts: Facts, rules: Rules) -> dict[str, set[str]]:
    """Payment, invoice or subscription -> funds. A purchase's id begins with its invoice's."""
    found: dict[str, set[str]] = {}
    for purchase in (*facts.purchases, *facts.given_purchases):
        fund = fund_of(rules, purchase.price_id, purchase.product_id)
        for key in filter(None, (purchase.payment_id, purchase.id.partition(":")[0])):
            found.setdefault(key, set()).update({fund} if fund else ())
    for subscription in (*facts.subscriptions, *facts.given):
        funds = (fund_of(rules, one.price_id, one.product_id) for one in subscription.items)
        found.setdefault(subscription.id, set()).update(filter(None, funds))
    return found
