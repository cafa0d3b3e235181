"""Events whose fields no database would take: stored dead or refused, alike on both of them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import String, select
from structlog.testing import capture_logs

from bridge.core.events import stripe as events
from bridge.store.schema.work import inbox
from tests.harness import System, system
from tests.system.acts import outcomes
from tests.system.test_events import event, send

SUBJECT = {"id": "cus_1", "object": "customer"}
FAR_FUTURE = 32_503_680_000  # 1 January 3000
NUL, LONE = "a\x00b", "a\ud800b"
LONG = "x" * 300


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        yield it


def statuses(world: System) -> list[str]:
    """How all stored events ended, or that they wait."""
    with world.bridge.store.read() as connection:
        return list(connection.scalars(select(inbox.c.status)))


STRANGE: list[dict[str, Any]] = [
    *({"id": odd} for odd in (LONG, NUL, LONE, "\n", 10**400)),
    *({"type": odd} for odd in ("x" * 121, NUL, LONE, "\x1b[2J")),
    *({"created": odd} for odd in (10**30, -(10**30), float("inf"), "2026-01-01", FAR_FUTURE)),
    {"livemode": NUL},
    {"object": "v2.core.event", "created": "9999-12-31T23:59:59Z"},
    {"object": "v2.core.event", "created": "0001-01-01T00:00:00+23:59"},
]


def test_A137_an_event_that_no_database_would_take_is_stored_dead_once(world: System) -> None:
    for number, changed in enumerate(STRANGE, start=1):
        whole = event("customer.updated", SUBJECT, id=f"evt_{number}") | changed
        assert [send(world, whole), send(world, whole)] == [200, 200], changed
        assert statuses(world) == ["dead"] * number, changed


def test_A137_odd_values_within_an_event_are_left_out_and_it_comes_to_an_end(
    world: System,
) -> None:
    odd_ones: list[Any] = [LONG, NUL, LONE, "\x1b[31m", 10**40, [[]], {"id": NUL}]
    names = ("customer", "subscription", "invoice", "charge", "product", "client_reference_id")
    for number, odd in enumerate(odd_ones):
        subject = {"id": odd, "object": odd, "metadata": {"bridge_reference": odd}}
        whole = event("invoice.paid", subject | dict.fromkeys(names, odd), id=f"evt_{number}")
        assert send(world, whole | {"api_version": odd, "account": odd}) == 200, odd
    world.settle()
    ended = outcomes(world)
    assert len(ended) == len(odd_ones)
    assert {status for status, _ in ended.values()} <= {"done", "ignored", "dead"}


def test_A137_what_is_nested_deeper_than_anybody_reads_is_stored_dead(world: System) -> None:
    for body in (b"[" * 100_000, b'{"object":' * 20_000, b'{"created": 1' + b"0" * 5000 + b"}"):
        assert post(world, body) == 200
    assert statuses(world) == ["dead"] * 3


def post(world: System, body: bytes, ahead: int = 0, headers: dict[str, str] | None = None) -> int:
    """Send these bytes, signed `ahead` seconds from now; the status of the answer."""
    at = int(time.time()) + ahead
    secret = world.sandbox.info["stripe_webhook_secret"]
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    signed = headers or {"Stripe-Signature": f"t={at},v1={mac}"}
    url = f"{world.url}/webhooks/stripe"
    return requests.post(url, data=body, headers=signed, timeout=10).status_code


def test_A137_the_inbox_has_room_for_all_that_is_read_of_an_event() -> None:
    """SQLite takes texts of any length; PostgreSQL refuses those longer than their column."""
    room = {c.name: c.type.length for c in inbox.c if isinstance(c.type, String)}
    longest = events.read_event(
        event("t" * 120, {"id": "i" * 255, "object": "k" * 80}, id="e" * 255)
        | {"api_version": "v" * 60}
    )
    for name in ("type", "object_id", "object_kind", "api_version"):
        assert len(getattr(longest, name)) == room[name], name
    assert len(longest.id) == room["event_id"]


# --- signatures ---------------------------------------------------------------------------------


def test_A137_a_signature_of_another_time_is_refused(world: System) -> None:
    body = json.dumps(event("customer.updated", SUBJECT)).encode()
    for ahead in (400, 10**9, 10**13, -400):
        assert post(world, body, ahead) == 400
    assert statuses(world) == []
    assert post(world, body, 240) == 200
    assert len(statuses(world)) == 1


def test_A137_a_bad_signature_leaves_a_line_and_many_leave_few(world: System) -> None:
    with capture_logs() as lines:
        for number in range(40):
            forged = f"t={int(time.time())},v1={number:064x}"
            assert post(world, b"{}", headers={"Stripe-Signature": forged}) == 400
    told = [line for line in lines if line["event"] == "webhook.refused"]
    assert 1 <= len(told) <= 10
    assert told[0]["source"] == "stripe"
    assert "STRIPE_WEBHOOK_SECRET" in told[0]["check"]
    assert world.sandbox.info["stripe_webhook_secret"] not in repr(told)
    assert "v1=" not in repr(told)


def test_A137_the_forums_bad_signatures_leave_a_line_of_their_own(world: System) -> None:
    with capture_logs() as lines:
        url = f"{world.url}/webhooks/discourse"
        assert requests.post(url, data=b"{}", timeout=10).status_code == 400
    assert [line["source"] for line in lines if line["event"] == "webhook.refused"] == ["discourse"]


def test_A137_events_of_the_forum_are_refused_or_kept_whatever_their_headers_hold(
    world: System,
) -> None:
    body = b'{"user": {"id": 99999999999999999999}}'
    for name in ("x" * 101, "a\x80b", ""):
        assert tell(world, body, name, "1") == 400
    assert statuses(world) == []
    for number in ("7", "x" * 300, "a\x80b", ""):
        assert tell(world, body, "user_updated", number) == 200
    world.settle()
    assert set(statuses(world)) <= {"done", "ignored"}


def tell(world: System, body: bytes, name: str, number: str) -> int:
    """Send an event as the forum does; the status of the answer."""
    secret = world.sandbox.info["discourse_webhook_secret"]
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-Discourse-Event": name.encode("latin-1"),
        "X-Discourse-Event-Id": number.encode("latin-1"),
        "X-Discourse-Event-Signature": f"sha256={mac}".encode(),
    }
    url = f"{world.url}/webhooks/discourse"
    return requests.post(url, data=body, headers=headers, timeout=10).status_code
