"""Both simulated servers together, as the command line and tests in one process start them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from bridge.sandbox.control import create_control
from bridge.sandbox.discourse import create_discourse
from bridge.sandbox.discourse.hooks import listen
from bridge.sandbox.discourse.keys import make_key
from bridge.sandbox.discourse.state import Forum
from bridge.sandbox.kernel import Clock, World
from bridge.sandbox.server import CONTROL_PATH, Server, serve
from bridge.sandbox.stripe import accept, account_of, add_webhook, create_stripe

ADMINISTRATOR = "siteadmin"


@dataclass(slots=True)
class Sandbox:
    """Two running servers and what one has to know to use them."""

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

    def close(self) -> None:
        """Stop both servers and what runs in the background."""
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

    Stripe takes the key that is made here and those given as `stripe_key`, and no others.
    """
    world = World(seed, Clock(clock_file, frozen_at))
    connect_secret, hook_secret = world.ids.hexadecimal(32), world.ids.hexadecimal(32)
    stripe_secret = world.ids.new("whsec", 32)
    apps = {
        "stripe": create_stripe(world),
        "discourse": create_discourse(
            world,
            limit=discourse_limit,
            version=discourse_version,
            path=discourse_path,
            connect_secret=connect_secret,
        ),
    }
    forum: Forum = world.parts["discourse"]
    key = make_key(world, forum, "bridge")
    info = {
        "stripe_key": world.ids.new("sk_test", 24),
        "stripe_webhook_secret": stripe_secret,
        "discourse_key": key.key,
        "discourse_username": ADMINISTRATOR,
        "connect_secret": connect_secret,
        "discourse_webhook_secret": hook_secret,
    }
    control = create_control(world, info)
    stripe = serve(world, "stripe", apps["stripe"], stripe_port, control=control)
    discourse = serve(
        world, "discourse", apps["discourse"], discourse_port, host="localhost", control=control
    )
    forum.url = discourse.url
    info |= {
        "stripe_url": stripe.url,
        "discourse_url": forum.address,
        "control_url": discourse.url + CONTROL_PATH,
    }
    account_of(world).base_url = stripe.url
    for known in (info["stripe_key"], *stripe_key):
        accept(world, known)
    for url in webhook_url:
        add_webhook(world, url, secret=stripe_secret)
    if discourse_webhook_url:
        listen(forum, discourse_webhook_url, hook_secret)
    return Sandbox(world, stripe, discourse, info, apps)
