"""What a member gave or holds that is no membership: shares and donations, to be thanked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase
from bridge.core.rights.bought import refund_counts
from bridge.core.rules.compiled import Rule, Rules

_SHARES = {"share": "share", "supporter_share": "supporter share"}


@dataclass(frozen=True, slots=True)
class Shares:
    """How many shares of a class somebody holds."""

    count: int
    of_class: str

    def __str__(self) -> str:
        """`1 supporter share`, `3 shares`."""
        return f"{self.count} {self.of_class}{'' if self.count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Contributions:
    """Shares held, and what was donated in each currency, less refunds."""

    shares: tuple[Shares, ...] = ()
    donated_minor: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """There is something to thank for."""
        return bool(self.shares or self.donated_minor)


def contributions(facts: Facts, money: Iterable[MoneyLine], rules: Rules) -> Contributions:
    """Add up shares that stand, and donations: bought once or by subscription.

    A share given to another is theirs; a donation is the giver's.
    """
    held = dict.fromkeys(_SHARES, 0)
    donated: dict[str, int] = {}
    for purchase, rule in _of_known_kind(facts.purchases, rules):
        if rule.kind in held and purchase.disputed != "lost" and not refund_counts(purchase, rule):
            held[rule.kind] += purchase.quantity
    own = (one for one in facts.purchases if one.beneficiary_id is None)
    for purchase, rule in _of_known_kind((*own, *facts.given_purchases), rules):
        if rule.kind == "donation":
            _add(donated, purchase.currency, left_of(purchase))
    for line in money:
        # What was bought once is among the purchases; this is what renews.
        if line.subscription_id and line.product_id and line.kind != "credited":
            renewed = rules.rule_for("", line.product_id)
            if renewed and renewed.kind == "donation":
                _add(donated, line.currency, line.amount_minor)
    return Contributions(
        tuple(Shares(count, _SHARES[kind]) for kind, count in held.items() if count),
        {currency: amount for currency, amount in sorted(donated.items()) if amount > 0},
    )


def _of_known_kind(purchases: Iterable[Purchase], rules: Rules) -> Iterator[tuple[Purchase, Rule]]:
    for purchase in purchases:
        if rule := rules.rule_for(purchase.price_id, purchase.product_id):
            yield purchase, rule


def _add(sums: dict[str, int], currency: str, amount_minor: int) -> None:
    sums[currency] = sums.get(currency, 0) + amount_minor


def left_of(purchase: Purchase) -> int:
    """The amount without its part of what was refunded of the payment."""
    if purchase.disputed in {"open", "lost"}:
        return 0
    paid_minor = purchase.payment_minor or purchase.amount_minor
    if not paid_minor:
        return 0
    return purchase.amount_minor - purchase.amount_minor * purchase.refunded_minor // paid_minor
