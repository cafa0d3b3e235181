"""Checks that need a trial: the secrets, the port, and how Stripe's page bills a change."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from datetime import timedelta

import requests

from bridge.core.events.needed import DECIDING_TYPES
from bridge.core.rights.switching import PortalTerms
from bridge.core.signed import connect
from bridge.discourse_api import connect_probe
from bridge.doctor.findings import Finding, cause
from bridge.errors import BridgeError
from bridge.store import inbox, migrate
from bridge.wiring import Bridge

REACH_SECONDS = 3
# Stripe delivers within seconds; a busy machine gets some time.
DELIVERED_WITHIN = timedelta(minutes=10)
HERE = "127.0.0.1"


def port(bridge: Bridge) -> Iterator[Finding]:
    """Check that the port is free, or that the bridge itself listens there."""
    number = bridge.settings.web_port
    with socket.socket() as probe:
        probe.settimeout(REACH_SECONDS)
        is_taken = probe.connect_ex((HERE, number)) == 0
    if not is_taken:
        yield Finding("Port", "ok", f"{number} is free")
    elif _is_a_bridge(number):
        yield Finding("Port", "ok", f"{number}: the bridge is running")
    else:
        yield Finding(
            "Port",
            "problem",
            f"another program listens on {number}",
            "B124",
            "Set WEB_PORT to a free port, or stop that program.",
        )


def _is_a_bridge(number: int) -> bool:
    try:
        answer = requests.get(f"http://{HERE}:{number}/readyz", timeout=REACH_SECONDS)
        return "database" in answer.json()
    except (requests.RequestException, ValueError, TypeError):
        return False


def connect_secret(bridge: Bridge) -> Iterator[Finding]:
    """Ask the forum who is signed in, as pages do; it answers only if the secret is right."""
    settings = bridge.settings
    address = f"{settings.bridge_url}/login/back"
    query = connect.question(
        secrets.token_urlsafe(16), address, settings.discourse_connect_secret, silent=True
    )
    try:
        said = connect_probe.ask(connect.silent_address(settings.discourse_url, query))
    except BridgeError as error:
        hint = cause(error, "DISCOURSE_URL")
        yield Finding("Signing in", "problem", str(error), "B131", hint)
        return
    if said == "accepted":
        yield Finding("Signing in", "ok", "the forum accepts DISCOURSE_CONNECT_SECRET")
        return
    message, hint = _CONNECT[said]
    yield Finding("Signing in", "problem", message.format(address), "B132", hint)


_CONNECT = {
    "off": (
        "the forum does not let anybody sign in to the bridge",
        "On the forum, under Admin, Settings: switch on enable_discourse_connect_provider.",
    ),
    "no_secret": (
        "the forum has no secret for the host of {}",
        "On the forum, under Admin, Settings: add it to discourse_connect_provider_secrets.",
    ),
    "wrong": (
        "the forum refuses DISCOURSE_CONNECT_SECRET",
        "Copy the secret for BRIDGE_URL's host from discourse_connect_provider_secrets.",
    ),
    "unclear": (
        "the forum's answer to a sign-in makes no sense",
        "Open DISCOURSE_URL/session/sso_provider from this machine and see what answers.",
    ),
}


def webhook_secret(bridge: Bridge) -> Iterator[Finding]:
    """Check that Stripe's newest event arrived here, signed with a configured secret.

    Stripe never reveals the secret of an endpoint. An event that arrived is the only proof.
    """
    if migrate.state(bridge.store) != "current":
        yield Finding("Webhooks", "note", "secret not checked: the bridge has not run yet")
        return
    try:
        newest = next(iter(bridge.stripe.events_since(None, DECIDING_TYPES)), [])
    except BridgeError as error:
        yield Finding("Webhooks", "note", f"secret not checked: {error}")
        return
    now = bridge.clock.now().timestamp()
    old = [one for one in newest if now - one["created"] > DELIVERED_WITHIN.total_seconds()]
    with bridge.store.read() as connection:
        arrived = inbox.delivered(connection, [one["id"] for one in newest])
    if arrived:
        yield Finding("Webhooks", "ok", f"{arrived[0]} arrived, signed with STRIPE_WEBHOOK_SECRET")
    elif old:
        yield Finding(
            "Webhooks",
            "problem",
            f"Stripe's event {old[-1]['id']} did not arrive: the secret or the address is wrong",
            "B165",
            "Compare STRIPE_WEBHOOK_SECRET with the endpoint's signing secret at Stripe "
            "(Developers, Webhooks), and look at its failed deliveries there.",
        )
    else:
        yield Finding("Webhooks", "note", "secret not checked: Stripe has sent no event lately")


def proration(terms: PortalTerms | None) -> Iterator[Finding]:
    """Check that a change of plan on Stripe's page is billed at once."""
    hint = "At Stripe, under Settings, Billing, Customer portal: invoice prorations immediately."
    if terms is not None and terms.proration == "none":
        message = "a change of plan on Stripe's page is not billed until the next period"
        yield Finding("Portal", "problem", message, "B166", hint)
    elif terms is not None and terms.proration != "always_invoice":
        message = "a change of plan on Stripe's page is not billed until the next invoice"
        yield Finding("Portal", "note", message, hint=hint)
