"""`bridge demo`: the rehearsal, with or without its story."""

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

FOLDER = Path("demo-data")
LINES_SHOWN = 30


@click.command()
@click.option("--story", is_flag=True, help="End after the story; 0 if all went as expected.")
def demo(*, story: bool) -> None:
    """Run everything against a simulated Stripe and forum, and tell a member's life on it.

    No accounts and no keys are needed. Stays up afterwards, for you to play with.
    """
    logs.configure("WARNING")
    console = Console(highlight=False)
    console.print("Starting a forum, a Stripe, a database, Redis, and the bridge between them …")
    if not story:
        FOLDER.mkdir(exist_ok=True)
        sys.exit(_play(FOLDER, console, stay=True))
    with tempfile.TemporaryDirectory(prefix="bridge-story-") as folder:
        sys.exit(_play(Path(folder), console, stay=False))


def _play(folder: Path, console: Console, *, stay: bool) -> int:
    """The story in a thread: the processes end with the thread that started them, this one."""
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
    console.print("\n[bold]It stays up for you to play with.[/] Ctrl-C stops it.\n")
    for what, address in running.addresses.items():
        console.print(f"  {what:<24} [link={address}]{address}[/link]", soft_wrap=True)
    console.print(
        "\nTo try the commands, type this in another terminal, here:\n\n"
        f"  source {running.log.with_name(ENVIRONMENT)} && bridge doctor\n\n"
        "Afterwards every `bridge …` command in that terminal speaks to this demo.",
        soft_wrap=True,
    )
    console.print(
        "\nOn the forum be whomever you like, open “Become a member” and follow a link. What the "
        f"processes say is in {running.log}.\n",
        soft_wrap=True,
    )


@contextmanager
def _shown_log(folder: Path, console: Console) -> Iterator[None]:
    """When a process does not come up, its lines say why."""
    try:
        yield
    except Config:
        _show_log(folder / LOG, console)
        raise


def _show_log(log: Path, console: Console) -> None:
    if not log.exists():
        return
    console.print("\nThe last lines of the processes:")
    for line in log.read_text(encoding="utf-8").splitlines()[-LINES_SHOWN:]:
        console.print(line, markup=False, style="dim", soft_wrap=True)
