"""Commands that only ask: what would change, why somebody is in a group, what needs attention."""

from __future__ import annotations

import sys
from datetime import datetime, time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.answers import plan as plans
from bridge.answers import simulator
from bridge.answers.backlog import backlog
from bridge.answers.explain import explain as tell
from bridge.commands.common import Moment, as_json, counting, ready_bridge, show
from bridge.commands.exits import FAILED
from bridge.commands.tables import print_plan
from bridge.commands.telling import print_person
from bridge.commands.words import day
from bridge.core.rules.law import Proposal
from bridge.core.telling.document import document
from bridge.core.telling.outcomes import reason_words
from bridge.operations.finding import find_known_id
from bridge.store.alerts import open_ones
from bridge.wiring import read_policy

OTHER_SIGNS = {"in": "[green]in[/]", "out": "[red]out[/]"}


@click.command()
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Show instead whom this other bridge.toml would treat differently, from the record.",
)
@click.option(
    "--since",
    type=Moment(time.min),
    help="With --policy: as if it had been in force since that day.",
)
@as_json
def plan(policy: Path | None, since: datetime | None, *, as_json: bool) -> None:
    """Show what a full reconcile would change, for each group and person, and why.

    Exit codes: 0 nothing would change, 1 something would.
    """
    if policy is not None:
        _simulate(policy, since, as_json=as_json)
        return
    if since is not None:
        raise click.UsageError("--since needs --policy.")
    with ready_bridge(prepared=True) as bridge, counting() as count:
        found = plans.plan(bridge, count)
        left = backlog(bridge)
    show(
        {"changes": found, **document(left)},
        as_json=as_json,
        for_people=lambda console: print_plan(console, found, left.orphans),
    )
    sys.exit(FAILED if found else 0)


def _simulate(path: Path, since: datetime | None, *, as_json: bool) -> None:
    other = Proposal(read_policy(path))
    with ready_bridge() as bridge, counting() as count:
        found = simulator.simulate(bridge, other, since, progress=count)
    show(
        found,
        as_json=as_json,
        for_people=lambda console: print_simulation(console, found),
    )
    sys.exit(FAILED if found.treated else 0)


def print_simulation(console: Console, found: simulator.Simulation) -> None:
    """A line for each stretch of time in which somebody would be treated differently."""
    for problem in found.problems:
        console.print(f"[yellow]This rule would halt and change nobody:[/] {escape(problem)}")
    if not found.treated:
        console.print("Nobody would be treated differently.")
        return
    table = Table("Group", "", "Member", "From", "Until", "Now", "Then", box=None, pad_edge=False)
    for one in found.treated:
        who = f"{one.username or 'user'} ({one.user_id})"
        sides = [escape(f"{_side(side)}") for side in (one.now, one.then)]
        until = day(one.until_at) or "still"
        sign = OTHER_SIGNS[one.change]
        table.add_row(escape(one.group), sign, escape(who), day(one.from_at), until, *sides)
    console.print(table)


def _side(side: Any) -> str:
    return f"{'in' if side.is_in else 'out'}: {reason_words(side.reason)}"


@click.command()
@click.argument("user")
@click.option("--group", help="Only this group, even if nothing of theirs leads to it.")
@click.option("--at", type=Moment(time.max), help="As it was at TIME, from what is known today.")
@click.option("--as-known", is_flag=True, help="With --at: only from what the bridge knew at TIME.")
@as_json
def explain(
    user: str, group: str | None, at: datetime | None, *, as_known: bool, as_json: bool
) -> None:
    """Explain why USER is or is not in each group: what grants it, what was done, and when.

    TIME is a day (meaning its end) or a moment, in UTC: 2027-03-31 or 2027-03-31T12:00.
    """
    if as_known and at is None:
        raise click.UsageError("--as-known needs --at.")
    with ready_bridge() as bridge:
        user_id = find_known_id(bridge, user)
        told = tell(bridge, user_id, group, at=at, known=as_known)
    show(told, as_json=as_json, for_people=lambda console: print_person(console, told))


@click.command()
@as_json
def alerts(*, as_json: bool) -> None:
    """List what needs your attention: since when, whether moderators know, and what to do."""
    with ready_bridge() as bridge, bridge.store.read() as connection:
        found = open_ones(connection, bridge.clock.now())

    def for_people(console: Console) -> None:
        for one in found:
            told = f"told {day(one.told_at)}" if one.told_at else "not told yet"
            console.print(f"[yellow]since {day(one.since_at)}[/], {told}: {escape(one.what)}")
            console.print(f"  {escape(one.todo)}")
        if not found:
            console.print("Nothing needs your attention.")

    said = [
        {
            "kind": one.kind,
            "subject": one.subject,
            "since": one.since_at,
            "told": one.told_at,
            "what": one.what,
            "todo": one.todo,
        }
        for one in found
    ]
    show(said, as_json=as_json, for_people=for_people)
