"""Refunds by moderators, of a payment, a part of it, or one of its lines."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bridge.core.ledger.lines import MoneyLine
from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.core.rights.refunding import Asked, Refundable
from bridge.core.rights.refunding import ask as checked
from bridge.errors import NotFound, Permanent
from bridge.operations import errands
from bridge.operations.errands import Outcome
from bridge.operations.preview import effects_of_reading
from bridge.store import links, money
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Found:
    """A member's payment, as a money line and as Stripe has it.

    `number`: how many of its refunds had ended when Stripe was read.
    """

    user_id: int
    line: MoneyLine
    payment: Refundable
    number: int


def find_payment(bridge: Bridge, payment_id: str, user_id: int | None = None) -> Found:
    """A payment by the id of its line.

    `user_id`: only if it is theirs. Raises: Permanent if refunds are off, the key may not refund,
    or this payment cannot be refunded; NotFound if it is not a payment of theirs.
    """
    if not bridge.policy.refunds:
        raise Permanent(
            gettext("refunds are off: set `refunds = true` under [console] in bridge.toml")
        )
    with bridge.store.read() as connection:
        line = money.line(connection, payment_id)
        owner = links.user_of(connection, line.customer_id) if line and line.customer_id else None
    if line is None or line.kind != "paid" or owner is None or owner != (user_id or owner):
        raise NotFound(
            gettext("%(payment_id)s is not a payment of this member at Stripe")
            % {"payment_id": payment_id[:60]}
        )
    number = errands.turn(bridge, payment_id)
    if not bridge.stripe.may_refund():
        raise Permanent(
            gettext(
                "the key at Stripe may not refund: give it the right “Charges and Refunds: write”"
            )
        )
    return Found(owner, line, bridge.stripe.refundable(payment_id), number)


def to_refund(found: Found, amount_minor: int | None, line_id: str | None) -> Asked:
    """The refund of an amount, or of everything left. Raises: Permanent if it is impossible."""
    return checked(found.payment, amount_minor, line_id)


def preview_refund(
    bridge: Bridge, found: Found, amount_minor: int | None, line_id: str | None
) -> tuple[Effect, ...]:
    """What a refund would change, for the payer and for those who have what they paid for."""
    asked = to_refund(found, amount_minor, line_id)
    customer_id, now = found.line.customer_id or "", bridge.clock.now()
    subscriptions, purchases = bridge.stripe.after_refund(customer_id, asked, now)
    return effects_of_reading(bridge, found.user_id, customer_id, subscriptions, purchases)


def refund(
    bridge: Bridge,
    actor: Actor,
    found: Found,
    amount_minor: int | None,
    line_id: str | None,
    *,
    reason: str,
) -> Outcome:
    """Refund a payment; the policy decides what ends with it, once Stripe shows the refund.

    A repeated request refunds once. Raises: Permanent if it is impossible, or somebody has refunded
    since it was reviewed.
    """
    words = checked_words(gettext("reason"), reason)
    asked = to_refund(found, amount_minor, line_id)
    before = found.payment.refunded_minor
    return errands.ask(
        bridge,
        Errand(
            subject=found.payment.payment_id,
            number=found.number,
            kind="refunded",
            params={
                "refund": asdict(asked),
                "currency": found.payment.currency,
                "before": {"refunded_minor": before},
                "after": {"refunded_minor": before + asked.amount_minor},
            },
            user_id=found.user_id,
            customer_id=found.line.customer_id or "",
            actor=str(actor),
            reason=words,
            asked_at=bridge.clock.now(),
        ),
    )
