"""Undoing a line of the log."""

from __future__ import annotations

import click

from bridge.commands.common import ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, previewed, why
from bridge.operations import undoing


@click.command()
@click.argument("change", type=click.IntRange(min=1))
@why
@by
@previewed
def undo(change: int, *, by: str, reason: str | None, how: How) -> None:
    """Undo CHANGE, a line of the log by its number, if its reverse makes sense.

    A grant is taken back, a taken back one given again, a customer unlinked or linked again, and a
    payment recorded by hand corrected. The log keeps both lines.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        found = undoing.reverse_of(bridge, change)
        if not how.goes_ahead(found.preview):
            return
        found.do(actor, reason)
    show(
        {"undone": change, "action": found.change.action},
        as_json=how.as_json,
        for_people=lambda console: console.print(f"Line {change} is undone."),
    )
