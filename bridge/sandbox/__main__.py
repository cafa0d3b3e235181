"""`python -m bridge.sandbox`: serve both until stopped; one JSON line says how to reach them."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import click

from bridge.sandbox.community import open_community
from bridge.sandbox.run import start
from bridge.sandbox.scenario import play_file


@click.command()
@click.option("--stripe-port", default=0, help="0: any free port")
@click.option("--discourse-port", default=0, help="0: any free port")
@click.option("--scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seed", default=1, show_default=True)
@click.option("--discourse-limit", default=60, show_default=True, help="requests a minute; 0: off")
@click.option("--discourse-version", default="3.5", type=click.Choice(["3.2", "3.5"]))
@click.option("--discourse-path", default="", help="a sub-folder such as /forum")
@click.option("--clock-file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--webhook-url", multiple=True, help="where Stripe's events go")
@click.option("--discourse-webhook-url", help="where the forum's events go")
@click.option("--community", is_flag=True, help="fill both with a demo community")
def main(scenario: Path | None, *, community: bool, **options: Any) -> None:
    """Serve a simulated Stripe and a simulated Discourse."""
    stopped = threading.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, lambda *_: stopped.set())
    sandbox = start(**options)
    try:
        if community:
            open_community(sandbox)
        click.echo(json.dumps(sandbox.info))
        if scenario:
            play_file(sandbox.world, sandbox.info, scenario)
        stopped.wait()
    finally:
        sandbox.close()


if __name__ == "__main__":
    main()
