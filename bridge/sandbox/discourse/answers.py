"""Answers in Discourse's forms: JSON with its exact content type, empty text, refusals."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

NO_ACCESS = "You are not permitted to view the requested resource."
GONE = "The requested URL or resource could not be found."


class Refused(Exception):
    """An answer that ends the work on a request."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}

    def response(self) -> Response:
        """A text is sent as text, everything else as JSON."""
        kind = TEXT if isinstance(self.body, str) else JSON
        raw = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return Response(raw, self.status, self.headers, content_type=kind)


def answer(data: Any, status: int = 200) -> Response:
    """JSON."""
    return Response(json.dumps(data, ensure_ascii=False), status, content_type=JSON)


def ok(**more: Any) -> Response:
    """`{"success": "OK"}` with more keys."""
    return answer({"success": "OK", **more})


def empty() -> Response:
    """Done: Discourse sends empty text."""
    return Response("", content_type=TEXT)


def no_content() -> Response:
    """Done: not even a kind of content."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def not_found() -> Refused:
    """Not found, or not visible to the caller."""
    return Refused(404, {"errors": [GONE], "error_type": "not_found"})


def no_record() -> Refused:
    """A record that a controller looked up without a rescue: another shape than the usual."""
    return Refused(404, {"status": 404, "error": "Not Found"})


def forbidden() -> Refused:
    """Forbidden: the caller is known but has no permission."""
    return Refused(403, {"errors": [NO_ACCESS], "error_type": "invalid_access"})


def bad_key() -> Refused:
    """A wrong key, an unknown user, or a scope that does not reach."""
    said = f"{NO_ACCESS} The API username or key is invalid."
    return Refused(403, {"errors": [said], "error_type": "invalid_access"})


def invalid(what: str) -> Refused:
    """A bad parameter."""
    said = f"You supplied invalid parameters to the request: {what}"
    return Refused(400, {"errors": [said], "error_type": "invalid_parameters"})


def unprocessable(*errors: str) -> Refused:
    """A validation failed."""
    return Refused(422, {"errors": list(errors)})


def read_only() -> Refused:
    """Maintenance."""
    said = "The site is in read only mode. Interactions are disabled."
    return Refused(503, {"errors": [said], "error_type": "read_only"})


def too_many(wait_seconds: int) -> Refused:
    """The site-wide limit of administrators' keys."""
    said = (
        "You\u2019ve performed this action too many times. "
        f"Please wait {wait_seconds} seconds before trying again."
    )
    extras = {"wait_seconds": wait_seconds, "time_left": f"{wait_seconds} seconds"}
    body = {"errors": [said], "error_type": "rate_limit", "extras": extras}
    return Refused(429, body, _limit_headers(wait_seconds, "admin_api_key_rate_limit"))


def too_many_by_address(wait_seconds: int) -> Refused:
    """The limit by IP address, answered before Discourse itself, in plain text."""
    said = "Slow down, you're making too many requests.\n"
    return Refused(429, said, _limit_headers(wait_seconds, "ip_10_secs_limit"))


def _limit_headers(wait_seconds: int, code: str) -> dict[str, str]:
    return {"Retry-After": str(wait_seconds), "Discourse-Rate-Limit-Error-Code": code}
