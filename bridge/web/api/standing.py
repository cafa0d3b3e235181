"""Tells a door, or another machine with a token, whether somebody is in good standing, and why."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request

from bridge.answers.standing import standing
from bridge.core.model.people import NotAName
from bridge.errors import NotFound, Transient
from bridge.operations.finding import find_by_public_name
from bridge.web.context import the_bridge

blueprint = Blueprint("standing", __name__)


@blueprint.get("/standing/")
@blueprint.get("/standing/id/")
def of_nobody() -> Response:
    """Say how to ask."""
    return of_user("id:" if request.path.endswith("id/") else "")


@blueprint.get("/standing/id/<number>")
def of_id(number: str) -> Response:
    """Answer for an id, only from stored data: Stripe and the forum may be down."""
    return of_user(f"id:{number}")


@blueprint.get("/standing/<user>")
def of_user(user: str) -> Response:
    """Answer for a name, or for `id:12`. Digits alone are a name: Discourse allows that."""
    tokens = the_bridge().settings.standing_tokens
    if not tokens:
        return _refused(404, "STANDING_TOKEN is not set")
    if not _is_known(tokens):
        answer = _refused(401, "send a token as Authorization: Bearer …")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    try:
        user_id = find_by_public_name(the_bridge(), user)
        return jsonify(standing(the_bridge(), user_id, request.args.get("group")).as_json())
    except NotFound as error:
        return _refused(404, str(error))
    except Transient as error:
        return _refused(503, str(error))
    except NotAName as error:
        return _refused(400, str(error))


def _is_known(tokens: tuple[str, ...]) -> bool:
    """Whether the bridge knows the token; each is compared, so that the time tells nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = [hmac.compare_digest(given.strip().encode(), token.encode()) for token in tokens]
    return scheme.lower() == "bearer" and any(same)


def _refused(status: int, why: str) -> Response:
    answer = jsonify(error=why)
    answer.status_code = status
    return answer
