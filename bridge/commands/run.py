"""Run the bridge: everything on one machine, or a single process."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable

import click

from bridge.commands.common import console, environment, settings, the_bridge
from bridge.errors import Config
from bridge.processes.programs import programs, require_free
from bridge.processes.startup import check_mode, prepare
from bridge.processes.supervisor import Supervisor, only_one, stop_on_signals

host_option = click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 means all.",
)
port_option = click.option(
    "--port", type=click.IntRange(1, 65_535), help="Port; default: WEB_PORT."
)


@click.command()
@host_option
@port_option
def up(host: str, port: int | None) -> None:
    """Run everything on this machine until it is stopped; restart processes that die."""
    env = environment()
    found = settings(env)
    port = port or found.web_port
    with only_one(found.bridge_data):
        require_free(host, port)
        with the_bridge() as bridge:
            prepare(bridge)
        supervisor = Supervisor(programs(found, env, host, port), env, to_terminal())
        stop_on_signals(supervisor)
        supervisor.start()
        click.echo(f"The bridge is up at {found.bridge_url} (port {port}). Ctrl-C stops it.")
        supervisor.watch()


@click.command()
@host_option
@port_option
def web(host: str, port: int | None) -> None:
    """Run the web server: webhooks and pages."""
    from bridge.processes.serve import serve  # noqa: PLC0415 - only this process needs a web server

    found = settings()
    serve(found, host, port or found.web_port)


@click.command()
def worker() -> None:
    """Run a worker: decide memberships and update the forum as soon as work is due."""
    from bridge.worker.rq_worker import run  # noqa: PLC0415 - only this process needs RQ's worker

    with the_bridge() as bridge:
        check_mode(bridge)
        if bridge.settings.redis_url is None:
            raise Config(
                "B119",
                "a worker waits for jobs in Redis, and REDIS_URL is not set.",
                "Set REDIS_URL, or run only `bridge sweep`: it then does the work itself.",
            )
        run(bridge, bridge.settings.redis_url)


@click.command()
@click.option("--once", is_flag=True, help="Sweep once, then exit.")
def sweep(*, once: bool) -> None:
    """Run the sweeper: it finds work that is due, missed events and changes in the groups."""
    from bridge.worker import sweeper  # noqa: PLC0415 - as above

    with the_bridge() as bridge:
        check_mode(bridge)
        if once:
            console().print(f"Tasks that were due: {sweeper.tick(bridge)}")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        sweeper.run(bridge, stop)


@click.command()
def migrate() -> None:
    """Update the database to this version. It is safe to repeat and to run in parallel."""
    with the_bridge() as bridge:
        prepare(bridge)
        where = bridge.store.url.render_as_string(hide_password=True)
    console().print(f"{where} is up to date.")


def to_terminal() -> Callable[[str], None]:
    """Write the lines of all processes to the terminal, each line whole."""

    def write(line: str) -> None:
        sys.stdout.write(line)
        sys.stdout.flush()

    return write
