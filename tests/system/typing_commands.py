"""Operators' commands, typed against the whole bridge of a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click
from click.testing import CliRunner

from bridge.cli import main
from tests.harness import SECRET_KEY, System


def typed(world: System, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
    """Type a command; its output. It ends with this exit code."""
    for word, following in pairwise(words):
        if word == "--by" and following.isalpha():
            world.user(following)
    said = with_reason(words)
    result = CliRunner().invoke(main, said, env=variables(world) | dict(env or {}))
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def with_reason(words: Sequence[str]) -> Sequence[str]:
    """The command with a reason, where it takes one and the test is not about it."""
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word) or click.Command(None)
    takes = any(one.name == "reason" for one in command.params)
    return (*words, "--reason", "As a test says") if takes and "--reason" not in words else words


def variables(world: System) -> dict[str, str]:
    """The environment of a command for the whole bridge of a test."""
    settings = world.bridge.settings
    return {
        **world.sandbox.settings(),
        "BRIDGE_URL": settings.bridge_url,
        "BRIDGE_DATA": str(settings.bridge_data),
        "BRIDGE_CLOCK_FILE": str(settings.clock_file),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": SECRET_KEY,
    }


def asked(world: System, *words: str, code: int = 0) -> Any:
    """Type a command with --json; its answer."""
    return json.loads(typed(world, *words, "--json", code=code))
