"""Stripe's official command line tool drives the simulated Stripe with its own scenarios.

The tool is found through the variable STRIPE_CLI, on the PATH, or as build/stripe-cli.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from bridge.sandbox.kernel import World
from bridge.sandbox.server import serve
from bridge.sandbox.stripe import account_of, advance, create_stripe
from tests.contract.stripe_shapes import problems

pytestmark = pytest.mark.contract
BUILT = Path(__file__).parents[2] / "build" / "stripe-cli"
KEY = "sk_test_1234567890123456"
DAY = 86_400

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"
BEGIN, END = "<!-- scenarios: begin -->\n", "<!-- scenarios: end -->\n"

# Families that a community subscription never meets.
UNSUPPORTED = {
    "account": "connected accounts",
    "identity": "identity checks",
    "issuing": "card issuing",
    "quote": "quotes",
    "reporting": "report runs",
    "topup": "top-ups of connected accounts",
    "transfer": "transfers to connected accounts",
    "v1.billing.meter": "usage meters",
}
# Scenarios that are no event's name, or whose event nobody can cause at once.
CAUSES = {
    "subscription.payment_failed": "invoice.payment_failed",
    "subscription.payment_succeeded": "invoice.payment_succeeded",
    "subscription_schedule.aborted": "subscription_schedule.canceled",
    "subscription_schedule.expiring": "test_helpers.test_clock.ready",  # stops two days too early
    "checkout.session.async_payment_failed": "checkout.session.async_payment_succeeded",
}


@cache
def tool() -> str | None:
    named = os.environ.get("STRIPE_CLI") or shutil.which("stripe")
    return named or (str(BUILT) if BUILT.exists() else None)


@cache
def scenarios() -> list[str]:
    """The events that the tool can trigger, from its help."""
    if tool() is None:
        return []
    told = subprocess.run(
        [str(tool()), "trigger", "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    listed = told.split("Supported events:")[1].split("Usage:")[0]
    return [line.strip() for line in listed.splitlines() if line.strip()]


def why_not(scenario: str) -> str | None:
    """The reason why a scenario is not supported."""
    found = [why for prefix, why in UNSUPPORTED.items() if scenario.startswith(prefix)]
    return found[0] if found else None


def table() -> str:
    """How many scenarios are run, and the others with their reasons."""
    others = [name for name in scenarios() if name not in SUPPORTED]
    summary = (
        f"{len(SUPPORTED)} of the tool's {len(scenarios())} scenarios are run. Each event and "
        f"answer is compared with the examples and types. The other {len(others)}:"
    )
    lines = [summary, "", "| scenario | why not |", "|---|---|"]
    lines += [f"| `{name}` | {why_not(name)} |" for name in others]
    return "\n".join(lines) + "\n"


SUPPORTED = [name for name in scenarios() if why_not(name) is None]


@pytest.mark.skipif(tool() is None, reason="the official command line tool is not installed")
def test_the_documentation_lists_every_scenario_that_is_not_supported_with_its_reason() -> None:
    assert DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0] == table(), (
        "write it anew: python -m tests.contract.test_sandbox_stripe_cli"
    )


@pytest.mark.skipif(tool() is None, reason="the official command line tool is not installed")
@pytest.mark.parametrize("scenario", SUPPORTED or ["none"])
def test_scenario_runs_and_causes_its_event(scenario: str, tmp_path: Path) -> None:
    world = World()
    server = serve(world, "stripe", create_stripe(world))
    try:
        done = subprocess.run(
            [str(tool()), "trigger", scenario, "--api-base", server.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={
                "HOME": str(tmp_path),
                "STRIPE_API_KEY": KEY,
                "PATH": os.environ["PATH"],
                # Its telemetry has a race of its own, and panics at the end of a run.
                "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
            },
        )
        assert done.returncode == 0, done.stdout + done.stderr
        wanted = CAUSES.get(scenario, scenario)
        if wanted not in happened(world):
            advance(world, 30 * DAY)
        assert wanted in happened(world), done.stdout + done.stderr
        assert {p for e in world.journal.since() for p in problems(e.response)} == set()
    finally:
        server.close()
        world.close()


def happened(world: World) -> set[str]:
    return {event["type"] for event in account_of(world).tables["event"].values()}


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
