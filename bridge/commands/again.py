"""Commands that repeat or resume work: a reading, an event, stopped removals, statements."""

from __future__ import annotations

import click

from bridge.answers.backlog import backlog
from bridge.commands.common import as_json, counting, ready_bridge, show
from bridge.commands.deciding import actor_of, by_or_operator, look_now, why
from bridge.operations import reading, removals
from bridge.operations import statements as writing
from bridge.operations.finding import find_user_id
from bridge.store import work


@click.command()
@click.option("--user", help="A forum user: a name, or an id such as id:12.")
@click.option("--all", "everybody", is_flag=True, help="Everybody (a full reconcile).")
@as_json
def sync(user: str | None, *, everybody: bool, as_json: bool) -> None:
    """Read one member or everybody from Stripe again now, and decide their groups anew."""
    if everybody == (user is not None):
        raise click.UsageError("Give either --user NAME or --all.")
    with ready_bridge() as bridge:
        if user is not None:
            user_id = find_user_id(bridge, user)
            reading.sync_user(bridge, actor_of(bridge, None), user_id)
            look_now(bridge, work.user_key(user_id))
        else:
            with counting() as count:
                reading.sync_everybody(bridge, count)
        left = backlog(bridge)
    show(
        left,
        as_json=as_json,
        for_people=lambda console: console.print(
            "Stripe was read. The running bridge makes the changes that follow; the oldest one "
            f"waiting has waited {left.oldest_dirty_seconds:.0f} s."
        ),
    )


@click.command()
@click.argument("event")
@by_or_operator
@as_json
def replay(event: str, *, by: str | None, as_json: bool) -> None:
    """Process a stored EVENT (evt_…) again, as if it had just arrived."""
    with ready_bridge() as bridge:
        reading.replay(bridge, actor_of(bridge, by), event)
    show(
        {"event": event},
        as_json=as_json,
        for_people=lambda console: console.print(f"{event} is being processed again."),
    )


@click.command()
@click.argument("group")
@why
@by_or_operator
@click.option("--preview", is_flag=True, help="Only show who would be removed.")
@as_json
def release(
    group: str, *, by: str | None, reason: str | None, preview: bool, as_json: bool
) -> None:
    """Let stopped removals from GROUP continue. Look at `bridge plan` first."""
    with ready_bridge() as bridge:
        if preview:
            found = removals.preview_release(bridge, group)
        else:
            found = removals.release(bridge, actor_of(bridge, by), group, reason=reason)
    words = "would go on" if preview else "may go on"
    show(
        {
            "group": found.group.name,
            "released": 0 if preview else len(found.user_ids),
            "waiting": found.user_ids,
        },
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{len(found.user_ids)} removals from {found.group.name} {words}."
        ),
    )


@click.command()
@click.option("--all", "everybody", is_flag=True, help="Members who have none yet.")
@click.option("--user", metavar="USER", help="Only this member, again if need be.")
@click.option("--by", metavar="USER", help="The forum user who decided it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def statements(
    *, everybody: bool, user: str | None, by: str | None, yes: bool, as_json: bool
) -> None:
    """Send statements: to every member who has none yet, after saying how many, or to one USER."""
    if everybody == (user is not None) or (user is not None and by is None):
        raise click.UsageError("Give --all, or --user USER with --by NAME.")
    if user is not None:
        _send_one(user, by, as_json=as_json)
        return
    with ready_bridge() as bridge:
        count = len(writing.without_statement(bridge))
        really = count > 0 and (
            yes or (not as_json and click.confirm(f"Write a message to {count} members?"))
        )
        if really:
            count = len(writing.write_to_all(bridge))
    words = (
        f"{count} messages will be sent."
        if really
        else f"{count} members have no statement yet. No messages will be sent."
    )
    show(
        {"members": count, "will_be_written": really},
        as_json=as_json,
        for_people=lambda console: console.print(words),
    )


def _send_one(user: str, by: str | None, *, as_json: bool) -> None:
    with ready_bridge() as bridge:
        user_id = find_user_id(bridge, user)
        sent = writing.send(bridge, actor_of(bridge, by), user_id)
    show(
        {"user_id": user_id, "sent": sent},
        as_json=as_json,
        for_people=lambda console: console.print("The statement is on its way."),
    )
