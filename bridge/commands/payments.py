"""Payments outside of Stripe, as moderators record them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import click
from rich.markup import escape

from bridge.commands.common import as_json, day, ready_bridge, show
from bridge.commands.membership import by, lasting, until
from bridge.commands.people import look_now
from bridge.core.ledger.amounts import format_minor, to_minor
from bridge.core.rules.values import Term
from bridge.operations import payments, upkeep
from bridge.operations.payments import Method, Payment
from bridge.store import work
from bridge.wiring import Bridge

METHODS: tuple[Method, ...] = ("cash", "cheque", "bank", "other")
NOON = time(12, tzinfo=UTC)


@click.command("record-payment")
@click.argument("user")
@click.option("--amount", required=True, help="As 25.00; below zero for what was given back.")
@click.option("--currency", required=True, help="Three letters, as eur.")
@click.option("--what", required=True, help="What it was for; the member reads it.")
@click.option("--method", type=click.Choice(METHODS), required=True)
@click.option("--group", help="A group that it buys.")
@until
@lasting
@click.option("--date", "on", type=click.DateTime(["%Y-%m-%d"]), help="When; today if left out.")
@by
@as_json
def record_payment(  # noqa: PLR0913 - the options of a command
    *,
    user: str,
    amount: str,
    currency: str,
    what: str,
    method: Method,
    group: str | None,
    until_at: datetime | None,
    term: Term | None,
    on: datetime | None,
    actor: str,
    as_json: bool,
) -> None:
    """Record what USER paid in cash, by cheque or to the bank, and the group that it buys.

    The member gets a receipt and sees it on the statement. A term (--for) begins where what was
    paid by hand before ends.
    """
    if (until_at and term) or ((until_at or term) and not group):
        raise click.UsageError("Give one end or none, --until or --for, and the --group it is of.")
    try:
        minor = to_minor(amount, currency)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with ready_bridge() as bridge:
        user_id = upkeep.user_number(bridge, user)
        paid = Payment(
            amount_minor=minor,
            currency=currency.lower(),
            what=what,
            method=method,
            at=_moment(bridge, on.date() if on else None),
        )
        line, given = payments.record_payment(
            bridge, user_id, paid, group_name=group, end=until_at or term, actor=actor
        )
        look_now(bridge, work.user_key(user_id))
    end = given.until_at if given else None
    show(
        {
            "line": line.id,
            "user_id": user_id,
            "amount_minor": minor,
            "currency": line.currency,
            "grant": given.id if given else None,
            "until": end,
        },
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{format_minor(minor, currency)} of {escape(user)} is recorded ({line.id})."
            + (
                f" {escape(str(group))} {'until ' + day(end) if end else 'for good'}."
                if given
                else ""
            )
        ),
    )


def _moment(bridge: Bridge, on: date | None) -> datetime:
    """The moment of a payment of which only the day is known."""
    now = bridge.clock.now()
    return now if on is None or on == now.date() else datetime.combine(on, NOON)
