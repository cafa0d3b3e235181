"""What commands share: the environment with its .env file, output for people and for scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from dotenv import dotenv_values
from rich.console import Console

from bridge import logs
from bridge.settings import Settings
from bridge.wiring import Bridge, build

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def environment() -> dict[str, str]:
    """The environment; what it leaves open comes from the file .env in the current directory."""
    file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return file | dict(os.environ)  # noqa: TID251 - the one place that reads it


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The validated settings, with logging set up accordingly."""
    found = Settings.from_env(environment() if environ is None else environ)
    logs.configure(found.log_level)
    return found


@contextmanager
def the_bridge() -> Iterator[Bridge]:
    """All parts put together, and closed afterwards."""
    bridge = build(settings())
    try:
        yield bridge
    finally:
        bridge.store.close()


def console() -> Console:
    """For people; in a pipe it prints plain text that is not cut."""
    wide = Console()
    return wide if wide.is_terminal else Console(width=160, soft_wrap=True)


def show(data: Any, *, as_json: bool, for_people: Callable[[Console], None]) -> None:
    """Print for a script or for people."""
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))
    else:
        for_people(console())
