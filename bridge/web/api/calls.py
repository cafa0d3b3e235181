"""The frame of every call of the API: token and right, errors in JSON, writes done once."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from bridge.core.model import days
from bridge.core.model.actor import Actor
from bridge.core.model.people import id_in
from bridge.errors import NotFound, Permanent, Transient
from bridge.store import tokens
from bridge.store.tokens import Token
from bridge.web.api.errors import error_json
from bridge.web.context import now, the_bridge

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
LONGEST_KEY = 255

RIGHTS: Mapping[str, str] = {
    "api.get_standing": "standing:read",
    "api.get_members": "members:read",
    "api.get_person": "people:read",
    "api.post_grant": "grants:write",
    "api.delete_grant": "grants:write",
    "api.post_payment": "payments:write",
    "api.get_share_register": "register:read",
    "api.get_member_register": "register:read",
    "api.get_ledger": "ledger:read",
    "api.post_note": "ledger:write",
}
"""Address -> the right that it takes; the description alone takes none."""


class Refused(Exception):
    """Ends a call with an error in JSON."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@blueprint.before_request
def _know_the_token() -> Response | None:
    if request.endpoint == "api.openapi":
        return None
    right = RIGHTS.get(request.endpoint or "")
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    with the_bridge().store.read() as connection:
        token = tokens.find(connection, secret.strip(), now()) if secret else None
    if scheme.lower() != "bearer" or token is None:
        answer = error_json(401, "send a valid token as Authorization: Bearer …")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    if right is None or right not in token.scopes:
        return error_json(403, f"this token lacks the right {right}")
    g.token = token
    if token.used_at is None or now() - token.used_at > tokens.USED_EVERY:
        with the_bridge().store.write() as connection:
            tokens.note_used(connection, token, now())
    return None


@blueprint.errorhandler(Refused)
def _refused(error: Refused) -> Response:
    return error_json(error.status, str(error))


@blueprint.errorhandler(NotFound)
def _not_found(error: NotFound) -> Response:
    return error_json(404, str(error))


@blueprint.errorhandler(Permanent)
def _cannot_be(error: Permanent) -> Response:
    return error_json(400, str(error))


@blueprint.errorhandler(Transient)
def _later(error: Transient) -> Response:
    answer = error_json(503, str(error))
    answer.headers["Retry-After"] = str(max(1, round(error.retry_after or 30)))
    return answer


def once(do: Callable[[Mapping[str, Any], uuid.UUID], tuple[int, dict[str, Any]]]) -> Response:
    """Do a write once for its key, however often it is sent.

    `do` gets an id that names the write, and does nothing if it was done under that id: its
    process may have died between the write and the answer.
    """
    token: Token = g.token
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Refused(400, "send an Idempotency-Key of up to 255 characters with each write")
    said = request.get_json(silent=True)
    if not isinstance(said, dict):
        raise Refused(400, "the body is not a JSON object")
    if not _is_text(said):
        raise Refused(400, "the body contains NUL or half of a surrogate pair: send plain text")
    digest = hashlib.sha256(f"{request.path}\n".encode() + request.get_data()).hexdigest()
    with the_bridge().store.write() as connection:
        write = tokens.begin_write(connection, token.id, key, digest, now())
    if write.request_sha256 != digest:
        raise Refused(409, "this Idempotency-Key was used for another request")
    if write.status is not None:
        return _json(write.status, write.answer or {})
    try:
        status, answer = do(said, write.id)
    except Exception:
        with the_bridge().store.write() as connection:
            tokens.free_key(connection, token.id, key, write)
        raise
    with the_bridge().store.write() as connection:
        tokens.end_write(connection, token.id, key, write, status, answer)
    return _json(status, answer)


# After an even number of backslashes: otherwise somebody has written about NUL.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _is_text(said: Mapping[str, Any]) -> bool:
    """Whether every database can keep it: JSON can say characters that no text has."""
    text = json.dumps(said, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return _NUL.search(text) is None


def _json(status: int, answer: Mapping[str, Any]) -> Response:
    response = jsonify(answer)
    response.status_code = status
    return response


def token_actor() -> Actor:
    """The token behind this call, as the log names it."""
    return Actor("token", g.token.id, "token")


def text_of(said: Mapping[str, Any], name: str) -> str:
    """A text that a request has to have."""
    value = said.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, f"{name} is missing")
    return value


def moment_of(said: Mapping[str, Any], name: str) -> datetime | None:
    """A time in a request, with its zone."""
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused(400, f"{name} is not a time: write 2027-03-31T23:59:59Z")
    try:
        found = days.moment_of(value)
    except Permanent as error:
        raise Refused(400, f"{name}: {error}") from error
    if found.tzinfo is None:
        raise Refused(400, f"{name} has no time zone: write 2027-03-31T23:59:59Z")
    return found


def iso(at: datetime | None) -> str | None:
    """A time as the API writes it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def end_of_day(name: str) -> datetime | None:
    """The last moment of a day in the query; None where it is not given."""
    said = request.args.get(name)
    if said is None:
        return None
    try:
        return datetime.combine(days.day_of(said), time.max, tzinfo=UTC)
    except Permanent as error:
        raise Refused(400, f"{name}: {error}") from error


def whole_number(name: str) -> int:
    """A number in the query that the databases can hold; 0 where it is not given."""
    found = id_in(request.args.get(name, "0"))
    if found is None:
        raise Refused(400, f"{name} is not a whole number")
    return found
