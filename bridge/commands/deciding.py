"""Shared by commands that decide something: who decides, a preview, an immediate decision."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from bridge.commands.common import as_json, console, show
from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor, operator
from bridge.core.telling.holds import to_come
from bridge.operations.finding import find_actor
from bridge.wiring import Bridge
from bridge.worker import rq_worker

Command = Callable[..., Any]
by = click.option("--by", required=True, metavar="USER", help="The forum user who decided it.")


def why_if(changes: Callable[[Mapping[str, Any]], object]) -> Callable[[Command], Command]:
    """Add --reason, which a command needs when it `changes` something, by its other parameters."""

    def checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is None and changes(ctx.params):
            raise click.MissingParameter("Say why; the log keeps it.", ctx=ctx, param=param)
        return value

    return click.option(
        "--reason", callback=checked, help="Why; the log keeps it.  [required for a change]"
    )


def _is_no_preview(params: Mapping[str, Any]) -> bool:
    return not params.get("preview")


why = why_if(_is_no_preview)
by_or_operator = click.option(
    "--by", metavar="USER", help="The forum user who decided it; default: you."
)

COLOURS = {"gains": "green", "loses": "red", "stays in": "dim", "stays out": "dim"}


@dataclass(frozen=True, slots=True)
class How:
    """How a command that changes memberships was called."""

    preview: bool
    yes: bool
    as_json: bool

    def goes_ahead(self, effects: Callable[[], Iterable[Effect]]) -> bool:
        """Whether to act: not for a preview; on a terminal only after people have seen it."""
        if self.preview:
            found = tuple(effects())
            show(
                {"applied": False, "effects": found},
                as_json=self.as_json,
                for_people=lambda out: print_effects(out, found),
            )
            return False
        if self.yes or self.as_json or not sys.stdin.isatty():
            return True
        print_effects(console(), effects())
        return click.confirm("Do it?")


def previewed(command: Callable[..., None]) -> Callable[..., None]:
    """Add --preview, --yes and --json to a command that changes memberships, as its `how`."""

    @click.option("--preview", is_flag=True, help="Only show what would change.")
    @click.option("--yes", is_flag=True, help="Do not ask, even on a terminal.")
    @as_json
    @wraps(command)
    def called(*, preview: bool, yes: bool, as_json: bool, **rest: Any) -> None:
        command(**rest, how=How(preview, yes, as_json))

    return called


def print_effects(out: Console, effects: Iterable[Effect]) -> None:
    """Print a line for each membership that would change or stay."""
    lines = [
        f"[{COLOURS[one.turn]}]{one.turn}[/] {escape(one.group)}: user {one.user_id}"
        + (f" ({escape(to_come(one) or one.because)})" if one.because or one.account else "")
        for one in effects
    ]
    for line in lines or ["No membership changes."]:
        out.print(line)


def actor_of(bridge: Bridge, named: str | None) -> Actor:
    """Who decides: the named forum user, or else the person at this machine."""
    if named is not None:
        return find_actor(bridge, named, "command")
    with suppress(OSError, KeyError):
        return operator(getpass.getuser())
    return operator("unknown")


def look_now(bridge: Bridge, key: str) -> None:
    """Decide in this process, unless a running bridge is already doing it."""
    rq_worker.do(bridge, "decide", key)
