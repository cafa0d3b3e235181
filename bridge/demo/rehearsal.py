"""The rehearsal: a whole bridge of real processes between a simulated Stripe and a simulated forum.

The sandbox's servers run in this process, everything else is supervised as by `bridge up`; what
differs from a real installation is in the settings alone.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import Config
from bridge.processes.programs import programs
from bridge.processes.startup import prepare
from bridge.processes.supervisor import Supervisor, only_one
from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start
from bridge.setting_values import SETTINGS
from bridge.settings import Settings
from bridge.store import state
from bridge.wiring import Bridge, build

HOST = "127.0.0.1"
LOG = "bridge.log"
PORTS = "ports.json"
# What a shell reads so that each `bridge …` command speaks to the rehearsal.
ENVIRONMENT = "bridge.env"
KEPT = ("lock", PORTS)
OPENING_SECONDS = 60.0
LOOK_SECONDS = 0.1
# Nobody waits a minute for a removal, or ten for a message, in a rehearsal.
POLICY = """\
[site]
removal_confirm_seconds = 1
statement_quiet_seconds = 1
statement_renewal_seconds = 1
sweep_seconds = 5
"""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What runs, and where."""

    settings: Settings
    sandbox: Sandbox
    bridge: Bridge
    supervisor: Supervisor
    log: Path

    @property
    def addresses(self) -> dict[str, str]:
        """What to open in a browser."""
        forum, bridge_url = self.settings.discourse_url, self.settings.bridge_url
        return {
            "The forum": f"{forum}/",
            "Memberships on offer": f"{bridge_url}/join",
            "Your statement, here": f"{bridge_url}/me",
            "Moderators' console": f"{bridge_url}/moderate",
            "Stripe's dashboard": f"{self.settings.stripe_api_base}/_dashboard",
            "Clock, faults, webhooks": self.sandbox.info["control_url"],
            "Figures": f"{bridge_url}/metrics",
        }


@contextmanager
def rehearsal(folder: Path, env: Mapping[str, str]) -> Iterator[Rehearsal]:
    """Start everything in a folder of its own, which is emptied first. In the main thread."""
    with ExitStack() as stack:
        stack.enter_context(only_one(folder))
        _empty(folder)
        ports = _ports(folder)
        port = ports["bridge"]
        sandbox = start(
            stripe_port=ports["stripe"],
            discourse_port=ports["discourse"],
            clock_file=folder / "clock",
            webhook_url=(f"http://{HOST}:{port}/webhooks/stripe",),
            discourse_webhook_url=f"http://{HOST}:{port}/webhooks/discourse",
        )
        stack.callback(sandbox.close)
        open_community(sandbox, f"http://{HOST}:{port}")
        (folder / "bridge.toml").write_text(POLICY)
        given = _settings(sandbox, folder.resolve(), port)
        _write_environment(folder, given)
        own = {**env, **given}
        settings = Settings.from_env(own)
        bridge = build(settings)
        stack.callback(bridge.store.close)
        prepare(bridge)
        log = folder / LOG
        lines = stack.enter_context(log.open("w", buffering=1, encoding="utf-8"))

        def write(line: str) -> None:
            lines.write(line)

        supervisor = Supervisor(programs(settings, own, HOST, port), own, write)
        stack.callback(supervisor.stop)
        supervisor.start()
        _await_offers(bridge, supervisor, log)
        yield Rehearsal(settings, sandbox, bridge, supervisor, log)


def _await_offers(bridge: Bridge, supervisor: Supervisor, log: Path) -> None:
    """Wait for the sweeper's first look at Stripe: before it, no link leads to anything."""
    deadline = time.monotonic() + OPENING_SECONDS
    while not supervisor.stopping.wait(LOOK_SECONDS):
        with bridge.store.read() as connection:
            followed = state.get(connection, state.RULES_FOLLOWED) or {}
        if followed.get("rules"):
            return
        if time.monotonic() > deadline:
            raise Config(
                "B117",
                f"the sweeper did not read Stripe's catalogue in {OPENING_SECONDS:.0f} s.",
                f"Its own lines in {log} say why.",
            )


def _settings(sandbox: Sandbox, folder: Path, port: int) -> dict[str, str]:
    """Every setting, the unused ones empty, so that none of a real installation slips in."""
    info = sandbox.info
    unset = {name: "" for one in SETTINGS for name in (one.name, f"{one.name}_FILE")}
    return {
        **unset,
        "STRIPE_API_KEY": info["stripe_key"],
        "STRIPE_WEBHOOK_SECRET": info["stripe_webhook_secret"],
        "STRIPE_API_BASE": info["stripe_url"],
        "DISCOURSE_URL": info["discourse_url"],
        "DISCOURSE_API_KEY": info["discourse_key"],
        "DISCOURSE_API_USERNAME": info["discourse_username"],
        "DISCOURSE_CONNECT_SECRET": info["connect_secret"],
        "DISCOURSE_WEBHOOK_SECRET": info["discourse_webhook_secret"],
        "BRIDGE_URL": f"http://{HOST}:{port}",
        "SECRET_KEY": secrets.token_hex(32),
        "BRIDGE_DATA": str(folder),
        "BRIDGE_CONFIG": str(folder / "bridge.toml"),
        "BRIDGE_CLOCK_FILE": str(folder / "clock"),
        "WEB_PORT": str(port),
    }


def _write_environment(folder: Path, given: Mapping[str, str]) -> None:
    """A file that a shell can `source`: the settings, and this Python's `bridge` on the path."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in given.items() if value]
    unset = " ".join(name for name, value in given.items() if not value)
    programs_here = shlex.quote(str(Path(sys.executable).parent))
    text = "\n".join([*lines, f"unset {unset}", f'export PATH={programs_here}:"$PATH"', ""])
    (folder / ENVIRONMENT).write_text(text, encoding="utf-8")


def _empty(folder: Path) -> None:
    """Delete the last rehearsal; the held lock and the ports stay."""
    for child in folder.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        elif child.name not in KEPT:
            child.unlink()


def _ports(folder: Path) -> dict[str, int]:
    """The ports of the last rehearsal in this folder, each replaced if something else has it."""
    file = folder / PORTS
    last = json.loads(file.read_text()) if file.exists() else {}
    with ExitStack() as held:
        ports = {name: _held(held, last.get(name, 0)) for name in ("bridge", "stripe", "discourse")}
    file.write_text(json.dumps(ports))
    return ports


def _held(held: ExitStack, port: int) -> int:
    """This port, or any other if it is taken; held so that no two are the same."""
    probe = held.enter_context(socket.socket())
    # As the servers do: connections of the last rehearsal may still be closing.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
    except OSError:
        probe.bind((HOST, 0))
    found: int = probe.getsockname()[1]
    return found
