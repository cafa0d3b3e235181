"""Change what a member pays for, as a moderator decided."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import as_json, ready_bridge, show
from bridge.commands.deciding import actor_of, why_if
from bridge.commands.refunding import LATER
from bridge.core.ledger.amounts import format_minor
from bridge.core.rights.switch_costs import Changed, Preview
from bridge.core.rights.switching import Switch
from bridge.operations import changing
from bridge.operations.finding import find_user_id


@click.command()
@click.argument("user")
@click.argument("target")
@click.option(
    "--apply", "really", is_flag=True, help="Make the change; without it, only show a preview."
)
@click.option("--by", metavar="USER", help="The forum user who decided it; needed with --apply.")
@why_if(lambda params: params.get("really"))
@as_json
def change(
    *, user: str, target: str, really: bool, by: str | None, reason: str | None, as_json: bool
) -> None:
    """Move USER to TARGET (a price, lookup key or product) within the same ladder.

    Without --apply it only shows what that costs. With --apply, Stripe makes the change and bills
    the difference now; if that payment fails, nothing changes until it succeeds. The groups follow
    automatically.
    """
    if really and not by:
        raise click.UsageError("--apply needs --by: say who decided it.")
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        user_id = find_user_id(bridge, user)
        switch = changing.find_switch(bridge, user_id, target)
        preview = changing.preview_change(bridge, switch)
        number = changing.turn_of(bridge, user_id, switch)
        done = (
            changing.change(bridge, actor, user_id, switch, number=number, reason=reason)
            if really
            else None
        )
    show(
        {
            "user_id": user_id,
            "subscription": switch.subscription.id,
            "from": switch.current.id,
            "to": switch.target.id,
            "currency": preview.currency,
            "lines": [[line.what, line.amount_minor] for line in preview.lines],
            "total_minor": preview.total_minor,
            "due_minor": preview.due_minor,
            "applied": done is not None,
            "pending": done is not None and done.is_pending,
            "pay_url": done.pay_url if done else None,
        },
        as_json=as_json,
        for_people=lambda console: _tell(console, user, switch, preview, done, really=really),
    )


def _tell(
    console: Console,
    user: str,
    switch: Switch,
    preview: Preview,
    done: Changed | None,
    *,
    really: bool,
) -> None:
    console.print(
        f"{escape(user)}: {switch.subscription.id} from {switch.current.id} to {switch.target.id}"
    )
    table = Table("What", "Amount", box=None, pad_edge=False)
    for line in preview.lines:
        table.add_row(escape(line.what), format_minor(line.amount_minor, preview.currency))
    if preview.beside_minor:
        table.add_row("Tax and discounts", format_minor(preview.beside_minor, preview.currency))
    table.add_row("Due now", format_minor(preview.due_minor, preview.currency))
    if preview.total_minor < 0:
        table.add_row("Credited", format_minor(-preview.total_minor, preview.currency))
    console.print(table)
    if done is None and really:
        console.print(LATER)
    elif done is None:
        console.print("Nothing was changed. Add --apply --by NAME --reason TEXT to change it.")
    elif done.is_pending:
        where = f" at {done.pay_url}" if done.pay_url else ""
        console.print(f"The difference is not paid yet. Nothing changes until it is paid{where}.")
    else:
        console.print("Stripe has made the change. The groups follow within moments.")
