"""What would change, and why somebody is in a group. Nothing is changed, here or elsewhere."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge import operations
from bridge.cli import FAILED
from bridge.commands.common import as_json, counting, day, ready_bridge, show
from bridge.operations import Planned
from bridge.store import state
from bridge.wiring import Bridge
from bridge.worker import forum, reconcile

SIGNS = {"add": "[green]add[/]", "remove": "[red]remove[/]", "hold": "[yellow]hold[/]"}
KNOWN = "plan.first_reading"


@click.command()
@as_json
def plan(*, as_json: bool) -> None:
    """Print what a full reconcile would change, per group and person, and why.

    Exits with 0 when nothing would change, with 1 when something would.
    """
    with ready_bridge(prepared=True) as bridge, counting() as count:
        _read_what_rules_need(bridge)
        found = operations.plan(bridge, count)
        waiting = operations.waiting(bridge)
    show(
        {"changes": [asdict(one) for one in found], **waiting},
        as_json=as_json,
        for_people=lambda console: _print_plan(console, found, waiting["orphans"]),
    )
    sys.exit(FAILED if found else 0)


def _read_what_rules_need(bridge: Bridge) -> None:
    """Before the first start nothing is known of the catalogue and the groups."""
    with bridge.store.read() as connection:
        if state.get(connection, "periodic.catalogue") or state.get(connection, KNOWN):
            return
    forum.read_groups(bridge)
    reconcile.read_catalogue(bridge)
    with bridge.store.write() as connection:
        state.put(connection, KNOWN, value=True)


def _print_plan(console: Console, found: list[Planned], orphans: int) -> None:
    if found:
        table = Table("Group", "", "Member", "Why", "Rule", box=None, pad_edge=False)
        for one in found:
            who = f"{one.username or 'user'} ({one.user_id})"
            table.add_row(
                escape(one.group), SIGNS[one.action], escape(who), escape(one.reason), one.rule_id
            )
        console.print(table)
    else:
        console.print("Nothing would change.")
    if orphans:
        console.print(f"{orphans} customers have no user: `bridge link` lists them.")


@click.command()
@click.argument("user")
@click.option("--group", help="Only this group.")
@as_json
def explain(user: str, group: str | None, *, as_json: bool) -> None:
    """Tell why USER is in their groups, or is not: what grants them, what was done, and when."""
    with ready_bridge() as bridge:
        user_id = operations.user_number(bridge, user)
        told = operations.explain(bridge, user_id, group)
    show(told, as_json=as_json, for_people=lambda console: _print_person(console, told))


def _print_person(console: Console, told: dict[str, Any]) -> None:
    console.print(f"[bold]{escape(told['username'] or 'user')}[/] (user {told['user_id']})")
    for customer in told["customers"]:
        console.print(
            f"  is {customer['id']}, by {customer['proof']}, {day(customer['linked_at'])}"
        )
    if not told["customers"]:
        console.print("  is nobody's customer: `bridge link CUSTOMER USER` links one.")
    for group in told["groups"]:
        _print_group(console, group)
    if told["changes"]:
        console.print("\n[bold]What happened[/]")
        table = Table(box=None, pad_edge=False, show_header=False)
        for one in told["changes"]:
            words = [str(one[key] or "") for key in ("action", "group", "cause", "rule", "outcome")]
            table.add_row(day(one["at"]), *map(escape, words))
        console.print(table)


def _print_group(console: Console, group: dict[str, Any]) -> None:
    standing = "is in" if group["member"] else "is not in"
    line = f"\n[bold]{standing} {escape(str(group['group'] or group['id']))}[/]"
    if group.get("since") and group["member"]:
        line += f" since {day(group['since'])}"
    if group.get("until"):
        line += f", until {day(group['until'])}"
    console.print(line)
    if group["member"] and group.get("owned") != "proven":
        console.print("  not added by the bridge, so never removed by it")
    for word in ("held", "taken_out_by"):
        if group.get(word):
            console.print(f"  [yellow]{word.replace('_', ' ')}: {escape(str(group[word]))}[/]")
    for verdict in group["verdicts"]:
        sign = "[green]yes[/]" if verdict["holds"] else "[dim]no[/] "
        console.print(f"  {sign} {verdict['id']}: {verdict['reason']} ({verdict['rule']})")
