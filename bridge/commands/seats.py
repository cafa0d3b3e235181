"""Seats: the places of a subscription with a quantity, and who has them."""

from __future__ import annotations

from datetime import datetime, time

import click
from rich.console import Console
from rich.table import Table

from bridge.commands.common import Moment, ready_bridge, show
from bridge.commands.deciding import How, actor_of, look_now, previewed, why_if
from bridge.commands.words import day
from bridge.operations import seats as doing
from bridge.operations.finding import find_user_id
from bridge.store import work

ACTIONS = ("assign", "take-back", "unassign")


@click.command()
@click.argument("subscription")
@click.argument("action", type=click.Choice(ACTIONS), required=False)
@click.argument("user", required=False)
@why_if(lambda params: params.get("action") and not params.get("preview"))
@click.option("--by", metavar="USER", help="The forum user who decided it.")
@click.option("--at", type=Moment(time.max), help="List the seats as they were at TIME.")
@click.option("--as-known", is_flag=True, help="With --at: only from what the bridge knew at TIME.")
@previewed
def seats(  # noqa: PLR0913 - the options of a command
    *,
    subscription: str,
    action: str | None,
    user: str | None,
    by: str | None,
    reason: str | None,
    at: datetime | None,
    as_known: bool,
    how: How,
) -> None:
    """Assign a seat of SUBSCRIPTION (sub_…) to USER or take it back; without an action, list them.

    `take-back` ends the seat after notice, `unassign` immediately. `assign` undoes a `take-back`.

    The buyer has one of the seats. When the quantity shrinks, the members who were added last
    lose their seats first, after notice.
    """
    if action and (user is None or by is None):
        raise click.UsageError(f"To {action} a seat, give a USER and --by.")
    if (action and at) or (as_known and not at):
        raise click.UsageError("--at only lists seats, and --as-known needs --at.")
    with ready_bridge() as bridge:
        if action and user is not None and by is not None:
            actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
            effects, do = {
                "assign": (doing.preview_assign, doing.assign),
                "take-back": (doing.preview_take_back, doing.take_back),
                "unassign": (doing.preview_unassign, doing.unassign),
            }[action]
            if not how.goes_ahead(lambda: effects(bridge, subscription, user_id)):
                return
            do(bridge, actor, subscription, user_id, reason=reason)
            look_now(bridge, work.user_key(user_id))
        found = (
            doing.seats_at(bridge, subscription, at, known=as_known)
            if at
            else doing.seats_of(bridge, subscription)
        )
    show(
        {"places": found.places, "taken": found.taken},
        as_json=how.as_json,
        for_people=lambda console: _print_seats(console, found, were=at is not None),
    )


def _print_seats(console: Console, found: doing.Seats, *, were: bool) -> None:
    are = "were" if were else "are"
    console.print(f"{len(found.taken)} of {found.places} seats {are} taken, besides the buyer's.")
    table = Table("User", "Since", "By", "Too many since", box=None, pad_edge=False)
    for one in found.taken:
        over = day(one.over_since)
        table.add_row(str(one.user_id), day(one.assigned_at), one.assigned_by, over)
    if found.taken:
        console.print(table)
