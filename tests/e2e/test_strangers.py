"""Requests of strangers: never answered with an internal error."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from bridge.sandbox.stripe.courier import signature
from bridge.store.schema.work import inbox
from tests.e2e.place import Place, open_place
from tests.processes import live

pytestmark = pytest.mark.e2e
NESTED = b"[" * 100_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        yield opened


def to_stripes(
    place: Place, body: bytes, headers: Mapping[str, str | bytes] | None = None
) -> requests.Response:
    """Send to the address for Stripe's webhooks; signed as by Stripe, if no headers are given."""
    secret = place.bridge.settings.stripe_webhook_secrets[0]
    signed = {"Stripe-Signature": signature(secret, body, int(time.time()))}
    return requests.post(
        f"{place.url}/webhooks/stripe",
        data=body,
        headers=signed if headers is None else headers,
        timeout=20,
    )


def kept(place: Place, body: bytes) -> list[str]:
    """The status of the stored events with this body."""
    digest = hashlib.sha256(body).hexdigest()
    with place.bridge.store.read() as connection:
        rows = connection.execute(select(inbox.c.status).where(inbox.c.payload_sha256 == digest))
        return list(rows.scalars())


@pytest.mark.parametrize(
    "headers",
    [{}, {"Stripe-Signature": "t=1,v1=0"}, {"Stripe-Signature": b"t=1,v1=\xff\xfe"}],
)
def test_an_event_that_stripe_did_not_sign_is_refused_and_not_kept(
    place: Place, headers: dict[str, str | bytes]
) -> None:
    body = b'{"id": "evt_forged", "object": "event"}'
    assert to_stripes(place, body, headers).status_code == 400
    assert kept(place, body) == []


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"object": "event", "id": "\\u0000"}', NESTED])
def test_what_stripe_signed_and_nobody_can_read_is_kept_for_people_to_see(
    place: Place, body: bytes
) -> None:
    assert to_stripes(place, body).status_code == 200
    assert kept(place, body) == ["dead"]


def test_a_body_larger_than_any_event_is_refused_unread(place: Place) -> None:
    body = b" " * (256 * 1024 + 1)
    assert to_stripes(place, body).status_code == 413
    assert kept(place, body) == []


@pytest.mark.parametrize("body", [b"a=b", b"null", b" " + NESTED])
def test_what_the_forum_signed_and_nobody_can_read_is_refused(place: Place, body: bytes) -> None:
    secret = place.bridge.settings.discourse_webhook_secret or ""
    headers = {
        "X-Discourse-Event": "user_added_to_group",
        "X-Discourse-Event-Id": "1",
        "X-Discourse-Event-Signature": "sha256="
        + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    address = f"{place.url}/webhooks/discourse"
    assert requests.post(address, data=body, headers=headers, timeout=20).status_code == 400
    assert kept(place, body) == []


@pytest.mark.parametrize("path", ["//me", "/join//x", "//evil.example//me", "/webhooks//stripe"])
def test_the_host_that_a_client_names_is_nowhere_led_to(place: Place, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(place.url).netloc, timeout=20)
    connection.request("GET", path, headers={"Host": "evil.example"})
    answer = connection.getresponse()
    assert "evil" not in answer.getheader("Location", "")
    assert b"evil" not in answer.read()
    connection.close()


def test_a_member_of_hundreds_of_groups_can_sign_in(tmp_path: Path) -> None:
    """The forum names all of them in the address that it leads back to."""
    with live(tmp_path) as processes:
        processes.start("web")
        address = f"{processes.system.url}/login/callback?sig=0&sso={'A' * 7000}"
        answer = requests.get(address, timeout=20)
        assert answer.status_code == 403, "read, and refused for its signature"
