"""Refunds by moderators: the refundable rest of a payment, and which requests are valid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase, Subscription
from bridge.errors import Permanent
from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class RefundableLine:
    """A line of an invoice that a refund can name, and what of it is left."""

    id: str
    what: str
    amount_minor: int
    left_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refundable:
    """A payment as Stripe has it now. `lines`: where it paid several that a refund can name."""

    payment_id: str
    charge_id: str
    customer_id: str | None
    invoice_id: str | None
    currency: str
    paid_minor: int
    refunded_minor: int
    is_disputed: bool
    lines: tuple[RefundableLine, ...] = ()

    @property
    def left_minor(self) -> int:
        """The amount that can still be refunded."""
        return max(0, self.paid_minor - self.refunded_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A refund to be made: of a payment, or of one of its lines."""

    charge_id: str
    invoice_id: str | None
    line_id: str | None
    amount_minor: int


def ask(payment: Refundable, amount_minor: int | None, line_id: str | None) -> Asked:
    """The refund of an amount, or of everything left. Raises: Permanent if it is impossible.

    `line_id`: of this line only.
    """
    if payment.is_disputed:
        raise Permanent(
            gettext(
                "%(payment_id)s is disputed: the bank decides who gets the money, so it cannot "
                "be refunded"
            )
            % {"payment_id": payment.payment_id}
        )
    line = next((one for one in payment.lines if one.id == line_id), None)
    if line_id is not None and line is None:
        raise Permanent(
            gettext("%(payment_id)s has no line %(line_id)s that can be refunded")
            % {"payment_id": payment.payment_id, "line_id": line_id[:60]}
        )
    left = min(line.left_minor, payment.left_minor) if line else payment.left_minor
    of = line.what if line else payment.payment_id
    if left == 0:
        raise Permanent(gettext("%(of)s was refunded already: nothing is left") % {"of": of})
    amount = left if amount_minor is None else amount_minor
    if amount <= 0:
        raise Permanent(
            gettext("the amount must be more than zero: give what the member gets back")
        )
    if amount > left:
        raise Permanent(
            gettext("%(amount)s is more than what is left of %(of)s: %(left)s")
            % {
                "amount": format_minor(amount, payment.currency),
                "left": format_minor(left, payment.currency),
                "of": of,
            }
        )
    return Asked(
        charge_id=payment.charge_id,
        invoice_id=payment.invoice_id,
        line_id=line_id,
        amount_minor=amount,
    )


def as_read(
    known: Facts, subscriptions: Iterable[Subscription], purchases: Iterable[Purchase] = ()
) -> Facts:
    """Somebody's facts with these readings; things of others are left out."""
    running = {one.id: one for one in subscriptions}
    bought = {one.id: one for one in purchases}

    def subscription(one: Subscription) -> Subscription:
        return replace(running.get(one.id, one), beneficiary_id=one.beneficiary_id)

    def purchase(one: Purchase) -> Purchase:
        new = bought.get(one.id, one)
        return replace(new, beneficiary_id=one.beneficiary_id, begins_at=one.begins_at)

    return replace(
        known,
        subscriptions=tuple(map(subscription, known.subscriptions)),
        purchases=tuple(map(purchase, known.purchases)),
        given=tuple(map(subscription, known.given)),
        given_purchases=tuple(map(purchase, known.given_purchases)),
        seats=tuple(
            replace(seat, subscription=subscription(seat.subscription)) for seat in known.seats
        ),
    )
