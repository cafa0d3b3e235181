"""Checks before a process starts: the tables exist, and the data are of one Stripe mode only.

With a key of the other mode, all customers would look deleted and everybody would lose their
groups. So the first start records the mode, and a start with the other one is refused.
"""

from __future__ import annotations

from bridge.errors import Config
from bridge.store import migrate, state
from bridge.wiring import Bridge

MODE = "stripe.livemode"


def mode_problem(bridge: Bridge) -> Config | None:
    """The refusal, if the database holds data of the other mode."""
    with bridge.store.read() as connection:
        held = state.get(connection, MODE)
    if held is None or held == bridge.settings.livemode:
        return None
    words = {True: "live", False: "test"}
    return Config(
        "B123",
        f"the database holds data of Stripe's {words[bool(held)]} mode, and STRIPE_API_KEY is a "
        f"{words[bridge.settings.livemode]} key.",
        "Use the other key, or an empty database.",
    )


def check_mode(bridge: Bridge) -> None:
    """Refuse the wrong mode; record the mode on the first start. Raises Config."""
    if problem := mode_problem(bridge):
        raise problem
    with bridge.store.read() as connection:
        if state.get(connection, MODE) is not None:
            return
    with bridge.store.write() as connection:
        state.put(connection, MODE, bridge.settings.livemode)


def prepare(bridge: Bridge) -> None:
    """Make the tables and the request slots; refuse data of the other Stripe mode."""
    migrate.upgrade(bridge.store, bridge.clock.now())
    check_mode(bridge)
    bridge.limiter.prepare()
