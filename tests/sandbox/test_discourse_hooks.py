"""Webhooks of the simulated forum: signed, at most once, echoing every write."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.sandbox.discourse import delivery
from bridge.sandbox.discourse.hooks import NUMBER_OF
from tests.sandbox.discourse_world import Site

SECRET = "a-webhook-secret"


class Receiver:
    """Stores requests, and answers with the given statuses."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), raw))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def events(self) -> list[str]:
        return [headers["X-Discourse-Event"] for headers, _ in self.got]

    def bodies(self) -> list[Any]:
        return [json.loads(raw) for _, raw in self.got]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def listen(site: Site, url: str, *events: str, **more: Any) -> int:
    hook = {
        "payload_url": url,
        "content_type": 1,
        "secret": SECRET,
        "active": True,
        "web_hook_event_type_ids": [NUMBER_OF[e] for e in events],
        **more,
    }
    made = site.call("POST", "/admin/api/web_hooks.json", json={"web_hook": hook})
    found: int = made.get_json()["web_hook"]["id"]
    return found


def test_a_membership_is_told_by_ids_only_and_signed(site: Site, receiver: Receiver) -> None:
    listen(site, receiver.url, "user_added_to_group", "user_removed_from_group")
    group, ada = site.group(), site.person("ada")
    site.put(group, ada)
    site.drop(group, ada)
    assert delivery.wait_until_idle(site.world)
    assert receiver.events() == ["user_added_to_group", "user_removed_from_group"]
    body = receiver.bodies()[0]["group_user"]
    assert set(body) == {"group_id", "user_id", "notification_level", "id", "created_at"}
    headers, raw = receiver.got[0]
    signed = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert headers["X-Discourse-Event-Signature"] == f"sha256={signed}"
    assert headers["X-Discourse-Event-Type"] == "group_user"


def test_each_of_a_batch_is_an_event(site: Site, receiver: Receiver) -> None:
    listen(site, receiver.url, "user_added_to_group")
    site.put(site.group(), *[site.person(f"member{n}") for n in range(20)])
    assert delivery.wait_until_idle(site.world)
    assert len(receiver.got) == 20


def test_a_wildcard_without_kinds_is_never_told(site: Site, receiver: Receiver) -> None:
    listen(site, receiver.url, wildcard_web_hook=True)
    site.put(site.group(), site.person("ada"))
    assert delivery.wait_until_idle(site.world)
    assert receiver.got == []


def test_without_the_setting_nothing_is_tried_again(site: Site, receiver: Receiver) -> None:
    receiver.statuses = [500]
    listen(site, receiver.url, "user_added_to_group")
    site.put(site.group(), site.person("ada"))
    assert delivery.wait_until_idle(site.world)
    site.world.clock.advance(86400)
    assert delivery.wait_until_idle(site.world)
    assert len(receiver.got) == 1


def test_with_the_setting_a_retry_comes_later_under_a_new_id(
    site: Site, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503]
    site.forum.settings["retry_web_hook_events"] = True
    listen(site, receiver.url, "user_added_to_group")
    site.put(site.group(), site.person("ada"))
    for minutes in (0, 1, 5, 25):
        site.world.clock.advance(minutes * 60)
        assert delivery.wait_until_idle(site.world)
    ids = [headers["X-Discourse-Event-Id"] for headers, _ in receiver.got]
    assert len(ids) == len(set(ids)) == 3


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_not_tried_again(site: Site, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    site.forum.settings["retry_web_hook_events"] = True
    listen(site, receiver.url, "user_added_to_group")
    site.put(site.group(), site.person("ada"))
    assert delivery.wait_until_idle(site.world)
    site.world.clock.advance(86400)
    assert delivery.wait_until_idle(site.world)
    assert len(receiver.got) == 1


def test_a_broken_connection_is_not_tried_again(site: Site) -> None:
    site.forum.settings["retry_web_hook_events"] = True
    listen(site, "http://127.0.0.1:9/hook", "user_added_to_group")
    site.put(site.group(), site.person("ada"))
    assert delivery.wait_until_idle(site.world)
    assert [e["state"] for e in delivery.deliveries(site.world)] == ["failed"]


def test_redelivery_by_hand_has_the_same_id(site: Site, receiver: Receiver) -> None:
    hook = listen(site, receiver.url, "user_added_to_group")
    site.put(site.group(), site.person("ada"))
    assert delivery.wait_until_idle(site.world)
    events = site.call("GET", f"/admin/api/web_hook_events/{hook}.json").get_json()
    event = events["web_hook_events"][0]["id"]
    site.call("POST", f"/admin/api/web_hooks/{hook}/events/{event}/redeliver.json")
    assert delivery.wait_until_idle(site.world)
    first, second = (headers["X-Discourse-Event-Id"] for headers, _ in receiver.got)
    assert first == second


def test_only_loopback_is_ever_called(site: Site) -> None:
    listen(site, "https://hooks.example.com/x", "user_added_to_group")
    site.put(site.group(), site.person("ada"))
    assert delivery.wait_until_idle(site.world)
    (event,) = delivery.deliveries(site.world)
    assert (event["state"], event["response_body"]) == (
        "failed",
        "only loopback addresses are called",
    )


def test_a_form_is_sent_where_a_form_is_wanted(site: Site, receiver: Receiver) -> None:
    listen(site, receiver.url, "group_destroyed", content_type=2)
    site.call("DELETE", f"/admin/groups/{site.group().id}.json")
    assert delivery.wait_until_idle(site.world)
    assert receiver.got[0][1].startswith(b"payload=")


def test_a_life_is_told_event_by_event(site: Site, receiver: Receiver) -> None:
    events = [e for e in NUMBER_OF if e.startswith("user_")]
    listen(site, receiver.url, *events)
    body = {"username": "grace", "email": "g@example.com", "password": "x" * 12, "active": True}
    site.call("POST", "/users.json", json=body)
    grace = site.forum.user_named("grace")
    assert grace is not None
    where = f"/admin/users/{grace.id}"
    suspension = {"suspend_until": "2099-01-01", "reason": "x"}
    site.call("PUT", f"{where}/suspend.json", json=suspension)
    site.call("PUT", f"{where}/unsuspend.json")
    site.call("DELETE", f"{where}.json")
    assert delivery.wait_until_idle(site.world)
    assert receiver.events() == [
        "user_created",
        "user_added_to_group",
        "user_logged_in",
        "user_confirmed_email",
        "user_logged_out",
        "user_suspended",
        "user_updated",
        "user_unsuspended",
        "user_destroyed",
    ]
    assert receiver.bodies()[0]["user"]["email"] == "g@example.com"
