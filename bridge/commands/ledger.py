"""The ledger: update it, check it against Stripe, prove it, export it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import Moment, as_json, counting, ready_bridge, show
from bridge.commands.deciding import actor_of, by
from bridge.commands.exits import FAILED
from bridge.commands.words import day
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.line import Finding
from bridge.core.model.actor import operator
from bridge.operations import books, exporting, ledger_notes
from bridge.operations import ledger as operations
from bridge.operations.books import Money
from bridge.operations.finding import find_user_id
from bridge.operations.ledger import Progress

PIECES_SHOWN = 1000


@click.group()
def ledger() -> None:
    """Keep the books: every movement of money, once, in double entry."""


@ledger.command()
@as_json
def update(*, as_json: bool) -> None:
    """Read what moved money at Stripe and book it; continues where it was interrupted."""
    with ready_bridge(prepared=True) as bridge, counting() as count:
        made = operations.update(bridge, count)

    def for_people(out: Console) -> None:
        out.print(f"{made.read} objects read, {made.changed} new or changed, {made.lines} lines.")
        if made.corrected:
            out.print(f"{made.corrected} entries corrected, in new lines that name the old ones.")
        _print_findings(out, made.findings)

    show(made, as_json=as_json, for_people=for_people)


@ledger.command()
@as_json
def check(*, as_json: bool) -> None:
    """Compare the ledger with Stripe's balance and with each payout."""
    with ready_bridge() as bridge:
        found = operations.check(bridge)

    def for_people(out: Console) -> None:
        table = Table("Currency", "Booked", "At Stripe")
        for currency in sorted(found.booked.keys() | found.at_stripe.keys()):
            amounts = found.booked.get(currency, 0), found.at_stripe.get(currency, 0)
            table.add_row(currency.upper(), *(format_minor(one, currency) for one in amounts))
        out.print(table)
        out.print(f"{found.payouts} payouts; everything last read {day(found.read_at) or 'never'}.")
        _print_findings(out, found.findings)

    show(found, as_json=as_json, for_people=for_people)
    raise SystemExit(FAILED if found.findings else 0)


@ledger.command()
@click.option("--from", "code", metavar="CODE", help="A code that an earlier run printed.")
@as_json
def verify(*, code: str | None, as_json: bool) -> None:
    """Prove that every line ever booked is still there, unchanged."""
    with ready_bridge() as bridge, counting() as count:
        found = operations.verify(bridge, code, count)

    def for_people(out: Console) -> None:
        out.print(f"{found.lines} lines, code {found.code}.")
        _print_findings(out, found.broken)

    show(found, as_json=as_json, for_people=for_people)
    raise SystemExit(FAILED if found.broken else 0)


@ledger.command()
@click.argument("user")
@click.option("--before", help="Only lines older than this one.")
@as_json
def lines(*, user: str, before: str | None, as_json: bool) -> None:
    """Every line about USER with the notes on it, the newest first, in pages."""
    with ready_bridge() as bridge:
        found = books.money(bridge, find_user_id(bridge, user), before)
    show(found, as_json=as_json, for_people=lambda out: _print_money(out, found))


def _print_money(out: Console, found: Money) -> None:
    table = Table("Day", "Line", "Account", "What for", "Amount", "Notes")
    for entry in found.entries:
        for one in entry.lines:
            line = one.line
            told = (f"{line.at:%Y-%m-%d}", line.id, line.account, escape(line.what))
            notes = "; ".join(escape(f"{note.text} ({note.actor})") for note in one.notes)
            table.add_row(*told, format_minor(line.amount_minor, line.currency), notes)
    out.print(table if found.entries else "Nothing is booked about this member.")
    if found.before:
        out.print(f"Older lines: --before {found.before}")


@ledger.command()
@click.argument("user")
@click.argument("line")
@click.argument("text")
@by
@as_json
def note(*, user: str, line: str, text: str, by: str, as_json: bool) -> None:
    """Write TEXT beside a LINE about USER. Nothing is edited: write another note to correct one."""
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        done = ledger_notes.add_note(bridge, actor, user_id, line, text)
    words = f"The note was added to {line}."
    show(done, as_json=as_json, for_people=lambda out: out.print(escape(words)))


@ledger.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def rebuild(*, yes: bool, as_json: bool) -> None:
    """Drop the ledger, build it again from Stripe, and prove that it is the same.

    Payments recorded by hand are kept, and so are the seals that serve as proof.
    """
    if as_json and not yes:
        raise click.UsageError("With --json nothing is asked: add --yes to drop all lines.")
    if not yes:
        click.confirm("Drop all lines and read everything from Stripe again?", abort=True)
    with ready_bridge() as bridge, counting() as count:
        done = operations.rebuild(bridge, count)

    def for_people(out: Console) -> None:
        out.print(f"{done.made.lines} lines built again, code {done.verified.code}.")
        _print_findings(out, (*done.made.findings, *done.verified.broken))

    show(done, as_json=as_json, for_people=for_people)
    raise SystemExit(FAILED if done.verified.broken else 0)


@click.command()
@click.argument("what", type=click.Choice(list(exporting.FILES)))
@click.option("--from", "since", type=Moment(time.min), help="The first day.")
@click.option("--to", "until", type=Moment(time.max), help="The last day, included.")
@click.option("--currency", help="Only this currency, for example eur.")
@click.option("--reason", required=True, help="What it is for; kept in the log.")
@click.option("--json", "as_json", is_flag=True, help="A report as JSON lines instead of CSV.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write; without it, print."
)
def export(
    *,
    what: str,
    since: datetime | None,
    until: datetime | None,
    currency: str | None,
    reason: str,
    as_json: bool,
    out: Path | None,
) -> None:
    """Export the ledger or a report; docs/ledger.md describes each."""
    with ready_bridge() as bridge:
        actor = operator(getpass.getuser())
        asked = exporting.Asked(since, until, currency.lower() if currency else None, as_json)
        pieces = exporting.export(bridge, actor, what, asked, reason=reason)
        encoding = exporting.ENCODINGS.get(what, "utf-8")
        if out is None:
            for piece in pieces:
                click.echo(piece.encode(encoding), nl=False)
            return
        with counting() as count:
            _write(out, _counted(pieces, count), encoding)
    click.echo(f"Written to {out}.", err=True)


def _counted(pieces: Iterator[str], count: Progress) -> Iterator[str]:
    for number, piece in enumerate(pieces, 1):
        if number % PIECES_SHOWN == 0:
            count("rows written", number)
        yield piece


def _write(path: Path, pieces: Iterator[str], encoding: str) -> None:
    """Write the whole file or nothing, and let nobody else read it."""
    half = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(_private(half), "w", encoding=encoding, newline="") as file:
            file.writelines(pieces)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _print_findings(out: Console, findings: tuple[Finding, ...]) -> None:
    for one in findings:
        out.print(f"[red]{one.code}[/] {escape(', '.join(one.ids))}: {escape(one.says)}")
    if not findings:
        out.print("[green]No discrepancies.[/]")
