"""Sends a request to Discourse and returns a typed answer or error; it never sleeps.

pydiscourse opens a connection per call, waits for ever, sleeps after a 429 and knows only names, so
its one method for requests is replaced here. Kept free of cookies on purpose: creating a user
answers with a `Set-Cookie` that would make later calls act as that user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from pydiscourse import DiscourseClient

from bridge.bulkhead import Bulkhead
from bridge.discourse_api.refusals import Answer, Priority, Reply, failure
from bridge.errors import (
    Transient,
    Uncertain,
)

# Called before each request with the key: raises RateLimited when no slot is free, and is told of
# the answer, or of the error, by the end of the context.
Gate = Callable[[Priority], AbstractContextManager[object]]

READ_TIMEOUT = (3.0, 10.0)
# Somebody waits for the page that asks.
PUBLIC_TIMEOUT = (1.0, 3.0)
# A forum kills its own requests at 30 s; what is cut off there must not look like our impatience.
WRITE_TIMEOUT = (3.0, 35.0)
USER_AGENT = "community-subscription-bridge"


class ForumClient(DiscourseClient):  # type: ignore[misc] # pydiscourse has no types
    """pydiscourse with pooled connections, time limits, typed errors, and no sleeping."""

    def __init__(
        self, url: str, key: str, username: str, gate: Gate, bulkhead: Bulkhead | None = None
    ) -> None:
        super().__init__(url.rstrip("/"), username, key)
        self._gate = gate
        self._place = bulkhead.place if bulkhead else nullcontext
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = USER_AGENT

    def exchange(
        self,
        verb: str,
        path: str,
        *,
        params: Mapping[str, object] | str | None = None,
        json: object = None,
        priority: Priority = "normal",
        redirected: bool = False,
    ) -> Answer:
        """Ask once, with the key. `redirected`: a redirect is the answer that is wanted."""
        with self._place(), self._gate(priority):
            response = self._send(verb, path, params=params, json=json)
            if redirected and response.is_redirect:
                return _answer(response, None)
            error = failure(verb, path, reply(response))
            if error:
                raise error
            return _answer(response, _decoded(verb, path, response))

    def exchange_without_key(self, path: str) -> Any:
        """Ask for a public page as a stranger: such requests are not counted by the forum."""
        try:
            with self._place():
                response = requests.get(
                    self.host + path,
                    headers={"Accept": "application/json", "User-Agent": USER_AGENT},
                    timeout=PUBLIC_TIMEOUT,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            name = type(error).__name__
            raise Transient(f"GET {path}: Discourse was not reached ({name})") from error
        if problem := failure("GET", path, reply(response)):
            raise problem
        return _decoded("GET", path, response)

    def _request(  # pydiscourse's own methods come through here
        self,
        verb: str,
        path: str,
        params: Mapping[str, object] | None = None,
        files: object = None,
        data: object = None,
        json: object = None,
        override_request_kwargs: Mapping[str, object] | None = None,
    ) -> Any:
        if files or override_request_kwargs:
            raise ValueError(f"{verb} {path}: files and overridden requests are not offered")
        return self.exchange(verb, path, params=params, json=json if data is None else data).body

    def _send(self, verb: str, path: str, **what: Any) -> requests.Response:
        try:
            return self._session.request(
                verb,
                self.host + path,
                headers={
                    "Accept": "application/json; charset=utf-8",
                    "Api-Key": self.api_key,
                    "Api-Username": self.api_username,
                },
                timeout=READ_TIMEOUT if verb == "GET" else WRITE_TIMEOUT,
                allow_redirects=False,  # the key goes to this host only
                **what,
            )
        except requests.RequestException as error:
            name = type(error).__name__
            if verb == "GET" or _was_never_sent(error):
                raise Transient(f"{verb} {path}: Discourse was not reached ({name})") from error
            raise Uncertain(f"{verb} {path}: no answer came ({name}): read again") from error


def _was_never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _decoded(verb: str, path: str, response: requests.Response) -> Any:
    if response.status_code == HTTPStatus.NO_CONTENT:
        return None
    kind = response.headers.get("Content-Type", "")
    try:
        if "json" not in kind:
            raise ValueError(f"it is {kind or 'of no kind'}")  # noqa: TRY301 - as if unreadable
        return response.json()
    except ValueError as error:
        # A page of a proxy, a half answer: whatever stands behind it may have done the work.
        message = f"{verb} {path}: the answer is not JSON ({str(error)[:80]})"
        raise (Transient if verb == "GET" else Uncertain)(message) from error


def _answer(response: requests.Response, body: Any) -> Answer:
    try:
        server_time = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        server_time = None
    seconds = response.elapsed.total_seconds()
    return Answer(body, seconds, server_time, response.headers.get("Location"))


def reply(response: requests.Response) -> Reply:
    """The library's answer as ours; a body that is not JSON counts as empty."""
    status, reason = response.status_code, response.reason or ""
    good = status < HTTPStatus.BAD_REQUEST
    try:
        body = None if good else response.json()
    except ValueError:
        body = None
    return Reply(status, reason, response.headers, body)
