"""The rehearsal: a whole bridge of real processes between a simulated Stripe and a simulated forum.

The sandbox's servers run in this process, everything else is supervised as by `bridge up`; what
differs from a real installation is in the settings alone.
"""

from __future__ import annotations

import secrets
import shutil
import socket
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
from bridge.settings import SETTINGS, Settings
from bridge.store import state
from bridge.wiring import Bridge, build
from bridge.worker.rule_changes import FOLLOWED

HOST = "127.0.0.1"
LOG = "bridge.log"
OPENING_SECONDS = 60.0
LOOK_SECONDS = 0.1
# Nobody waits a minute for a removal, or ten for a message, in a rehearsal.
POLICY = """\
[site]
removal_confirm_seconds = 1
statement_quiet_seconds = 1
statement_renewal_seconds = 1
sweep_seconds = 5

# Patrons leave the supporters' group: on this ladder, an upgrade is a swap without a gap.
[prices.patron-monthly]
groups = ["patrons"]

[prices.patron-yearly]
groups = ["patrons"]
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
            "Your statement, here": f"{bridge_url}/me",
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
        port = _free_port()
        sandbox = start(
            clock_file=folder / "clock",
            webhook_url=(f"http://{HOST}:{port}/webhooks/stripe",),
            discourse_webhook_url=f"http://{HOST}:{port}/webhooks/discourse",
        )
        stack.callback(sandbox.close)
        open_community(sandbox, f"http://{HOST}:{port}")
        (folder / "bridge.toml").write_text(POLICY)
        own = _environment(sandbox, folder, port, env)
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
            followed = state.get(connection, FOLLOWED) or {}
        if followed.get("rules"):
            return
        if time.monotonic() > deadline:
            raise Config(
                "B117",
                f"the sweeper did not read Stripe's catalogue in {OPENING_SECONDS:.0f} s.",
                f"Its own lines in {log} say why.",
            )


def _environment(
    sandbox: Sandbox, folder: Path, port: int, env: Mapping[str, str]
) -> dict[str, str]:
    """The environment with every setting said, so that none of a real installation slips in."""
    info = sandbox.info
    unset = {name: "" for one in SETTINGS for name in (one.name, f"{one.name}_FILE")}
    return {
        **env,
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


def _empty(folder: Path) -> None:
    """Forget the last rehearsal; the lock that is held stays."""
    for child in folder.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        elif child.name != "lock":
            child.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
