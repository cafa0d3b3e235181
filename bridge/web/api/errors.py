"""The API's answers to what it refuses: a sentence in JSON, in one shape."""

from __future__ import annotations

from flask import Response, jsonify

WORDS = {
    400: "the request cannot be read",
    404: "the API has no such address: GET /api/v1/openapi.json lists them",
    405: "this address does not take this method: GET /api/v1/openapi.json lists what it takes",
    413: "the request is too large: send at most 32 KiB",
    429: "too many requests: wait as long as Retry-After says",
    500: "this is a fault of the bridge; its log has it under the X-Request-Id of this answer",
    503: "a service that the bridge needs does not answer: try again as Retry-After says",
}


def is_api(path: str) -> bool:
    """Whether machines ask for this path, and read its errors as JSON."""
    return f"{path}/".startswith("/api/")


def error_json(status: int, why: str) -> Response:
    """An error as the API answers it."""
    answer = jsonify(error=why)
    answer.status_code = status
    return answer


def usual(status: int, why: str | None) -> Response:
    """The error for a status, in the given words or in its usual ones."""
    return error_json(status, why or WORDS.get(status, f"refused with status {status}"))
