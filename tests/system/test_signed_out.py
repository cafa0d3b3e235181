"""The ends of a member's sessions, on both databases."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from bridge.store import users
from bridge.web import create_app
from tests.harness import System, system


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        yield it


def signed_in(world: System, name: str) -> FlaskClient:
    """A browser that the forum has just signed in."""
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        users.see_name(connection, world.user(name), name, now)
    browser = create_app(world.bridge).test_client()
    with browser.session_transaction() as session:
        session["user_id"], session["username"] = world.user(name), name
        session["signed_in_at"] = now.isoformat()
    assert browser.get("/me").status_code == 200
    return browser


def tell(world: System, name: str, user_id: int) -> None:
    """Send an event as the forum does, and let it be worked on."""
    body = json.dumps({"user": {"id": user_id, "username": "x"}}).encode()
    secret = world.sandbox.info["discourse_webhook_secret"]
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-Discourse-Event": name,
        "X-Discourse-Event-Id": "1",
        "X-Discourse-Event-Signature": f"sha256={mac}",
    }
    url = f"{world.url}/webhooks/discourse"
    assert requests.post(url, data=body, headers=headers, timeout=10).status_code == 200
    world.settle()


def test_A135_a_logout_on_the_forum_ends_the_sessions_of_that_member_alone(world: System) -> None:
    alice, bob = signed_in(world, "alice"), signed_in(world, "bob")
    tell(world, "user_logged_out", world.user("alice"))
    assert alice.get("/me").status_code == 303
    assert bob.get("/me").status_code == 200
    assert signed_in(world, "alice").get("/me").status_code == 200, "a new sign-in counts"
    assert alice.get("/me").status_code == 303


@pytest.mark.parametrize("state", ["suspended", "anonymized", "gone"])
def test_A135_an_account_that_is_not_active_any_more_has_no_session(
    world: System, state: str
) -> None:
    alice = signed_in(world, "alice")
    with world.bridge.store.write() as connection:
        users.mark(connection, world.user("alice"), state, world.bridge.clock.now())
    assert alice.get("/me").status_code == 303
    assert signed_in(world, "alice"), "whom the forum signs in again is signed in"


def test_A135_signing_out_ends_every_browsers_session(world: System) -> None:
    one, other = signed_in(world, "alice"), signed_in(world, "alice")
    one.application.config["WTF_CSRF_ENABLED"] = False
    assert one.post("/logout").status_code == 303
    assert other.get("/me").status_code == 303
    other.application.config["WTF_CSRF_ENABLED"] = False
    ours = world.bridge.settings.bridge_url
    late = other.post("/me/billing", headers={"Referer": "http://127.0.0.1:1/me"}, base_url=ours)
    assert late.headers["Location"].endswith("/login?next=/me"), "and back to the page of the form"
