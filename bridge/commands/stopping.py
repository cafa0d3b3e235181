"""Cancel a subscription at the period's end, keep it, pause it, resume it."""

from __future__ import annotations

from datetime import datetime, time

import click
from rich.markup import escape

from bridge.commands.common import Moment, ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, previewed
from bridge.commands.refunding import LATER, reason
from bridge.operations import stopping
from bridge.operations.stopping import Choice


@click.group()
def subscription() -> None:
    """Cancel, keep, pause or resume a subscription at Stripe."""


@subscription.command()
@click.argument("subscription_id", metavar="SUBSCRIPTION")
@reason
@by
@previewed
def cancel(subscription_id: str, *, reason: str, by: str, how: How) -> None:
    """Cancel SUBSCRIPTION at the end of the paid period."""
    _do(Choice("cancelled"), subscription_id, reason, by, how)


@subscription.command()
@click.argument("subscription_id", metavar="SUBSCRIPTION")
@reason
@by
@previewed
def keep(subscription_id: str, *, reason: str, by: str, how: How) -> None:
    """Reverse the cancellation of SUBSCRIPTION."""
    _do(Choice("kept"), subscription_id, reason, by, how)


@subscription.command()
@click.argument("subscription_id", metavar="SUBSCRIPTION")
@click.option(
    "--until", type=Moment(time(23, 59, 59)), help="The last day; default: until it is resumed."
)
@reason
@by
@previewed
def pause(subscription_id: str, *, until: datetime | None, reason: str, by: str, how: How) -> None:
    """Stop charging for SUBSCRIPTION. The policy decides whether the groups stay."""
    _do(Choice("paused", until), subscription_id, reason, by, how)


@subscription.command()
@click.argument("subscription_id", metavar="SUBSCRIPTION")
@reason
@by
@previewed
def resume(subscription_id: str, *, reason: str, by: str, how: How) -> None:
    """Resume charging for SUBSCRIPTION."""
    _do(Choice("resumed"), subscription_id, reason, by, how)


def _do(choice: Choice, subscription_id: str, reason: str, by: str, how: How) -> None:
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        running = stopping.find_running(bridge, subscription_id)
        stopping.as_it_will_be(bridge, running, choice)
        if not how.goes_ahead(lambda: stopping.preview(bridge, running, choice)):
            return
        outcome = stopping.do(bridge, actor, running, choice, reason=reason)
    show(
        {"subscription": subscription_id, "act": choice.act, "outcome": outcome},
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{escape(subscription_id)} is {choice.act}." if outcome == "done" else LATER
        ),
    )
