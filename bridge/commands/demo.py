"""`bridge demo`: the bridge against simulated servers, with a story or to play with."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from bridge import logs
from bridge.commands.common import environment
from bridge.commands.exits import FAILED
from bridge.demo.rehearsal import ENVIRONMENT, LOG, Rehearsal, rehearsal
from bridge.demo.story import tell
from bridge.errors import Config
from bridge.processes.supervisor import stop_on_signals

FOLDER = "demo-data"
LINES_SHOWN = 30


@click.command()
@click.option("--story", is_flag=True, help="Exit after the story: with 0 if it went as expected.")
def demo(*, story: bool) -> None:
    """Run the bridge against a simulated Stripe and forum, and play a member's life on them.

    It needs no accounts and no keys. It keeps running afterwards, so that you can play with it.
    """
    logs.configure("WARNING")
    console = Console(highlight=False)
    console.print("Starting a forum, a Stripe, a database, Redis, and the bridge between them …")
    if not story:
        # Beside a real bridge's files, never among them.
        own = Path(environment().get("BRIDGE_DATA", "")) / FOLDER
        own.mkdir(parents=True, exist_ok=True)
        sys.exit(_play(own, console, stay=True))
    with tempfile.TemporaryDirectory(prefix="bridge-story-") as folder:
        sys.exit(_play(Path(folder), console, stay=False))


def _play(folder: Path, console: Console, *, stay: bool) -> int:
    """Tell the story in a thread of its own: the processes end with this one, which starts them."""
    went_well = threading.Event()
    with _shown_log(folder, console), rehearsal(folder, environment()) as running:
        stop_on_signals(running.supervisor)

        def tell_it() -> None:
            try:
                if tell(running, console):
                    went_well.set()
                else:
                    _show_log(running.log, console)
                if stay:
                    _show_addresses(running, console)
            finally:
                if not stay:
                    running.supervisor.stopping.set()

        teller = threading.Thread(target=tell_it, name="story", daemon=True)
        teller.start()
        running.supervisor.watch()
    return 0 if stay or went_well.is_set() else FAILED


def _show_addresses(running: Rehearsal, console: Console) -> None:
    console.print("\n[bold]The demo keeps running, so that you can try it.[/] Ctrl-C stops it.\n")
    for what, address in running.addresses.items():
        console.print(f"  {what:<24} [link={address}]{address}[/link]", soft_wrap=True)
    console.print(
        "\nTo try the commands, type this in another terminal, in the same directory:\n\n"
        f"  source {running.log.with_name(ENVIRONMENT)} && bridge doctor\n\n"
        "From then on, every `bridge …` command in that terminal talks to this demo.",
        soft_wrap=True,
    )
    console.print(
        "\nOn the forum, choose who you are, open “Become a member” and follow a link. Choose "
        f"mona, a moderator, for the moderators' console. "
        f"The log of the processes is {running.log}.\n",
        soft_wrap=True,
    )


@contextmanager
def _shown_log(folder: Path, console: Console) -> Iterator[None]:
    """Show the log when a process does not start: its lines say why."""
    try:
        yield
    except Config:
        _show_log(folder / LOG, console)
        raise


def _show_log(log: Path, console: Console) -> None:
    if not log.exists():
        return
    console.print("\nThe last lines of the log:")
    for line in log.read_text(encoding="utf-8").splitlines()[-LINES_SHOWN:]:
        console.print(line, markup=False, style="dim", soft_wrap=True)
