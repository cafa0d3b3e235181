"""Bank transfers: read the bank's files, and decide about transfers that match nobody."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import as_json, ready_bridge, show
from bridge.commands.deciding import actor_of, by, by_or_operator, why
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.bank_file import BankRow
from bridge.core.ledger.references import reference_of
from bridge.operations import bank as operations
from bridge.operations.finding import find_known_id, find_user_id
from bridge.store import bank as store


@click.group(invoke_without_command=True)
@click.pass_context
@as_json
def bank(context: click.Context, *, as_json: bool) -> None:
    """Match bank transfers to members; without a command, list the transfers left to decide."""
    if context.invoked_subcommand is not None:
        return
    with ready_bridge() as bridge, bridge.store.read() as connection:
        found = store.waiting(connection)
    show(
        found,
        as_json=as_json,
        for_people=lambda out: _print_rows(out, found),
    )


@bank.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--apply", is_flag=True, help="Record the payments; without it, only show them.")
@by
@as_json
def import_(file: Path, *, apply: bool, by: str, as_json: bool) -> None:
    """Read a file from the bank: camt.053, or CSV with the columns set in [bank].

    A transfer that carries a member's reference is recorded for that member. All others wait until
    somebody assigns or ignores them.
    """
    with ready_bridge() as bridge:
        data = file.read_bytes()
        if apply:
            found = operations.import_file(bridge, actor_of(bridge, by), data)
        else:
            found = operations.preview_import(bridge, data)
    counts = Counter(one.state for one in found)
    show(
        {"applied": apply, "transfers": found},
        as_json=as_json,
        for_people=lambda out: _print_import(out, found, counts, applied=apply),
    )


@bank.command()
@click.argument("row")
@click.argument("user")
@why
@by
def assign(row: str, user: str, *, by: str, reason: str) -> None:
    """Record the transfer ROW as a payment by USER."""
    with ready_bridge() as bridge:
        user_id = find_user_id(bridge, user)
        line = operations.assign(bridge, actor_of(bridge, by), row, user_id, reason=reason)
    click.echo(f"Recorded as {line}. `bridge reverse-payment {line}` takes it back.")


@bank.command()
@click.argument("row")
@click.option("--reason", required=True, help="Why it is not a member's payment.")
@by_or_operator
def ignore(row: str, *, reason: str, by: str | None) -> None:
    """Take the transfer ROW off the list: it is not a member's payment."""
    with ready_bridge() as bridge:
        operations.ignore(bridge, actor_of(bridge, by), row, reason=reason)
    click.echo("Ignored.")


@bank.command()
@click.argument("user")
def reference(user: str) -> None:
    """Print the reference for USER to write on a bank transfer."""
    with ready_bridge() as bridge:
        click.echo(reference_of(find_known_id(bridge, user)))


def _print_import(
    out: Console,
    found: tuple[operations.Transfer, ...],
    counts: Counter[operations.State],
    *,
    applied: bool,
) -> None:
    table = Table("", "Day", "Amount", "Whose", "Text")
    for one in found:
        if one.state != "known":
            whose = f"{one.username or ''} id:{one.user_id}" if one.user_id else ""
            amount = format_minor(one.row.amount_minor, one.row.currency)
            text = escape(f"{one.row.payer} {one.row.text}".strip())
            table.add_row(one.state, f"{one.row.at:%Y-%m-%d}", amount, escape(whose), text)
    out.print(table)
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    out.print(
        f"{told or 'No transfers'}.{'' if applied else ' Nothing was recorded: add --apply.'}"
    )


def _print_rows(out: Console, found: list[BankRow]) -> None:
    table = Table("Transfer", "Day", "Amount", "Payer", "Text")
    for row in found:
        amount = format_minor(row.amount_minor, row.currency)
        day = f"{row.at:%Y-%m-%d}"
        table.add_row(row.id, day, amount, escape(row.payer), escape(row.text))
    out.print(table)
