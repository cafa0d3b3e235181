"""Take back into the record what the bridge did and does not know: after a restored backup."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape

from bridge.commands.common import as_json, ready_bridge, show
from bridge.commands.deciding import actor_of, by_or_operator, goes_ahead, look_now, previewed
from bridge.operations import adopting
from bridge.operations.finding import find_user_id
from bridge.store import work


@click.command()
@click.argument("group", required=False)
@click.option("--user", metavar="USER", help="Only this member.")
@by_or_operator
@previewed
@as_json
def adopt(
    group: str | None, *, user: str | None, by: str | None, preview: bool, yes: bool, as_json: bool
) -> None:
    """Make members the bridge's again whom it added to GROUP, or to any, and does not know.

    So it is after a restored backup. Members whom something grants the group stay; the others lose
    it, as always after a second reading and at the usual pace.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        user_id = find_user_id(bridge, user) if user is not None else None
        found = tuple(adopting.unknown_additions(bridge, group, user_id))
        if not goes_ahead(
            lambda: adopting.preview_adopt(bridge, found),
            preview=preview,
            yes=yes,
            as_json=as_json,
        ):
            return
        adopted = adopting.adopt(bridge, actor, found)
        for one in {one.user_id for one in adopted}:
            look_now(bridge, work.user_key(one))
    show(
        {"adopted": [asdict(one) for one in adopted]},
        as_json=as_json,
        for_people=lambda console: _print(console, adopted),
    )


def _print(console: Console, adopted: tuple[adopting.Adopted, ...]) -> None:
    for one in adopted:
        console.print(f"{escape(one.group)}: user {one.user_id} is the bridge's again.")
