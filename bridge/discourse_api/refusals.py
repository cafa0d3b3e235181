"""Turns a bad answer of the forum, or of a proxy in front of it, into an error of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from bridge.errors import (
    Blocked,
    BridgeError,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Transient,
    Uncertain,
)

# Who goes first when few requests are left in this minute.
Priority = Literal["high", "normal", "alert", "low"]
_PAUSE_WHEN_NOT_TOLD = 10.0
_LONGEST_PAUSE = 3600.0
_GONE_FOR_GOOD = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT)


class Refused(Permanent):
    """Discourse understood the request and refuses it, with a `status`."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer. `location` is set only where a redirect was asked for."""

    body: Any
    seconds: float
    server_time: datetime | None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is understood. `body`: its JSON, where it is JSON."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: object = None


def failure(verb: str, path: str, reply: Reply) -> BridgeError | None:
    """What is wrong with an answer, by its status, as an error to raise; None if it is good."""
    status, what = reply.status, f"{verb} {path}"
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status < HTTPStatus.BAD_REQUEST:
        return _redirect(what, reply)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refusal(what, reply)
    words = f"Discourse answered {status} ({_words(reply)})"
    if verb == "GET" or _says(reply, "error_type") == "read_only":
        return Transient(f"{what}: {words}")
    return Uncertain(f"{what}: {words}: read again")


def _redirect(what: str, reply: Reply) -> BridgeError:
    if reply.status in _GONE_FOR_GOOD:
        to = reply.headers.get("Location", "nowhere")
        return Permanent(
            f"{what}: the forum redirects to {to}: set DISCOURSE_URL to its present address"
        )
    return Transient(f"{what}: Discourse redirects elsewhere for now ({reply.status})")


def _refusal(what: str, reply: Reply) -> BridgeError:
    status, words = reply.status, _words(reply)
    # Cloudflare and its like answer with HTML; Discourse speaks JSON or plain text here.
    by_proxy = "html" in (reply.headers.get("Content-Type") or "")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = _wait_seconds(reply)
        words = "a proxy before the forum limits requests" if by_proxy else "too many requests"
        return RateLimited(f"{what}: {words}, wait {wait:g} s", wait, by_proxy=by_proxy)
    if status == HTTPStatus.FORBIDDEN and by_proxy:
        return Blocked(f"{what}: a proxy before the forum refuses this machine")
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(f"{what}: Discourse does not have this ({words})")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Forbidden(f"{what}: Discourse refuses the key or its scopes: run the doctor")
    return Refused(f"{what}: Discourse refuses this with {status} ({words})", status)


def _says(reply: Reply, key: str) -> object:
    return reply.body.get(key) if isinstance(reply.body, dict) else None


def _words(reply: Reply) -> str:
    errors = _says(reply, "errors")
    words = "; ".join(map(str, errors)) if isinstance(errors, list) else reply.reason
    return words[:300]


def _wait_seconds(reply: Reply) -> float:
    """Both shapes: JSON of the application, plain text of the middleware (or of a proxy)."""
    extras = _says(reply, "extras")
    told = extras.get("wait_seconds") if isinstance(extras, dict) else None
    for candidate in (told, reply.headers.get("Retry-After")):
        try:
            return min(max(1.0, float(candidate)), _LONGEST_PAUSE)  # type: ignore[arg-type] # None is caught below
        except (TypeError, ValueError):
            continue
    return _PAUSE_WHEN_NOT_TOLD
