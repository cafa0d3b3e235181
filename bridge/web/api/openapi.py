"""The description of the API in OpenAPI 3.1: requests, answers, and the rights they need."""

from __future__ import annotations

from typing import Any

from bridge.core.memberships.state import State
from bridge.web.api.openapi_books import PATHS, SCHEMAS

Json = dict[str, Any]

_MOMENT: Json = {"type": ["string", "null"], "format": "date-time"}
_ID: Json = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_SCHEMAS: Json = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
    },
    "Standing": {
        "type": "object",
        "required": ["user_id", "username", "standing", "reason", "code", "as_of", "groups"],
        "properties": {
            "user_id": _ID,
            "username": {"type": ["string", "null"]},
            "standing": {"enum": ["good", "bad"]},
            "reason": {"type": "string"},
            "code": {"type": "string"},
            "as_of": {"type": ["string", "null"]},
            "groups": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Members": {
        "type": "object",
        "required": ["members", "after"],
        "properties": {
            "members": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["user_id", "username", "since"],
                    "properties": {
                        "user_id": _ID,
                        "username": {"type": ["string", "null"]},
                        "since": _MOMENT,
                    },
                },
            },
            "after": {"type": ["integer", "null"]},
        },
    },
    "Grant": {
        "type": "object",
        "required": ["id", "user_id", "group_id", "from", "until", "reason", "source"],
        "properties": {
            "id": {"type": "string"},
            "user_id": _ID,
            "group_id": _ID,
            "from": _MOMENT,
            "until": _MOMENT,
            "reason": {"type": "string"},
            "source": {"enum": ["moderator", "payment", "import"]},
        },
    },
    "Person": {
        "type": "object",
        "required": ["user_id", "username", "groups", "grants"],
        "properties": {
            "user_id": _ID,
            "username": {"type": ["string", "null"]},
            "groups": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "group", "in", "due", "state", "until", "reason"],
                    "properties": {
                        "id": _ID,
                        "group": {"type": "string"},
                        "in": {"type": "boolean"},
                        "due": {"type": "boolean"},
                        "state": {"enum": [str(one) for one in State]},
                        "until": _MOMENT,
                        "reason": {"type": "string"},
                    },
                },
            },
            "grants": {"type": "array", "items": {"$ref": "#/components/schemas/Grant"}},
        },
    },
    "Payment": {
        "type": "object",
        "required": ["id", "user_id", "amount_minor"],
        "properties": {
            "id": {"type": "string"},
            "user_id": _ID,
            "amount_minor": {"type": "integer"},
        },
    },
    **SCHEMAS,
    "NewGrant": {
        "type": "object",
        "required": ["group", "reason"],
        "properties": {
            "group": {"type": "string", "minLength": 1, "maxLength": 60},
            "until": _MOMENT,
            "reason": {"type": "string", "minLength": 1, "maxLength": 500},
        },
    },
    "NewPayment": {
        "type": "object",
        "required": ["amount_minor", "currency", "method", "what"],
        "properties": {
            "amount_minor": {"type": "integer"},
            "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
            "method": {"enum": ["cash", "cheque", "bank", "other"]},
            "what": {"type": "string", "minLength": 1, "maxLength": 500},
            "at": _MOMENT,
        },
    },
}
_USER: Json = {"name": "user_id", "in": "path", "required": True, "schema": _ID}
_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def description(server: str) -> Json:
    """The description of the API at an address."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Community subscription bridge",
            "version": "1",
            "description": "Times are ISO 8601 in UTC. Amounts are whole numbers of the "
            "currency's minor unit. Each call takes a token with the right that it names.",
        },
        "servers": [{"url": f"{server}/api/v1"}],
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _SCHEMAS,
        },
        "paths": _paths(),
    }


def _paths() -> Json:
    name = {"name": "user", "in": "path", "required": True, "schema": {"type": "string"}}
    group = {"name": "group", "in": "query", "schema": {"type": "string"}}
    group_id = {"name": "group_id", "in": "path", "required": True, "schema": _ID}
    after = {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}}
    words = {"type": "string", "minLength": 1, "maxLength": 200}
    reason = {"name": "reason", "in": "query", "required": True, "schema": words}
    grant = {"name": "grant_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/standing/{user}": {
            "get": _call("standing:read", "Standing", [name, group], "id:12, or a name")
        },
        "/groups/{group_id}/members": {
            "get": _call("members:read", "Members", [group_id, after], "In pages, by id")
        },
        "/people/{user_id}": {"get": _call("people:read", "Person", [_USER], "One person")},
        "/people/{user_id}/grants": {
            "post": _call(
                "grants:write", "Grant", [_USER, _KEY], "Give a group", body="NewGrant", made=True
            )
        },
        "/grants/{grant_id}": {
            "delete": _call("grants:write", "Grant", [grant, reason], "Take a grant back")
        },
        "/people/{user_id}/payments": {
            "post": _call(
                "payments:write",
                "Payment",
                [_USER, _KEY],
                "Record a payment outside Stripe",
                body="NewPayment",
                made=True,
            )
        },
        **{path: {method: _call(**said) for method, said in of.items()} for path, of in PATHS},
    }


def _call(
    right: str,
    answer: str,
    parameters: list[Json],
    summary: str,
    *,
    body: str | None = None,
    made: bool = False,
) -> Json:
    errors = {
        "400": "Something in the request is invalid",
        "401": "No valid token",
        "403": f"The token lacks the right {right}",
        "404": "Nobody or nothing has that name",
        "409": "The key was used for another request",
        "413": "The request is too large",
        "429": "Too many requests",
        "500": "A fault of the bridge",
        "503": "The forum or the database does not answer now",
    }
    call: Json = {
        "summary": summary,
        "description": f"Takes the right `{right}`.",
        "parameters": parameters,
        "responses": {
            "200": _answer("As it is now", answer),
            **({"201": _answer("Done", answer)} if made else {}),
            **{status: _answer(why, "Error") for status, why in errors.items()},
        },
    }
    if body:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}}
        call["requestBody"] = {"required": True, "content": content}
    return call


def _answer(why: str, schema: str) -> Json:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": why, "content": content}
