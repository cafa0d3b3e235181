"""Webhooks of Stripe and Discourse: verify, store once, mark dirty, answer. Nothing else.

The answer is 200 only when the event is on the disk. It is processed later.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import timedelta

import structlog
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.core.events.forum import ForumEvent, read_forum_event
from bridge.core.events.outcome import Outcome, dead, on_arrival
from bridge.core.events.stripe import Event, MalformedEvent, read_event
from bridge.crashpoints import crashpoint
from bridge.errors import Transient
from bridge.store import inbox
from bridge.web.limiting import the_limiter
from bridge.wiring import Bridge

log = structlog.get_logger()
blueprint = Blueprint("webhooks", __name__)
MOST_BYTES = 256 * 1024
GATHER_SECONDS = 1.0  # several events about one customer become one round of work
NO_NUMBER = re.compile(r"[^0-9]")
# RecursionError: json.loads fails on brackets that are nested thousands deep.
UNREADABLE = (MalformedEvent, ValueError, RecursionError)


@blueprint.post("/webhooks/stripe")
def stripe() -> Response:
    """Receive an event from Stripe, snapshot or thin, of any API version."""
    bridge: Bridge = current_app.extensions["bridge"]
    body = _body()
    if body is None:
        return _answer(413, "the body is larger than 256 KiB")
    header = request.headers.get("Stripe-Signature", "")
    if not bridge.stripe.verify_signature(body, header, bridge.settings.stripe_webhook_secrets):
        why = "the signature is missing, wrong, or more than five minutes off"
        return _refused("stripe", why, check="STRIPE_WEBHOOK_SECRET and the clock")
    try:
        event = read_event(json.loads(body))
    except UNREADABLE as error:
        # Signed by Stripe but not an event: it is kept and shown as dead.
        event = _unreadable(body, bridge)
        return _store(bridge, event, body, source="stripe", ended=dead(f"unreadable: {error}"))
    ended = on_arrival(event, livemode=bridge.settings.livemode, now=bridge.clock.now())
    return _store(bridge, event, body, source="stripe", ended=ended)


@blueprint.post("/webhooks/discourse")
def discourse() -> Response:
    """Receive an event from the forum; without a secret, the address does not exist."""
    bridge: Bridge = current_app.extensions["bridge"]
    secret = bridge.settings.discourse_webhook_secret
    if secret is None:
        return _answer(404, "DISCOURSE_WEBHOOK_SECRET is not set")
    body = _body()
    if body is None:
        return _answer(413, "the body is larger than 256 KiB")
    signed = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(
        signed.encode(), request.headers.get("X-Discourse-Event-Signature", "").encode()
    ):
        why = "the signature is missing or wrong"
        return _refused("discourse", why, check="DISCOURSE_WEBHOOK_SECRET")
    # The forum gives a retry a new id, so the same body counts as the same event, too.
    event_id = (
        f"discourse_{NO_NUMBER.sub('', request.headers.get('X-Discourse-Event-Id', ''))[:20]}_"
        + hashlib.sha256(body).hexdigest()[:24]
    )
    try:
        name = request.headers.get("X-Discourse-Event", "")
        event = read_forum_event(event_id, name, json.loads(body))
    except UNREADABLE as error:
        return _answer(400, f"this is no event of Discourse's: {error}")
    return _store(bridge, event, body, source="discourse")


def _store(
    bridge: Bridge,
    event: Event | ForumEvent,
    body: bytes,
    *,
    source: str,
    ended: Outcome | None = None,
) -> Response:
    now = bridge.clock.now()
    try:
        with bridge.store.write() as connection:
            new = inbox.record(
                connection,
                event,
                source=source,
                payload_sha256=hashlib.sha256(body).hexdigest(),
                now=now,
                due_at=now + timedelta(seconds=GATHER_SECONDS),
                ended=ended,
            )
            crashpoint("before_inbox_commit")
    except Transient as error:
        log.warning("webhook.not_stored", event_id=event.id, error=str(error))
        return _answer(503, "not stored: send it again")
    crashpoint("after_inbox_commit")
    if new and not ended:
        bridge.hints.later(GATHER_SECONDS, "decide", inbox.work_key(event))
    name = event.name if isinstance(event, ForumEvent) else event.type
    why = ended.reason if ended else None
    log.info("webhook", event_id=event.id, type=name, new=new, ended=why)
    return _answer(200, "stored" if new else "known")


def _body() -> bytes | None:
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        return None


def _refused(source: str, why: str, *, check: str) -> Response:
    """Refuse an unsigned request; logged at most a few times a minute."""
    if the_limiter().allows("refusal", source):
        log.warning("webhook.refused", source=source, why=why, check=check)
    return _answer(400, why)


def _unreadable(body: bytes, bridge: Bridge) -> Event:
    digest = hashlib.sha256(body).hexdigest()
    return Event(
        id=f"unreadable_{digest[:40]}",
        type="unreadable",
        object_id=None,
        object_kind=None,
        customer_id=None,
        created_at=bridge.clock.now(),
        livemode=bridge.settings.livemode,
    )


def _answer(status: int, text: str) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
