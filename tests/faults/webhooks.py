"""How long a webhook takes while something else goes wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import statistics
import time

import requests

from tests.processes import Live

WEBHOOK_SECONDS = 0.1
WEBHOOKS = 15


def send_event(live: Live, number: int) -> float:
    """Deliver an event as Stripe does; how long its answer took."""
    secret = live.system.sandbox.info["stripe_webhook_secret"]
    at = int(live.system.bridge.clock.now().timestamp())
    body = json.dumps(
        {
            "id": f"evt_slow_{number}",
            "object": "event",
            "type": "customer.updated",
            "created": at,
            "livemode": False,
            "api_version": "2025-03-31.basil",
            "data": {"object": {"id": "cus_slow", "object": "customer"}},
        }
    ).encode()
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    began = time.perf_counter()
    answer = requests.post(
        f"{live.system.url}/webhooks/stripe",
        body,
        headers={"Stripe-Signature": f"t={at},v1={mac}"},
        timeout=30,
    )
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    return took


def webhooks_take(live: Live) -> float:
    """How long a webhook takes; the middle of several, for the machine is busy at times."""
    return statistics.median(send_event(live, number) for number in range(WEBHOOKS))
