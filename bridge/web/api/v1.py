"""The API for other machines: JSON, a token for each machine, its rights checked for each call.

Writes go through the same operations as commands and the console. A write needs an
`Idempotency-Key`: sent again with the same key, it is done once and gets the same answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from bridge.answers import members as group_members
from bridge.answers.person import person as the_person
from bridge.answers.standing import standing
from bridge.core.memberships.state import State
from bridge.core.model.actor import Actor
from bridge.core.model.rights import HandGrant
from bridge.core.rights.paid_by_hand import Payment
from bridge.errors import NotFound, Permanent, Transient
from bridge.operations import grants, payments
from bridge.operations.finding import find_by_public_name
from bridge.store import tokens
from bridge.store.tokens import Token
from bridge.web.api.openapi import description
from bridge.web.context import now, the_bridge

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
LONGEST_KEY = 255
MEMBERS_AT_ONCE = 200

RIGHTS: Mapping[str, str] = {
    "api.get_standing": "standing:read",
    "api.get_members": "members:read",
    "api.get_person": "people:read",
    "api.post_grant": "grants:write",
    "api.delete_grant": "grants:write",
    "api.post_payment": "payments:write",
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
        answer = _error(401, "send a token that holds as Authorization: Bearer …")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    if right is None or right not in token.scopes:
        return _error(403, f"this token lacks the right {right}")
    g.token = token
    if token.used_at is None or now() - token.used_at > tokens.USED_EVERY:
        with the_bridge().store.write() as connection:
            tokens.note_used(connection, token, now())
    return None


@blueprint.errorhandler(Refused)
def _refused(error: Refused) -> Response:
    return _error(error.status, str(error))


@blueprint.errorhandler(NotFound)
def _not_found(error: NotFound) -> Response:
    return _error(404, str(error))


@blueprint.errorhandler(Permanent)
def _cannot_be(error: Permanent) -> Response:
    return _error(400, str(error))


@blueprint.errorhandler(Transient)
def _later(error: Transient) -> Response:
    answer = _error(503, str(error))
    answer.headers["Retry-After"] = str(max(1, round(error.retry_after or 30)))
    return answer


def _error(status: int, why: str) -> Response:
    answer = jsonify(error=why)
    answer.status_code = status
    return answer


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """What there is, as OpenAPI 3.1."""
    return jsonify(description(the_bridge().settings.bridge_url))


@blueprint.get("/standing/<user>")
def get_standing(user: str) -> Response:
    """Whether somebody, `id:12` or a name, is in good standing."""
    user_id = find_by_public_name(the_bridge(), user)
    return jsonify(standing(the_bridge(), user_id, request.args.get("group")).as_json())


@blueprint.get("/groups/<id:group_id>/members")
def get_members(group_id: int) -> Response:
    """The members of a group, in pages."""
    after = request.args.get("after", "0")
    if not after.isdecimal() or len(after) > len("9223372036854775807") - 1:
        raise Refused(400, "after is not an id")
    asked = group_members.Question(group_id=group_id)
    place = group_members.place_of(int(after))
    page = group_members.members(the_bridge(), asked, after=place, limit=MEMBERS_AT_ONCE)
    rows = [
        {"user_id": row.user_id, "username": row.username, "since": _iso(row.since_at)}
        for row in page.rows
    ]
    return jsonify(members=rows, after=page.rows[-1].user_id if page.after else None)


@blueprint.get("/people/<id:user_id>")
def get_person(user_id: int) -> Response:
    """One person's groups, with the reason for each, and what was given by hand."""
    found = the_person(the_bridge(), user_id)
    return jsonify(
        user_id=found.user_id,
        username=found.username,
        groups=[
            {
                "id": place.group_id,
                "group": place.group,
                "in": place.state.is_in,
                "due": place.state == State.ARRIVING,
                "state": place.state,
                "until": _iso(place.until_at),
                "reason": place.because,
            }
            for place in found.places
        ],
        grants=[_grant(one) for one in found.given],
    )


@blueprint.post("/people/<id:user_id>/grants")
def post_grant(user_id: int) -> Response:
    """Give a group by hand."""

    def do(said: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        done = grants.grant(
            the_bridge(),
            _actor(),
            user_id,
            _text(said, "group"),
            until_at=_moment(said, "until"),
            reason=_text(said, "reason"),
        )
        return (201 if done.is_new else 200), _grant(done.grant)

    return _once(do)


@blueprint.delete("/grants/<grant_id>")
def delete_grant(grant_id: str) -> Response:
    """Take back what was given by hand; done twice, it is 404 the second time."""
    taken = grants.revoke(the_bridge(), _actor(), grant_id[:60])
    return jsonify(_grant(taken))


@blueprint.post("/people/<id:user_id>/payments")
def post_payment(user_id: int) -> Response:
    """Record a payment outside Stripe; the member gets a receipt."""

    def do(said: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        amount, method = said.get("amount_minor"), said.get("method")
        if type(amount) is not int or method not in ("cash", "cheque", "bank", "other"):
            raise Refused(400, "amount_minor is a whole number, method cash, cheque, bank or other")
        paid = Payment(
            amount_minor=amount,
            currency=_text(said, "currency"),
            what=_text(said, "what"),
            method=method,
            at=_moment(said, "at") or now(),
        )
        # The key says whether it is the same payment; two of the same sum are two.
        done = payments.record_payment(the_bridge(), _actor(), user_id, paid, again=True)
        return 201, {"id": done.line.id, "user_id": user_id, "amount_minor": amount}

    return _once(do)


def _once(do: Callable[[Mapping[str, Any]], tuple[int, dict[str, Any]]]) -> Response:
    """Do a write once for its key, however often it is sent."""
    token: Token = g.token
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Refused(400, "send an Idempotency-Key of up to 255 characters with each write")
    said = request.get_json(silent=True)
    if not isinstance(said, dict):
        raise Refused(400, "the body is not a JSON object")
    digest = hashlib.sha256(f"{request.path}\n".encode() + request.get_data()).hexdigest()
    with the_bridge().store.write() as connection:
        known = tokens.begin_write(connection, token.id, key, digest, now())
    if not known.is_new:
        return _answered(known, digest)
    try:
        status, answer = do(said)
    except BaseException:
        with the_bridge().store.write() as connection:
            tokens.forget_write(connection, token.id, key)
        raise
    with the_bridge().store.write() as connection:
        tokens.end_write(connection, token.id, key, status, answer)
    return _json(status, answer)


def _answered(known: tokens.Write, digest: str) -> Response:
    if known.request_sha256 != digest:
        raise Refused(409, "this Idempotency-Key was used for another request")
    if known.status is None or known.answer is None:
        raise Refused(409, "a request with this Idempotency-Key is under way")
    return _json(known.status, known.answer)


def _json(status: int, answer: Mapping[str, Any]) -> Response:
    response = jsonify(answer)
    response.status_code = status
    return response


def _actor() -> Actor:
    return Actor("token", g.token.id, "token")


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, f"{name} is missing")
    return value


def _moment(said: Mapping[str, Any], name: str) -> datetime | None:
    value = said.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Refused(400, f"{name} is no time: write 2027-03-31T23:59:59Z") from error
    if found.tzinfo is None:
        raise Refused(400, f"{name} has no time zone: write 2027-03-31T23:59:59Z")
    return found


def _grant(one: HandGrant) -> dict[str, Any]:
    return {
        "id": one.id,
        "user_id": one.user_id,
        "group_id": one.group_id,
        "from": _iso(one.from_at),
        "until": _iso(one.until_at),
        "reason": one.reason,
        "source": one.source,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
