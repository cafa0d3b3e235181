"""Whose is which customer, and what an operator may have done again."""

from __future__ import annotations

import getpass
from contextlib import suppress
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from bridge.answers.backlog import waiting
from bridge.commands.common import as_json, counting, day, ready_bridge, show
from bridge.operations import upkeep
from bridge.store import work
from bridge.store.orphans import orphans
from bridge.wiring import Bridge
from bridge.worker import group_members, reconcile, rq_worker


@click.command()
@click.argument("customer", required=False)
@click.argument("user", required=False)
@as_json
def link(customer: str | None, user: str | None, *, as_json: bool) -> None:
    """Say that CUSTOMER (cus_…) is the forum's USER (a name or number).

    Without arguments: list the customers whom nobody is linked to.
    """
    if (customer is None) != (user is None):
        raise click.UsageError("Name a customer and a user, or neither to list who has none.")
    with ready_bridge() as bridge:
        if customer is None or user is None:
            _show_orphans(bridge, as_json=as_json)
            return
        user_id = upkeep.user_number(bridge, user)
        upkeep.link(bridge, customer, user_id, actor=operator())
        look_now(bridge, customer)
    done = {"customer": customer, "user_id": user_id}
    show(
        done,
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{customer} is user {user_id} now. `bridge explain {user_id}` tells what follows."
        ),
    )


def _show_orphans(bridge: Bridge, *, as_json: bool) -> None:
    with bridge.store.read() as connection:
        found = orphans(connection)

    def for_people(console: Console) -> None:
        table = Table("Customer", "Seen since", "Subscriptions", box=None, pad_edge=False)
        for one in found:
            table.add_row(one.customer_id, day(one.first_seen_at), str(one.subscriptions))
        console.print(table if found else "Every customer that is known has a user.")

    show([asdict(one) for one in found], as_json=as_json, for_people=for_people)


@click.command()
@click.argument("customer")
@as_json
def unlink(customer: str, *, as_json: bool) -> None:
    """Undo the link of CUSTOMER; what they paid for no longer counts for that user."""
    with ready_bridge() as bridge:
        user_id = upkeep.unlink(bridge, customer, actor=operator())
        look_now(bridge, work.user_key(user_id))
    show(
        {"customer": customer, "was_user_id": user_id},
        as_json=as_json,
        for_people=lambda console: console.print(f"{customer} was user {user_id} and is nobody's."),
    )


@click.command()
@click.option("--user", help="A forum user, by name or number.")
@click.option("--all", "everybody", is_flag=True, help="Everybody: a full reconcile.")
@as_json
def sync(user: str | None, *, everybody: bool, as_json: bool) -> None:
    """Read Stripe again now, for one person or for everybody, and decide anew."""
    if everybody == bool(user):
        raise click.UsageError("Say either --user NAME or --all.")
    with ready_bridge() as bridge:
        if user:
            user_id = upkeep.user_number(bridge, user)
            upkeep.sync_user(bridge, user_id, actor=operator())
            look_now(bridge, work.user_key(user_id))
        else:
            with counting() as count:
                group_members.read_groups(bridge)
                reconcile.read_catalogue(bridge)
                reconcile.backfill(bridge)
                reconcile.read_all_subscriptions(bridge, lambda n: count("subscriptions", n))
        left = waiting(bridge)
    show(
        left,
        as_json=as_json,
        for_people=lambda console: console.print(
            "Read. What follows from it is done by the running bridge; the longest waiting change "
            f"has waited {left['oldest_dirty_seconds']:.0f} s."
        ),
    )


@click.command()
@click.argument("event")
@as_json
def replay(event: str, *, as_json: bool) -> None:
    """Treat a stored EVENT (evt_…) as if it had just come."""
    with ready_bridge() as bridge:
        upkeep.replay(bridge, event)
    show(
        {"event": event},
        as_json=as_json,
        for_people=lambda console: console.print(f"{event} waits to be looked at again."),
    )


@click.command()
@click.argument("group")
@as_json
def release(group: str, *, as_json: bool) -> None:
    """Let removals from GROUP go on that the hourly limit has stopped. See `bridge plan` first."""
    with ready_bridge() as bridge:
        count = upkeep.release(bridge, group, actor=operator())
    show(
        {"group": group, "released": count},
        as_json=as_json,
        for_people=lambda console: console.print(f"{count} removals from {group} may go on."),
    )


@click.command()
@click.option("--all", "everybody", is_flag=True, required=True, help="Members who have none yet.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def statements(*, everybody: bool, yes: bool, as_json: bool) -> None:
    """Send their statement to all members who have none yet; says how many, and asks."""
    del everybody
    with ready_bridge() as bridge:
        count = upkeep.statements_for_all(bridge, really=False)
        really = count > 0 and (
            yes or (not as_json and click.confirm(f"Write a message to {count} members?"))
        )
        if really:
            upkeep.statements_for_all(bridge, really=True)
    words = f"{count} messages will be written." if really else f"{count} members; none written."
    show(
        {"members": count, "will_be_written": really},
        as_json=as_json,
        for_people=lambda console: console.print(words),
    )


def look_now(bridge: Bridge, key: str) -> None:
    """Decide in this process; when a running bridge is at it already, leave it to that."""
    rq_worker.do(bridge, "decide", key)


def operator() -> str:
    """Who typed it, for the change log."""
    with suppress(OSError, KeyError):
        return f"operator:{getpass.getuser()}"
    return "operator"
