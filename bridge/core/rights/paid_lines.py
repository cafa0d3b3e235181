"""Compares every paid line that has a rule with the memberships (A108).

The lines come from the ledger, which reads all invoices, orders and charges. Rights come
from other readings, so a payment that those have missed shows here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.objects import Charge, Invoice, MoneyObject, Order
from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant
from bridge.core.rights.terms import follow
from bridge.core.rules.compiled import Rule, Rules


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A line of an invoice or order that was paid.

    `id`: also the id of its purchase. If the order has an invoice, the purchase may have the id of
    the order's line, and has the same payment. `until_at`: the end of the time that a recurring
    line pays for; a one-off line has none.
    """

    id: str
    customer_id: str | None
    price_id: str
    product_id: str
    amount_minor: int
    currency: str
    paid_at: datetime
    subscription_id: str | None = None
    until_at: datetime | None = None
    payment_ids: frozenset[str] = frozenset()

    @property
    def document_id(self) -> str:
        """The invoice or Checkout Session."""
        return self.id.partition(":")[0]

    @property
    def source_id(self) -> str | None:
        """The purchase or subscription that it pays for; None if it names none."""
        return self.id if self.until_at is None else self.subscription_id


TOLD_ELSEWHERE = {
    Reason.GRACE_OVER: "the member was told of the failed payment",
    Reason.UNPAID: "the member was told of the failed payment",
    Reason.INCOMPLETE: "nothing was paid for it yet",
    Reason.INCOMPLETE_EXPIRED: "nothing was paid for it",
    Reason.TRIAL_WAITS: "nothing was paid for it yet",
    Reason.CANCELED: "somebody ended it; a payment after its end has a finding of its own",
    Reason.PAUSED: "the member or the seller paused it",
    Reason.COLLECTION_PAUSED_ENDED: "the seller paused its payments",
    Reason.INSTALMENTS_OVER: "its time is over",
    Reason.TERM_OVER: "its time is over",
    Reason.CUSTOMER_DELETED: "the seller deleted the customer",
    Reason.NO_SEATS: "the buyer gave up all seats after paying",
    Reason.REFUNDED: "the money was given back",
    Reason.DISPUTED: "an alert tells of the dispute",
    Reason.DISPUTE_LOST: "the bank took the money back",
    Reason.RULE_HALTED: "an alert tells of the rule",
    Reason.PRESENT_WAITS: "the giver chose a later beginning",
    Reason.CONTINUES_LATER: "it begins when what was bought before ends",
    Reason.GIVEN: "the receiver has it",
    Reason.APPROVAL_WAITS: "it waits in the list of applications",
    Reason.APPROVAL_DECLINED: "a moderator declined it, and is offered the refund",
}
"""Reasons for which a paid line may give nothing without an alert here."""


def paid_lines(objects: Iterable[MoneyObject]) -> Iterator[PaidLine]:
    """The lines of invoices and orders that were paid; an order's payment is among the objects."""
    things = list(objects)
    charges = {one.payment_id: one for one in things if isinstance(one, Charge)}
    for one in things:
        if isinstance(one, Invoice) and one.status == "paid" and one.paid_at is not None:
            payment_ids = frozenset(paid.payment_id for paid in one.payments)
            yield from _lines_of(one, one.paid_at, payment_ids, one.subscription_id)
        elif isinstance(one, Order) and one.payment_id in charges:
            yield from _lines_of(one, charges[one.payment_id].at, frozenset([one.payment_id]))


def _lines_of(
    one: Invoice | Order,
    paid_at: datetime,
    payment_ids: frozenset[str],
    subscription_id: str | None = None,
) -> Iterator[PaidLine]:
    for line in one.lines:
        if line.total_minor > 0:
            yield PaidLine(
                id=f"{one.id}:{line.id}",
                customer_id=one.customer_id,
                price_id=line.price_id or "",
                product_id=line.product_id or "",
                amount_minor=line.total_minor,
                currency=one.currency,
                paid_at=paid_at,
                subscription_id=subscription_id,
                until_at=line.until_at,
                payment_ids=payment_ids,
            )


def led_to(line: PaidLine, rules: Rules) -> frozenset[int]:
    """The groups that the line leads to, by the rules in force."""
    found = [rules.rule_for(line.price_id, line.product_id)]
    found += [
        rule
        for feature in rules.features_of(line.product_id)
        if isinstance(rule := rules.by_feature[feature], Rule)
    ]
    return frozenset(id_ for rule in found if rule for id_ in rule.group_ids)


def is_over(line: PaidLine, rules: Rules, now: datetime) -> bool:
    """Whether the time that was paid for has passed, so far as the line alone says."""
    if line.until_at is not None:
        return line.until_at <= now
    rule = rules.rule_for(line.price_id, line.product_id)
    if rule is None or rule.term is None:
        return False
    return follow(None, rule.term, line.paid_at).end_at <= now


def why_nothing(line: PaidLine, source_id: str, said: Sequence[Grant]) -> Reason | None:
    """Why the line gives nothing, if nothing else reports it.

    `source_id`: the purchase or subscription that it is a payment for; `said`: all that its user
    has. None, too, where a subscription goes on without the line: it was changed, and not by us.
    """
    mine = [
        one
        for one in said
        if one.source_id in (source_id, f"{source_id}:{one.feature}")
        and one.product_id == line.product_id
    ]
    reasons = [Reason(one.reason) for one in mine if not one.holds]
    if not mine or len(reasons) < len(mine) or TOLD_ELSEWHERE.keys() & reasons:
        return None
    return reasons[0]
