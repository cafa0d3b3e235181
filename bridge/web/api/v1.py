"""The API for other machines: JSON, a token for each machine, its rights checked for each call.

Writes go through the same operations as commands and the console. A write needs an
`Idempotency-Key`: sent again with the same key, it is done once and gets the same answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from bridge.answers import members as group_members
from bridge.answers.person import person as the_person
from bridge.answers.standing import standing
from bridge.core.memberships.state import State
from bridge.core.model.rights import HandGrant
from bridge.core.rights.paid_by_hand import Payment
from bridge.operations import grants, payments
from bridge.operations.finding import find_by_public_name
from bridge.web.api.calls import (
    Refused,
    blueprint,
    iso,
    moment_of,
    once,
    text_of,
    token_actor,
    whole_number,
)
from bridge.web.api.openapi import description
from bridge.web.context import now, the_bridge

MEMBERS_AT_ONCE = 200


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The description of the API, as OpenAPI 3.1."""
    return jsonify(description(the_bridge().settings.bridge_url))


@blueprint.get("/standing/<user>")
def get_standing(user: str) -> Response:
    """Whether somebody, `id:12` or a name, is in good standing."""
    user_id = find_by_public_name(the_bridge(), user)
    return jsonify(standing(the_bridge(), user_id, request.args.get("group")).as_json())


@blueprint.get("/groups/<id:group_id>/members")
def get_members(group_id: int) -> Response:
    """The members of a group, in pages."""
    asked = group_members.Question(group_id=group_id)
    place = group_members.place_of(whole_number("after"))
    page = group_members.members(the_bridge(), asked, after=place, limit=MEMBERS_AT_ONCE)
    rows = [
        {"user_id": row.user_id, "username": row.username, "since": iso(row.since_at)}
        for row in page.rows
    ]
    return jsonify(members=rows, after=page.rows[-1].user_id if page.after else None)


@blueprint.get("/people/<id:user_id>")
def get_person(user_id: int) -> Response:
    """One person's groups, with the reason for each, and grants by hand."""
    found = the_person(the_bridge(), user_id)
    return jsonify(
        user_id=found.user_id,
        username=found.username,
        groups=[
            {
                "id": place.group_id,
                "group": place.name or place.group,
                "in": place.state.is_in,
                "due": place.state == State.ARRIVING,
                "state": place.state,
                "until": iso(place.until_at),
                "reason": place.because,
            }
            for place in found.places
        ],
        grants=[_grant(one) for one in found.given],
    )


@blueprint.post("/people/<id:user_id>/grants")
def post_grant(user_id: int) -> Response:
    """Give a group by hand."""

    def do(said: Mapping[str, Any], write: uuid.UUID) -> tuple[int, dict[str, Any]]:
        done = grants.grant(
            the_bridge(),
            token_actor(),
            user_id,
            text_of(said, "group"),
            until_at=moment_of(said, "until"),
            reason=text_of(said, "reason"),
            token=write,
        )
        return (201 if done.is_new else 200), _grant(done.grant)

    return once(do)


@blueprint.delete("/grants/<grant_id>")
def delete_grant(grant_id: str) -> Response:
    """Take back a grant by hand; the second time it is 404."""
    reason = text_of(request.args, "reason")
    taken = grants.revoke(the_bridge(), token_actor(), grant_id[:60], reason=reason)
    return jsonify(_grant(taken))


@blueprint.post("/people/<id:user_id>/payments")
def post_payment(user_id: int) -> Response:
    """Record a payment outside Stripe; the member gets a receipt."""

    def do(said: Mapping[str, Any], write: uuid.UUID) -> tuple[int, dict[str, Any]]:
        amount, method = said.get("amount_minor"), said.get("method")
        if type(amount) is not int or method not in ("cash", "cheque", "bank", "other"):
            raise Refused(
                400, "amount_minor must be a whole number, and method cash, cheque, bank or other"
            )
        paid = Payment(
            amount_minor=amount,
            currency=text_of(said, "currency"),
            what=text_of(said, "what"),
            method=method,
            at=moment_of(said, "at") or now(),
        )
        # The key says whether it is the same payment: two with the same sum are two payments.
        done = payments.record_payment(
            the_bridge(), token_actor(), user_id, paid, again=True, token=write
        )
        return 201, {"id": done.line.id, "user_id": user_id, "amount_minor": amount}

    return once(do)


def _grant(one: HandGrant) -> dict[str, Any]:
    return {
        "id": one.id,
        "user_id": one.user_id,
        "group_id": one.group_id,
        "from": iso(one.from_at),
        "until": iso(one.until_at),
        "reason": one.reason,
        "source": one.source,
    }
