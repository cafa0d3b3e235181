"""Tokens for the API."""

from __future__ import annotations

from datetime import datetime, time

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import Moment, as_json, ready_bridge, show
from bridge.commands.deciding import actor_of, by_or_operator, why_if
from bridge.commands.words import day
from bridge.operations import tokens
from bridge.store import tokens as store


@click.command()
@click.option("--name", help="A name that says what it is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(list(tokens.SCOPES)))
@click.option("--until", "until_at", type=Moment(time.max), help="The last day it is valid.")
@click.option("--revoke", metavar="TOKEN", help="Revoke this token.")
@why_if(lambda params: params.get("revoke"))
@by_or_operator
@as_json
def token(
    *,
    name: str | None,
    scopes: tuple[str, ...],
    until_at: datetime | None,
    revoke: str | None,
    by: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Make an API token (--name, --scope, --until), or revoke one.

    Without options: list all tokens.
    """
    with ready_bridge() as bridge:
        if revoke is not None:
            tokens.revoke_token(bridge, actor_of(bridge, by), revoke, reason=reason or "")
            show({"revoked": revoke}, as_json=as_json, for_people=lambda out: out.print("Revoked."))
            return
        if name is None:
            with bridge.store.read() as connection:
                found = store.all_of_them(connection)
            show(
                found,
                as_json=as_json,
                for_people=lambda out: _print_tokens(out, found),
            )
            return
        if until_at is None:
            raise click.UsageError("Say how long it is valid: --until 2027-12-31.")
        made = tokens.make_token(bridge, actor_of(bridge, by), name, scopes, until_at)
    show(
        {"id": made.token.id, "secret": made.secret},
        as_json=as_json,
        for_people=lambda out: out.print(
            f"{made.token.id}: [bold]{made.secret}[/]\nIt is shown only once: keep it safe."
        ),
    )


def _print_tokens(out: Console, found: list[store.Token]) -> None:
    table = Table("Token", "Name", "Rights", "Until", "Last used", "")
    for one in found:
        state = "revoked" if one.revoked_at else ""
        rights = ", ".join(one.scopes)
        used = day(one.used_at)
        table.add_row(one.id, escape(one.name), rights, day(one.expires_at), used, state)
    out.print(table)
