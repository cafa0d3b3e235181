"""What each price gives, and changing it in Stripe's metadata."""

from __future__ import annotations

from datetime import datetime, time

import click
from rich.console import Console
from rich.markup import escape

from bridge.answers.mapping import Mapping
from bridge.answers.mapping import mapping as the_mapping
from bridge.answers.simulator import simulate
from bridge.commands.asking import print_simulation
from bridge.commands.common import Moment, as_json, console, ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, previewed
from bridge.core.rules.amending import said_there
from bridge.operations import mapping as operation
from bridge.operations.mapping import Proposed


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def mapping(context: click.Context, *, as_json: bool) -> None:
    """Show what each price gives, where that is set, and problems; `set` changes it at Stripe."""
    if context.invoked_subcommand is not None:
        return
    with ready_bridge() as bridge:
        found = the_mapping(bridge)
    show(found, as_json=as_json, for_people=lambda out: _print(out, found))


@mapping.command("set")
@click.argument("thing")
@click.argument("key")
@click.argument("value")
@click.option("--reason", required=True, help="Why; the log keeps it.")
@click.option(
    "--since",
    type=Moment(time.min),
    help="Also show whom it would have treated differently since that day.",
)
@by
@previewed
def set_(
    thing: str,
    key: str,
    value: str,
    *,
    reason: str,
    since: datetime | None,
    by: str,
    how: How,
) -> None:
    """Set KEY to VALUE in the metadata of THING, a product or price at Stripe; "" removes it.

    The effects are shown first. `bridge undo` reverses it.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        proposed = operation.propose(bridge, thing, key, value)
        if not how.as_json:
            _print_proposed(console(), proposed)
        if since is not None and not how.as_json:
            past = simulate(bridge, proposed.proposal, since, proposed.user_ids)
            print_simulation(console(), past)
        if not how.goes_ahead(lambda: operation.would_change(bridge, proposed)):
            return
        outcome = operation.set_mapping(bridge, actor, proposed, reason=reason)
    words = "Saved at Stripe." if outcome == "done" else "Stripe does not answer yet; see the log."
    show(
        {"saved": proposed.amendment, "before": proposed.said},
        as_json=how.as_json,
        for_people=lambda out: out.print(words),
    )


def _print_proposed(out: Console, proposed: Proposed) -> None:
    change = proposed.amendment
    out.print(
        f"{escape(change.thing_id)}: {change.key} = {escape(proposed.said or 'nothing')} "
        f"becomes {escape(change.value or 'nothing')}"
    )
    out.print(f"  its metadata now: {escape(said_there(proposed.thing) or 'nothing')}")
    if proposed.overruled_by:
        out.print(f"  [yellow]no effect:[/] {escape(proposed.overruled_by)} is heard instead")
    for price_id in proposed.differing:
        out.print(f"  [yellow]{escape(price_id)} says its own, which is heard instead[/]")
    for problem in proposed.problems:
        out.print(f"  [yellow]{problem.code}[/] {escape(f'{problem.message} {problem.hint}')}")


def _print(out: Console, found: Mapping) -> None:
    for one in found.prices:
        gives = ", ".join(one.groups) or "no group"
        old = "" if one.on_sale else ", no longer on sale"
        out.print(f"[bold]{escape(one.product)}[/], {escape(one.price)}{old}: {escape(gives)}")
        for value in one.said:
            out.print(f"  {value.key} = {escape(value.value)} ({escape(value.said_in)})")
        for problem in one.problems:
            out.print(f"  [yellow]{problem.code}[/] {escape(f'{problem.message} {problem.hint}')}")
        if one.on_sale:
            out.print(f"  {escape(one.link)}")
    for problem in found.problems:
        out.print(f"[yellow]{problem.code} {escape(problem.subject)}[/] {escape(problem.message)}")
