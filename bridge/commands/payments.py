"""Payments outside Stripe, as moderators record and correct them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import click
from rich.markup import escape

from bridge.commands.common import day, ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, look_now, previewed
from bridge.commands.membership import lasting, until
from bridge.core.ledger.amounts import format_minor, to_minor
from bridge.core.rules.values import Term
from bridge.operations import payments
from bridge.operations.finding import find_user_id
from bridge.operations.payments import Bought, Method, Payment, Recorded, Twice
from bridge.store import work
from bridge.wiring import Bridge

METHODS: tuple[Method, ...] = ("cash", "cheque", "bank", "other")
NOON = time(12, tzinfo=UTC)


@click.command("record-payment")
@click.argument("user")
@click.option("--amount", required=True, help="For example 25.00; negative for a refund.")
@click.option("--currency", required=True, help="Three letters, for example eur.")
@click.option("--what", required=True, help="What it was for; the member reads it.")
@click.option("--method", type=click.Choice(METHODS), required=True)
@click.option("--group", help="The group it pays for; give its end, too.")
@until
@lasting
@click.option("--for-good", is_flag=True, help="The group lasts without an end.")
@click.option(
    "--date",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the payment; default: today.",
)
@click.option(
    "--again", is_flag=True, help="Record it even if the same payment was recorded today."
)
@by
@previewed
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
    for_good: bool,
    on: datetime | None,
    again: bool,
    by: str,
    how: How,
) -> None:
    """Record a payment by USER in cash, by cheque or by bank transfer, and the group it pays for.

    The member gets a receipt and sees the payment on the statement. A term (--for) begins when the
    one paid by hand before it ends. `bridge reverse-payment` corrects a mistake.
    """
    ends = [one for one in (until_at, term, for_good) if one]
    if len(ends) > 1 or (ends and not group):
        raise click.UsageError("Give --group and exactly one of --until, --for and --for-good.")
    minor = _minor(amount, currency)
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        paid = Payment(
            amount_minor=minor,
            currency=currency.lower(),
            what=what,
            method=method,
            at=_moment(bridge, on.date() if on else None),
        )
        bought = Bought(group, until_at or term) if group else None
        # This refuses what is impossible before it asks anything.
        effects = payments.preview_payment(bridge, user_id, paid, bought)
        if bought is not None and not ends and not how.preview:
            _ask_for_no_end(bought.group_name, as_json=how.as_json)
        if not how.goes_ahead(lambda: effects):
            return
        try:
            done = payments.record_payment(bridge, actor, user_id, paid, bought, again=again)
        except Twice as refusal:
            if how.as_json or not click.confirm(f"{refusal}\nRecord it again?"):
                raise
            done = payments.record_payment(bridge, actor, user_id, paid, bought, again=True)
        look_now(bridge, work.user_key(user_id))
    _show_recorded(done, as_json=how.as_json)


def _minor(amount: str, currency: str) -> int:
    try:
        return to_minor(amount, currency)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _ask_for_no_end(group: str, *, as_json: bool) -> None:
    if as_json:
        raise click.UsageError(f"Say how long {group} lasts: --until, --for or --for-good.")
    click.confirm(
        f"There is no --until and no --for. Does {group} last for good (--for-good)?", abort=True
    )


def _show_recorded(done: Recorded, *, as_json: bool) -> None:
    end = done.grant.until_at if done.grant else None
    words = (
        f"{format_minor(done.line.amount_minor, done.line.currency)} of "
        f"{escape(done.user.username)} is recorded ({done.line.id})."
    )
    if done.group is not None:
        words += f" {escape(done.group.name)} {'until ' + day(end) if end else 'for good'}."
    show(
        {
            "line": done.line.id,
            "user_id": done.user.id,
            "amount_minor": done.line.amount_minor,
            "currency": done.line.currency,
            "grant": done.grant.id if done.grant else None,
            "until": end,
        },
        as_json=as_json,
        for_people=lambda console: console.print(words),
    )


@click.command("reverse-payment")
@click.argument("line")
@by
@previewed
def reverse_payment(line: str, *, by: str, how: How) -> None:
    """Correct a payment recorded by mistake (LINE is hand:…), and end what it paid for.

    Nothing is edited: a new line names the line it corrects, and the member sees both.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        if not how.goes_ahead(lambda: payments.preview_reversal(bridge, line)):
            return
        done = payments.reverse_payment(bridge, actor, line)
        user_id = done.grant.user_id if done.grant else done.line.user_id or 0
        look_now(bridge, work.user_key(user_id))
    amount = format_minor(done.corrects.amount_minor, done.corrects.currency)
    ended = f" Grant {done.grant.id} has ended." if done.grant else ""
    words = f"{amount} ({line}) is corrected by {done.line.id}.{ended}"
    show(
        {
            "line": done.line.id,
            "corrects": line,
            "amount_minor": done.line.amount_minor,
            "grant": done.grant.id if done.grant else None,
            "is_new": done.is_new,
        },
        as_json=how.as_json,
        for_people=lambda console: console.print(
            words if done.is_new else f"{line} was already corrected. Nothing changed."
        ),
    )


def _moment(bridge: Bridge, on: date | None) -> datetime:
    """The moment of a payment whose day is all we know."""
    now = bridge.clock.now()
    return now if on is None or on == now.date() else datetime.combine(on, NOON)
