"""Import a register of members from before the bridge."""

from __future__ import annotations

import sys
from typing import TextIO

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import as_json, counting, ready_bridge, show
from bridge.commands.deciding import actor_of, by
from bridge.commands.exits import FAILED
from bridge.core.memberships.register_file import Outcome, read_rows
from bridge.core.telling.document import document
from bridge.operations.importing import import_rows, preview_import

TAKEN = ("new", "known", "matched", "over")


@click.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option(
    "--apply", "really", is_flag=True, help="Import; without it, only show what would happen."
)
@by
@as_json
def import_(file: TextIO, *, really: bool, by: str, as_json: bool) -> None:
    """Import memberships from FILE, a CSV with the columns user, group, until, reason.

    A member with a running subscription that leads to the group is matched with it and gets no
    grant; if there are several, the column subscription names one. Memberships that have ended are
    skipped, end dates are kept, and importing the same file again changes nothing.

    Exit codes: 0 everything was understood, 1 some lines need a decision.
    """
    with ready_bridge() as bridge, counting() as count:
        actor, rows = actor_of(bridge, by), read_rows(file)

        def progress(number: int) -> None:
            count("lines", number)

        if really:
            found = import_rows(bridge, actor, rows, progress=progress)
        else:
            found = preview_import(bridge, rows, progress=progress)
    show(
        {
            "applied": really,
            "lines": [
                document(one.row)
                | {"fate": one.fate, "says": one.says}
                | {"matched": one.matched.id if one.matched else None}
                for one in found
            ],
        },
        as_json=as_json,
        for_people=lambda console: _print(console, found, really=really),
    )
    sys.exit(FAILED if any(one.fate not in TAKEN for one in found) else 0)


def _print(console: Console, found: list[Outcome], *, really: bool) -> None:
    for fate in dict.fromkeys(one.fate for one in found):
        console.print(f"{sum(one.fate == fate for one in found)} {fate}")
    shown = [one for one in found if (one.says and one.fate != "over") or one.matched]
    if shown:
        table = Table("Line", "User", "Group", "", "", box=None, pad_edge=False)
        for one in shown:
            row, says = one.row, one.says
            if one.matched:
                says = f"{one.matched.id}: {says or 'agrees with Stripe'}"
            words = (row.user, row.group, one.fate, says)
            table.add_row(str(row.line), *(escape(word) for word in words))
        console.print(table)
    if not really:
        console.print("Nothing was changed. Add --apply to import what is new.")
