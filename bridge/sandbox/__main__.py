"""`python -m bridge.sandbox`: run both servers until stopped; a JSON line has their addresses.

A scenario is played before that line, from a fixed moment and with a stopped clock, so that its
ids, times and journal are the same each time; then the clock runs.
"""

from __future__ import annotations

import json
import secrets
import signal
import threading
from pathlib import Path
from typing import Any

import click

from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start
from bridge.sandbox.scenario import BEGIN, ScenarioError, play_scenario, read_file
from bridge.sandbox.sending import is_loopback

PRINTED = (
    "stripe_url", "stripe_key", "stripe_webhook_secret", "discourse_url", "discourse_key",
    "discourse_username", "connect_secret",
)  # fmt: skip
BRIDGE_URL = "http://127.0.0.1:8000"  # where `bridge up` listens by default
PORT = click.IntRange(0, 65535)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _loopback(_context: click.Context, _option: click.Parameter, value: Any) -> Any:
    for url in [value] if isinstance(value, str) else value or ():
        if not is_loopback(url):
            raise click.BadParameter(f"{url}: only addresses of this machine are called")
    return value


@click.command()
@click.option("--stripe-port", default=0, type=PORT, help="0: any free port")
@click.option("--discourse-port", default=0, type=PORT, help="0: any free port")
@click.option("--scenario", type=FILE, help="a life to play first, as in bridge/sandbox/scenarios")
@click.option("--seed", default=1, show_default=True, help="the same seed gives the same ids")
@click.option(
    "--discourse-limit",
    default=60,
    type=click.IntRange(0),
    show_default=True,
    help="requests a minute; 0: off",
)
@click.option("--discourse-version", default="3.5", type=click.Choice(["3.2", "3.5"]))
@click.option("--discourse-path", default="", help="a sub-folder such as /forum")
@click.option(
    "--clock-file",
    help="where the clock's offset is written",
    type=click.Path(dir_okay=False, path_type=Path),
)
@click.option("--webhook-url", multiple=True, callback=_loopback, help="where Stripe's events go")
@click.option("--discourse-webhook-url", callback=_loopback, help="where the forum's events go")
@click.option("--stripe-key", multiple=True, help="another key of all rights that Stripe takes")
@click.option("--community", is_flag=True, help="fill both with a demo community")
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"write the settings of a bridge at {BRIDGE_URL} to this file, and send it all events",
)
def main(scenario: Path | None, env_file: Path | None, *, community: bool, **options: Any) -> None:
    """Serve a simulated Stripe and a simulated Discourse."""
    stopped = threading.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, lambda *_: stopped.set())
    try:
        if env_file:
            options |= _for_bridge(env_file, options)
        told = read_file(scenario) if scenario else None
        sandbox = start(**options, frozen_at=BEGIN if told else None)
    except (ScenarioError, OSError) as problem:
        raise click.ClickException(str(problem)) from problem
    try:
        if community:
            open_community(sandbox)
        if env_file:
            _write_settings(env_file, sandbox, options["clock_file"])
        if told:
            play_scenario(sandbox.world, sandbox.info, told)
            sandbox.world.clock.go_on()
        # The secret of the forum's webhooks is needed only if they are sent somewhere.
        secret = ("discourse_webhook_secret",) if options["discourse_webhook_url"] else ()
        click.echo(json.dumps({name: sandbox.info[name] for name in (*PRINTED, *secret)}))
        stopped.wait()
    except ScenarioError as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        sandbox.close()


def _for_bridge(env_file: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Events to the bridge, and a clock that it shares, unless the options say otherwise."""
    return {
        "webhook_url": options["webhook_url"] or (f"{BRIDGE_URL}/webhooks/stripe",),
        "discourse_webhook_url": options["discourse_webhook_url"]
        or f"{BRIDGE_URL}/webhooks/discourse",
        "clock_file": options["clock_file"] or env_file.absolute().with_name("clock"),
    }


def _write_settings(env_file: Path, sandbox: Sandbox, clock_file: Path) -> None:
    """Write the settings to a file that only its owner can read."""
    lines = sandbox.settings() | {"BRIDGE_URL": BRIDGE_URL, "SECRET_KEY": secrets.token_hex(32)}
    lines |= {"BRIDGE_CLOCK_FILE": str(clock_file)}
    env_file.touch(mode=0o600)
    env_file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


if __name__ == "__main__":
    main()
