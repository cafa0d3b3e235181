"""A member's shares and donations, to thank them for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.core.ledger.lines import MoneyLine, SharesByHand
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase
from bridge.core.rights.bought import refund_counts
from bridge.core.rules.compiled import Rule, Rules
from bridge.texts import ngettext

_KINDS = ("share", "supporter_share")


@dataclass(frozen=True, slots=True)
class Shares:
    """How many shares of a kind somebody holds."""

    count: int
    kind: str

    def __str__(self) -> str:
        """`1 supporter share`, `3 shares`."""
        if self.kind == "share":
            words = ngettext("%(count)s share", "%(count)s shares", self.count)
        else:
            words = ngettext("%(count)s supporter share", "%(count)s supporter shares", self.count)
        return words % {"count": self.count}


@dataclass(frozen=True, slots=True)
class Donated:
    """Donations in a currency for a fund, or for none, less refunds."""

    amount_minor: int
    currency: str
    fund: str | None = None


@dataclass(frozen=True, slots=True)
class Contributions:
    """Shares held, and donations by currency and fund."""

    shares: tuple[Shares, ...] = ()
    donated: tuple[Donated, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is something to thank for."""
        return bool(self.shares or self.donated)


_Sums = dict[tuple[str, str], int]
"""Currency and fund -> amount."""


def contributions(
    facts: Facts,
    money: Iterable[MoneyLine],
    rules: Rules,
    funds: Mapping[str, Sequence[str]],
    withheld: Collection[str] = (),
    by_hand: Iterable[SharesByHand] = (),
) -> Contributions:
    """Add up valid shares and donations: bought once, by subscription, or recorded by hand.

    `funds`: line id -> the funds that the line is for. `withheld`: purchases that no moderator has
    approved: nobody holds such a share yet. `by_hand`: what moderators' acts on shares changed.

    A share given to another is theirs; a donation is the giver's.
    """
    held = _held(facts, rules, withheld, by_hand)
    donated: _Sums = {}
    own = (one for one in facts.purchases if one.beneficiary_id is None)
    for purchase, rule in _of_known_kind((*own, *facts.given_purchases), rules):
        if rule.kind == "donation":
            _add(donated, purchase.currency, rule.fund, left_of(purchase))
    for line in money:
        _by_hand(line, held, donated)
        if _is_donation_that_renews(line, rules):
            fund = next(iter(funds.get(line.id, ())), None)
            _add(donated, line.currency, fund, line.amount_minor)
    return Contributions(
        tuple(Shares(count, kind) for kind, count in held.items() if count > 0),
        tuple(
            Donated(amount, currency, fund or None)
            for (currency, fund), amount in sorted(donated.items())
            if amount > 0
        ),
    )


def _held(
    facts: Facts, rules: Rules, withheld: Collection[str], by_hand: Iterable[SharesByHand]
) -> dict[str, int]:
    """Shares by kind: sale by sale what counts of it, with what acts changed, and all else issued.

    A sale that does not count has nothing left that an act could take.
    """
    of_sale: dict[tuple[str, str], int] = {}
    for purchase, rule in _of_known_kind(facts.purchases, rules):
        if rule.kind in _KINDS:
            key = rule.kind, purchase.payment_id or purchase.id.partition(":")[0]
            is_back = purchase.disputed == "lost" or refund_counts(purchase, rule)
            counts = 0 if is_back or purchase.id in withheld else purchase.quantity
            of_sale[key] = of_sale.get(key, 0) + counts
    held = dict.fromkeys(_KINDS, 0)
    for one in by_hand:
        kind = one.share_class.replace(" ", "_")
        sales = ((kind, id_) for id_ in (one.payment_id, one.source_id) if id_)
        sale = next((key for key in sales if key in of_sale), None)
        if sale is not None:
            of_sale[sale] += one.count
        else:
            held[kind] += one.count
    for (kind, _), count in of_sale.items():
        held[kind] += max(0, count)
    return held


def _by_hand(line: MoneyLine, held: dict[str, int], donated: _Sums) -> None:
    for part in line.parts:
        if part.kind == "donation":
            _add(donated, line.currency, part.fund, part.amount_minor)
        elif part.kind in held:
            held[part.kind] += part.count if part.amount_minor > 0 else -part.count


def _is_donation_that_renews(line: MoneyLine, rules: Rules) -> bool:
    """Whether a line is a one-off purchase."""
    if not (line.subscription_id and line.product_id) or line.kind == "credited":
        return False
    rule = rules.rule_for("", line.product_id)
    return rule is not None and rule.kind == "donation"


def _of_known_kind(purchases: Iterable[Purchase], rules: Rules) -> Iterator[tuple[Purchase, Rule]]:
    for purchase in purchases:
        if rule := rules.rule_for(purchase.price_id, purchase.product_id):
            yield purchase, rule


def _add(sums: _Sums, currency: str, fund: str | None, amount_minor: int) -> None:
    key = currency, fund or ""
    sums[key] = sums.get(key, 0) + amount_minor


def left_of(purchase: Purchase) -> int:
    """The amount less its share of the payment's refunds."""
    if purchase.disputed in {"open", "lost"}:
        return 0
    paid_minor = purchase.payment_minor or purchase.amount_minor
    if not paid_minor:
        return 0
    return purchase.amount_minor - purchase.amount_minor * purchase.refunded_minor // paid_minor
