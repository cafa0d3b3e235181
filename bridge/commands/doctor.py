"""`bridge doctor`: check that everything works, and say what to do about what does not."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge import logs
from bridge.commands.common import as_json, environment, show
from bridge.commands.exits import FAILED, WRONG_SETTINGS
from bridge.doctor.checks import examine
from bridge.doctor.findings import Finding

MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[bold red]problem[/]"}


@click.command()
@as_json
def doctor(*, as_json: bool) -> None:
    """Check everything that the bridge needs, without changing anything.

    Exit codes: 0 nothing is wrong (there may be notes), 1 something is wrong, 3 the settings are
    wrong and nothing else could be checked.
    """
    logs.configure("ERROR")
    findings: list[Finding] = []
    with Console(stderr=True).status("Looking …") as status:
        for finding in examine(environment()):
            findings.append(finding)
            status.update(f"{finding.subject}: {finding.message[:60]}")
    wrong = [finding for finding in findings if finding.level == "problem"]
    show(
        {"ok": not wrong, "findings": findings},
        as_json=as_json,
        for_people=lambda console: _print(console, findings, len(wrong)),
    )
    if any(finding.subject == "Settings" for finding in wrong):
        sys.exit(WRONG_SETTINGS)
    sys.exit(FAILED if wrong else 0)


def _print(console: Console, findings: list[Finding], wrong: int) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("", "", "", "What to do"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        message = f"{finding.code} {finding.message}".strip()
        table.add_row(MARKS[finding.level], finding.subject, escape(message), escape(finding.hint))
    console.print(table)
    console.print()
    if wrong:
        console.print(f"[bold red]{wrong} to fix.[/] docs/operations.md explains each code.")
    else:
        console.print("[bold green]Everything works.[/]")
