"""Payments outside Stripe, as moderators record and correct them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial

import click
from rich.markup import escape

from bridge.commands.common import ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, look_now, previewed, why
from bridge.commands.membership import LastDay, lasting, until
from bridge.commands.words import day
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.by_hand import HandLine
from bridge.core.ledger.products import ACCOUNTS
from bridge.core.ledger.typed_amounts import typed_to_minor
from bridge.core.rights.paid_by_hand import Bought, Method, Payment, Twice
from bridge.core.rules.values import Term
from bridge.operations import payments
from bridge.operations.finding import find_user_id
from bridge.operations.payments import Recorded
from bridge.store import work
from bridge.wiring import Bridge

METHODS: tuple[Method, ...] = ("cash", "cheque", "bank", "other")
NOON = time(12, tzinfo=UTC)


@click.command("record-payment")
@click.argument("user")
@click.option("--amount", help="For example 25.00; negative for a refund.")
@click.option("--currency", required=True, help="Three letters, for example eur.")
@click.option("--what", help="What it was for; the member reads it.")
@click.option("--method", type=click.Choice(METHODS), required=True)
@click.option(
    "--line",
    "lines",
    multiple=True,
    help='One of several parts, or what the books need to know of one: "25.00; For the roof; '
    'kind=donation; fund=Roof; tax=19; country=DE; count=2". Instead of --amount and --what.',
)
@click.option("--note", default="", help="Where the paper is, for example a cheque's number.")
@click.option("--group", help="The group it pays for; give its end, too.")
@until
@lasting
@click.option("--for-good", is_flag=True, help="The group lasts without an end.")
@click.option(
    "--date",
    "on",
    type=LastDay(),
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
    amount: str | None,
    currency: str,
    what: str | None,
    method: Method,
    lines: tuple[str, ...],
    note: str,
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
    bought = _bought(group, until_at, term, for_good=for_good)
    parts = tuple(_hand_line(line, currency) for line in lines)
    minor, words = _whole(amount, what, parts, currency)
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        paid = Payment(
            amount_minor=minor,
            currency=currency.lower(),
            what=words,
            lines=parts,
            note=note,
            method=method,
            at=_moment(bridge, on.date() if on else None),
        )
        # This refuses what is impossible before it asks anything.
        effects = payments.preview_payment(bridge, user_id, paid, bought)
        if bought and bought.end is None and not (for_good or how.preview):
            _ask_for_no_end(bought.group_name, as_json=how.as_json)
        if not how.goes_ahead(lambda: effects):
            return
        record = partial(payments.record_payment, bridge, actor, user_id, paid, bought)
        done = _record(record, again=again, may_ask=not how.as_json)
        look_now(bridge, work.user_key(user_id))
    _show_recorded(done, as_json=how.as_json)


def _bought(
    group: str | None, until_at: datetime | None, term: Term | None, *, for_good: bool
) -> Bought | None:
    """The group that the payment pays for, with its end."""
    ends = [one for one in (until_at, term, for_good) if one]
    if len(ends) > 1 or (ends and not group):
        raise click.UsageError("Give --group and exactly one of --until, --for and --for-good.")
    return Bought(group, until_at or term) if group else None


def _record(record: Callable[..., Recorded], *, again: bool, may_ask: bool) -> Recorded:
    """Record a payment; one that was recorded today already only after asking."""
    try:
        return record(again=again)
    except Twice as refusal:
        if not may_ask or not click.confirm(f"{refusal}\nRecord it again?"):
            raise
        return record(again=True)


def _whole(
    amount: str | None, what: str | None, parts: tuple[HandLine, ...], currency: str
) -> tuple[int, str]:
    """The payment's amount and words: as they were given, else those of its lines."""
    if not parts and (amount is None or what is None):
        raise click.UsageError("Give --amount and --what, or a --line for each part.")
    minor = sum(one.amount_minor for one in parts) if amount is None else _minor(amount, currency)
    return minor, what or ", ".join(one.what for one in parts)


def _hand_line(said: str, currency: str) -> HandLine:
    """Read `25.00; For the roof; kind=donation; fund=Roof`."""
    amount, *rest = (part.strip() for part in said.split(";"))
    if not rest:
        raise click.UsageError(f"--line {said!r} does not say what it was for: 25.00; For the roof")
    what, *options = rest
    known = dict(option.partition("=")[::2] for option in options)
    if unknown := known.keys() - {"kind", "fund", "count", "tax", "country"}:
        raise click.UsageError(f"--line does not know {', '.join(sorted(unknown))}")
    kind = next((one for one in ACCOUNTS if one == known.get("kind", "other")), None)
    if kind is None:
        raise click.UsageError(f"kind={known['kind']} is none of {', '.join(ACCOUNTS)}")
    try:
        tax = Decimal(known["tax"].removesuffix("%").strip()) if "tax" in known else None
        count = int(known.get("count", "1"))
    except (ArithmeticError, ValueError) as error:
        raise click.UsageError(f"--line {said!r}: tax and count are numbers") from error
    return HandLine(
        amount_minor=_minor(amount, currency),
        what=what,
        kind=kind,
        fund=known.get("fund"),
        count=count,
        tax_rate=tax,
        tax_country=known["country"].upper() if "country" in known else None,
    )


def _minor(amount: str, currency: str) -> int:
    try:
        return typed_to_minor(amount, currency)
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
    if done.line.receipt_number:
        words += f" Receipt {done.line.receipt_number}."
    if done.group is not None:
        words += f" {escape(done.group.name)} {'until ' + day(end) if end else 'for good'}."
    show(
        {
            "line": done.line.id,
            "receipt": done.line.receipt_number,
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
@why
@by
@previewed
def reverse_payment(line: str, *, by: str, reason: str | None, how: How) -> None:
    """Correct a payment recorded by mistake (LINE is hand:…), and end what it paid for.

    Nothing is edited: a new line names the line it corrects, and the member sees both.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        if not how.goes_ahead(lambda: payments.preview_reversal(bridge, line)):
            return
        done = payments.reverse_payment(bridge, actor, line, reason=reason)
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
