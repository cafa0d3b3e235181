"""Take back into the record what the bridge did and does not know: after a restored backup."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from bridge.commands.common import ready_bridge, show
from bridge.commands.deciding import How, actor_of, by_or_operator, look_now, previewed, why
from bridge.operations import adopting
from bridge.operations.finding import find_user_id
from bridge.store import work


@click.command()
@click.argument("group", required=False)
@click.option("--user", metavar="USER", help="Only this member.")
@why
@by_or_operator
@previewed
def adopt(
    group: str | None, *, user: str | None, by: str | None, reason: str | None, how: How
) -> None:
    """Take over members of GROUP (or of every group) that the bridge added and has forgotten.

    That happens when a backup is restored. Members whom something grants the group stay in it. The
    others lose it at the usual pace, after the usual second reading.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        user_id = find_user_id(bridge, user) if user is not None else None
        found = tuple(adopting.unknown_additions(bridge, group, user_id))
        if not how.goes_ahead(lambda: adopting.preview_adopt(bridge, found)):
            return
        adopted = adopting.adopt(bridge, actor, found, reason=reason)
        for one in {one.user_id for one in adopted}:
            look_now(bridge, work.user_key(one))
    show(
        {"adopted": adopted},
        as_json=how.as_json,
        for_people=lambda console: _print(console, adopted),
    )


def _print(console: Console, adopted: tuple[adopting.Adopted, ...]) -> None:
    for one in adopted:
        console.print(f"{escape(one.group)}: user {one.user_id} is managed by the bridge again.")
