"""A simulated forum without sockets, at a time that stands still.

Each answer is compared with Discourse's contract, if that is there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge.sandbox.discourse import create_discourse
from bridge.sandbox.discourse.keys import make_key
from bridge.sandbox.discourse.people import add_group, add_user
from bridge.sandbox.discourse.state import Forum, Group, User
from bridge.sandbox.kernel import Clock, Fault, World
from bridge.sandbox.server import FAULT
from tests.contract.discourse_contract import IS_HERE, contradictions
from tests.contract.discourse_endpoints import shown
from tests.contract.discourse_recording import unlike_recorded

NOW = 1_800_000_000.0
SECRET = "a-secret-of-thirty-two-characters"
RETURN = "http://localhost:9999/login/callback"


class Site:
    """The forum with an administrator's key, and short ways to ask it."""

    def __init__(self, limit: int = 0, version: str = "3.5", path: str = "") -> None:
        self.world = World(seed=1, clock=Clock(frozen_at=NOW))
        self.app = create_discourse(
            self.world,
            url="http://localhost:3000",
            limit=limit,
            version=version,
            path=path,
            connect_secret=SECRET,
        )
        self.app.testing = True  # a failure is the test's, and no answer
        self.app.after_request(self._held_to_contract)
        self.asked: list[tuple[str, str, int]] = []
        self.forum: Forum = self.world.parts["discourse"]
        self.key = make_key(self.world, self.forum, "all").key

    def close(self) -> None:
        self.world.close()

    def _held_to_contract(self, answer: Response) -> Response:
        path, status = request.path.removeprefix("/json"), answer.status_code
        self.asked.append((request.method, path, status))
        if IS_HERE and answer.mimetype not in ("text/html", "text/css") and not is_cut_off(answer):
            body = answer.get_json(force=True, silent=True)
            wrong = contradictions(request.method, path, status, body, self.forum.version)
            assert not wrong, f"{request.method} {path}: {wrong}"
            if status < 300 and self.forum.version == "3.5" and request.url_rule:
                endpoint = f"{request.method} {shown(request.url_rule.rule)}"
                assert unlike_recorded(endpoint, body) == set()
        return answer

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def call(
        self,
        method: str,
        path: str,
        *,
        as_user: str = "siteadmin",
        key: str | None = None,
        fault: Fault | None = None,
        **options: Any,
    ) -> TestResponse:
        """One request with a key, without cookies, as the bridge sends it."""
        headers = {"Api-Key": key or self.key, "Api-Username": as_user}
        with self.app.test_client(use_cookies=False) as client:
            return client.open(
                path,
                method=method,
                headers={**headers, **options.pop("headers", {})},
                environ_overrides={FAULT: fault},
                **options,
            )

    def person(self, username: str, **fields: Any) -> User:
        with self.world.lock:
            fields = {"trust_level": 1, **fields}
            return add_user(
                self.forum, username, f"{username}@example.com", self.world.clock.now(), **fields
            )

    def group(self, name: str = "patrons", **fields: Any) -> Group:
        with self.world.lock:
            return add_group(self.forum, name, self.world.clock.now(), **fields)

    def put(self, group: Group, *people: User, **options: Any) -> TestResponse:
        ids = ",".join(str(p.id) for p in people)
        where = f"/groups/{group.id}/members.json"
        return self.call("PUT", where, json={"user_ids": ids}, **options)

    def drop(self, group: Group, *people: User, **options: Any) -> TestResponse:
        ids = ",".join(str(p.id) for p in people)
        where = f"/groups/{group.id}/members.json"
        return self.call("DELETE", where, json={"user_ids": ids}, **options)

    def message(self, to: str, **more: Any) -> TestResponse:
        told = {
            "title": "Your statement",
            "raw": "As of today you are in.",
            "archetype": "private_message",
            "target_recipients": to,
        }
        return self.call("POST", "/posts.json", json={**told, **more})


def is_cut_off(answer: Response | TestResponse) -> bool:
    """The server below closes the connection for this."""
    return answer.status_code == 502 and answer.get_data(as_text=True) == "cut off"


def asked(secret: str = SECRET, **payload: str) -> str:
    """The address to which a site sends a person to learn who they are."""
    given = {"nonce": "n0nce", "return_sso_url": RETURN, **payload}
    raw = base64.b64encode(urlencode(given).encode()).decode()
    sig = hmac.new(secret.encode(), raw.encode(), hashlib.sha256).hexdigest()
    return "/session/sso_provider?" + urlencode({"sso": raw, "sig": sig})
