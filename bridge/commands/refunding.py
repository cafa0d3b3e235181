"""Refunds through Stripe."""

from __future__ import annotations

import click
from rich.markup import escape

from bridge.commands.common import ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, previewed
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.typed_amounts import typed_to_minor
from bridge.errors import Permanent
from bridge.operations import refunding

reason = click.option("--reason", required=True, help="Why; it is kept in the log.")
LATER = "Stripe does not answer. The bridge keeps trying, and the log says when it is done."


@click.command()
@click.argument("payment")
@click.option("--amount", metavar="AMOUNT", help="How much, such as 12.50; default: all of it.")
@click.option("--line", metavar="LINE", help="Only this line of an invoice (il_…).")
@reason
@by
@previewed
def refund(
    payment: str, *, amount: str | None, line: str | None, reason: str, by: str, how: How
) -> None:
    """Refund PAYMENT, an invoice (in_…) or a charge (ch_…), or a part of it.

    It needs `refunds = true` under [console], and a key at Stripe that may refund. The policy
    decides what ends with it: --preview shows that. A repeated refund is made once.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        found = refunding.find_payment(bridge, payment)
        minor = _minor(amount, found.payment.currency)
        asked = refunding.to_refund(found, minor, line)
        if not how.goes_ahead(lambda: refunding.preview_refund(bridge, found, minor, line)):
            return
        outcome = refunding.refund(bridge, actor, found, minor, line, reason=reason)
    money = format_minor(asked.amount_minor, found.payment.currency)
    show(
        {
            "payment": payment,
            "user_id": found.user_id,
            "amount_minor": asked.amount_minor,
            "currency": found.payment.currency,
            "outcome": outcome,
        },
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{escape(money)} of {escape(payment)} is on its way back."
            if outcome == "done"
            else LATER
        ),
    )


def _minor(amount: str | None, currency: str) -> int | None:
    if amount is None:
        return None
    try:
        return typed_to_minor(amount, currency)
    except ValueError as error:
        raise Permanent(str(error)) from error
