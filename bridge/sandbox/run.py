"""Both simulated servers together, as the command line and tests in one process start them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from flask import Flask

from bridge.sandbox.control import create_control
from bridge.sandbox.controlled import Controls
from bridge.sandbox.discourse import create_discourse
from bridge.sandbox.discourse.hooks import listen
from bridge.sandbox.discourse.keys import make_key
from bridge.sandbox.discourse.state import Forum
from bridge.sandbox.kernel import Clock, World
from bridge.sandbox.server import CONTROL_PATH, Server, serve
from bridge.sandbox.stripe import accept, account_of, add_webhook, create_stripe

ADMINISTRATOR = "siteadmin"
# A bridge's setting (docs/settings.md) -> the sandbox's value for it.
SETTINGS = {
    "STRIPE_API_KEY": "stripe_key",
    "STRIPE_WEBHOOK_SECRET": "stripe_webhook_secret",
    "STRIPE_API_BASE": "stripe_url",
    "DISCOURSE_URL": "discourse_url",
    "DISCOURSE_API_KEY": "discourse_key",
    "DISCOURSE_API_USERNAME": "discourse_username",
    "DISCOURSE_CONNECT_SECRET": "connect_secret",
    "DISCOURSE_WEBHOOK_SECRET": "discourse_webhook_secret",
}


@dataclass(slots=True)
class Sandbox:
    """Two running servers, and how to reach them."""

    world: World
    stripe: Server
    discourse: Server
    info: dict[str, str]
    apps: dict[str, Flask] = field(default_factory=dict)

    @property
    def forum(self) -> Forum:
        """The forum's state."""
        found: Forum = self.world.parts["discourse"]
        return found

    def settings(self) -> dict[str, str]:
        """The settings of a bridge that say where both servers are, and with which secrets."""
        return {name: self.info[of] for name, of in SETTINGS.items()}

    def close(self) -> None:
        """Stop both servers and the background work."""
        self.stripe.close()
        self.discourse.close()
        self.world.close()


def start(  # noqa: PLR0913 - each is an option of the command line
    *,
    stripe_port: int = 0,
    discourse_port: int = 0,
    seed: int = 1,
    discourse_limit: int = 60,
    discourse_version: str = "3.5",
    discourse_path: str = "",
    clock_file: Path | None = None,
    frozen_at: float | None = None,
    webhook_url: tuple[str, ...] = (),
    discourse_webhook_url: str | None = None,
    stripe_key: tuple[str, ...] = (),
) -> Sandbox:
    """Start both; ports 0 are chosen by the system.

    Stripe accepts only the key that is made here and those in `stripe_key`.
    """
    world = World(seed, Clock(clock_file, frozen_at))
    info = _secrets(world)
    apps = {
        "stripe": create_stripe(world),
        "discourse": create_discourse(
            world,
            limit=discourse_limit,
            version=discourse_version,
            path=discourse_path,
            connect_secret=info["connect_secret"],
        ),
    }
    info["discourse_key"] = make_key(world, world.parts["discourse"], "bridge").key
    info["stripe_key"] = world.ids.new("sk_test", 24)
    stripe, discourse = _serve(world, apps, info, (stripe_port, discourse_port))
    for known in (info["stripe_key"], *stripe_key):
        accept(world, known)
    _add_webhooks(world, info, webhook_url, discourse_webhook_url)
    return Sandbox(world, stripe, discourse, info, apps)


def _serve(
    world: World, apps: dict[str, Flask], info: dict[str, str], ports: tuple[int, int]
) -> tuple[Server, Server]:
    """Serve both, and note their addresses where links and callers look for them."""
    forum: Forum = world.parts["discourse"]
    controls = Controls(world, info)
    control = cache(lambda: create_control(controls))
    stripe = serve(world, "stripe", apps["stripe"], ports[0], control=control)
    discourse = serve(
        world, "discourse", apps["discourse"], ports[1], host="localhost", control=control
    )
    account_of(world).base_url, forum.url = stripe.url, discourse.url
    info |= {
        "stripe_url": stripe.url,
        "discourse_url": forum.address,
        "control_url": discourse.url + CONTROL_PATH,
    }
    return stripe, discourse


def _add_webhooks(
    world: World, info: dict[str, str], of_stripe: tuple[str, ...], of_forum: str | None
) -> None:
    for url in of_stripe:
        add_webhook(world, url, secret=info["stripe_webhook_secret"])
    if of_forum:
        listen(world.parts["discourse"], of_forum, info["discourse_webhook_secret"])


def _secrets(world: World) -> dict[str, str]:
    """The secrets that a bridge shares with both servers, made for this world."""
    return {
        "connect_secret": world.ids.hexadecimal(32),
        "discourse_webhook_secret": world.ids.hexadecimal(32),
        "stripe_webhook_secret": world.ids.new("whsec", 32),
        "discourse_username": ADMINISTRATOR,
    }
