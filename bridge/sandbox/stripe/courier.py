"""Sends what `delivery` has planned: signed as Stripe does, to loopback only, in the background."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

from bridge.sandbox.kernel import World
from bridge.sandbox.sending import Post
from bridge.sandbox.stripe import delivery
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.timeline import tick
from bridge.sandbox.stripe.versions import downgrade

PATHS = {
    "customer": "/v1/customers/",
    "subscription": "/v1/subscriptions/",
    "invoice": "/v1/invoices/",
    "charge": "/v1/charges/",
    "checkout.session": "/v1/checkout/sessions/",
    "payment_intent": "/v1/payment_intents/",
    "product": "/v1/products/",
    "price": "/v1/prices/",
    "refund": "/v1/refunds/",
    "dispute": "/v1/disputes/",
}


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the header Stripe-Signature."""
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def iso(seconds: float) -> str:
    """A time as API version 2 writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def thin(event: Obj, kind: str) -> Obj:
    """The event without its object, for endpoints of thin events."""
    obj = event["data"]["object"]
    path = PATHS.get(obj["object"], f"/v1/{obj['object'].replace('.', '/')}s/")
    request = event["request"]
    return {
        "id": event["id"] if kind == f"v1.{event['type']}" else f"{event['id']}_{kind[-6:]}",
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": iso(event["created"]),
        "context": None,
        "reason": {
            "type": "request",
            "request": {"id": request["id"], "idempotency_key": request["idempotency_key"] or ""},
        }
        if request["id"]
        else None,
        "related_object": {
            "id": obj.get("id"),
            "type": obj["object"],
            "url": f"{path}{obj.get('id')}",
        },
    }


def body_of(account: Account, endpoint: Obj, event: Obj, kind: str) -> bytes:
    """The exact bytes that an endpoint gets, in its own API version."""
    if endpoint.get("_thin"):
        shown = thin(event, kind)
    else:
        version = endpoint["api_version"] or event["api_version"]
        data = {k: downgrade(account, v, version) for k, v in event["data"].items()}
        hidden = {k: v for k, v in event.items() if not k.startswith("_")}
        shown = {**hidden, "api_version": version, "data": data}
    return json.dumps(shown, indent=2).encode()


def send_next(world: World, post: Post) -> bool:
    """Send one due delivery; False if there is none."""
    with world.lock:
        tick(world)
        account = account_of(world)
        planned = delivery.due(account, world.clock.now())
        if planned is None:
            return False
        planned["state"] = "sending"
        endpoint = account.get("webhook_endpoint", planned["endpoint"])
        event = account.tables["event"].get(planned["event"])
        body = body_of(account, endpoint, event, planned["type"]) if endpoint and event else b""
    if endpoint is None:
        status, note = 200, "the endpoint is gone"
    else:
        status, answer = post(endpoint["url"], body, _headers(endpoint["_secret"], body))
        note = "" if status else answer
    with world.lock:
        delivery.finish(account, planned, status, world.clock.now(), note)
    return True


def _headers(secret: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        # Wall-clock time, because the receiver compares it with its own clock.
        "Stripe-Signature": signature(secret, body, int(time.time())),
    }
