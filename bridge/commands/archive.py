"""Writes everything stored to one file of open formats, and reads it back."""

from __future__ import annotations

import getpass
import os
from dataclasses import asdict
from pathlib import Path

import click

from bridge.commands.common import as_json, counting, ready_bridge, show, the_bridge
from bridge.core.model.actor import operator
from bridge.operations import archiving


@click.group()
def archive() -> None:
    """Write and read everything in open formats."""


@archive.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--reason", required=True, help="What it is for; kept in the log.")
@as_json
def write(*, file: Path, reason: str, as_json: bool) -> None:
    """Write everything that the bridge keeps to FILE, a ZIP of JSON Lines, CSV and a README."""
    half = file.with_name(f".{file.name}.part")
    try:
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with ready_bridge() as bridge, counting() as count:
            actor = operator(getpass.getuser())
            made = archiving.write(bridge, actor, half, reason=reason, progress=count)
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    _show(made, f"Written to {file}", as_json=as_json)


@archive.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def read(*, file: Path, as_json: bool) -> None:
    """Bring the archive FILE into this bridge, whose database must be empty."""
    with the_bridge(patient=True) as bridge, counting() as count:
        found = archiving.read(bridge, file, count)
    _show(found, f"Read {file}", as_json=as_json)


def _show(told: archiving.Archived, words: str, *, as_json: bool) -> None:
    total = sum(told.rows.values())
    code = f", ledger code {told.code}" if told.code else ""
    show(
        asdict(told),
        as_json=as_json,
        for_people=lambda out: out.print(
            f"{words}: {total} rows of {len(told.rows)} tables{code}."
        ),
    )
