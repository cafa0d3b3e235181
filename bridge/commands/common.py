"""Shared by commands: the environment with its .env file, output for people and for scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

import click
from dotenv import dotenv_values
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.segment import Segment

from bridge import logs
from bridge.core.model.days import day_of, moment_of
from bridge.core.telling.document import document
from bridge.core.telling.visible import escaped, visible
from bridge.errors import Config, Permanent
from bridge.processes.startup import mode_problem, prepare
from bridge.settings import Settings
from bridge.store import migrate
from bridge.wiring import Bridge, build

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def environment() -> dict[str, str]:
    """The environment, completed from the file .env in the current directory."""
    file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return file | dict(os.environ)  # noqa: TID251 - the one place that reads it


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The validated settings, with logging set up accordingly."""
    found = Settings.from_env(environment() if environ is None else environ)
    logs.configure(found.log_level)
    return found


@contextmanager
def the_bridge(*, patient: bool = False) -> Iterator[Bridge]:
    """The bridge with all its parts, closed afterwards."""
    bridge = build(settings(), patient=patient)
    try:
        yield bridge
    finally:
        bridge.store.close()


@contextmanager
def ready_bridge(*, prepared: bool = False) -> Iterator[Bridge]:
    """A bridge whose database is ready to use; `prepared` makes the tables if there are none.

    It waits for the forum's request limit: a command has time, and nobody would retry it later.
    """
    with the_bridge(patient=True) as bridge:
        state = migrate.state(bridge.store)
        if state == "empty" and prepared:
            prepare(bridge)
        elif state != "current":
            raise Config(
                "B121",
                f"the database does not fit this version of the bridge: it is {state}.",
                "If it is older or empty, run `bridge migrate`; if newer, install that version.",
            )
        if problem := mode_problem(bridge):
            raise problem
        logs.configure("ERROR")  # a command prints its answer, not the steps that led to it
        yield bridge


@contextmanager
def counting() -> Iterator[Callable[[str, int], None]]:
    """A progress line for each thing that is counted; nothing is printed in a pipe."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def count(what: str, number: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=None)
        progress.update(tasks[what], completed=number)

    with progress:
        yield count


def console() -> Console:
    """A console for people; in a pipe it prints plain text and cuts no lines."""
    found = Console()
    if not found.is_terminal:
        found = Console(width=160, soft_wrap=True)
    found.push_render_hook(_Visible())
    return found


class _Visible(RenderHook):
    """Makes control characters in names and products visible, so that no terminal obeys them."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap everything that is about to be printed."""
        return [_Shown(one) for one in renderables]


class _Shown:
    def __init__(self, what: ConsoleRenderable) -> None:
        self.what = what

    def __rich_console__(self, out: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for one in out.render(self.what, options):
            yield one if one.control else one._replace(text=visible(one.text))


def _plain(value: object) -> str:
    """Times as ISO 8601 with a T; everything else as text."""
    return value.isoformat() if isinstance(value, date) else str(value)


def show(data: Any, *, as_json: bool, for_people: Callable[[Console], None]) -> None:
    """Print for a script or for people."""
    if as_json:
        plain = json.dumps(document(data), indent=2, ensure_ascii=False, default=_plain)
        click.echo(escaped(plain))
    else:
        for_people(console())


class Moment(click.ParamType[datetime]):
    """A day or a moment, in UTC unless it says otherwise; a day means its `of_day`."""

    name = "time"

    def __init__(self, of_day: time) -> None:
        self.of_day = of_day

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Read `2027-03-31`, `2027-03-31 12:00`, `2027-03-31T12:00:00+01:00`."""
        if isinstance(value, datetime):
            return value
        has_time = len(value) > len("2027-03-31")
        try:
            found = moment_of(value) if has_time else datetime.combine(day_of(value), self.of_day)
        except Permanent as error:
            self.fail(str(error), param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
