"""The parts of the API's description about the registers and the ledger."""

from __future__ import annotations

from typing import Any, get_args

from bridge.core.ledger.line import LineKind
from bridge.core.ledger.shown import STATES

Json = dict[str, Any]

_MOMENT: Json = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Json = {"type": "string"}
_MAYBE: Json = {"type": ["string", "null"]}
_NUMBER: Json = {"type": "integer"}
_ID: Json = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def _rows(name: str, columns: Json, more: Json) -> Json:
    row = {"type": "object", "required": sorted(columns), "properties": columns}
    properties = {name: {"type": "array", "items": row}, **more}
    return {"type": "object", "required": sorted(properties), "properties": properties}


_NOTE: Json = {"text": _TEXT, "actor": _TEXT, "at": _MOMENT}
SCHEMAS: Json = {
    "ShareRegister": _rows(
        "shares",
        {
            "class": {"enum": ["share", "supporter share"]},
            "first": _NUMBER,
            "last": _NUMBER,
            "holder": _TEXT,
            "user_id": {"type": ["integer", "null"]},
            "issued": _MOMENT,
            "acquired": _MOMENT,
            "transferred_from": _MAYBE,
            "ended": _MOMENT,
            "ended_how": {"enum": ["withdrawn", "transferred", "corrected", None]},
            "price_minor": _NUMBER,
            "currency": _TEXT,
            "in_issue": _NUMBER,
            "source": _TEXT,
        },
        {"after": {"type": ["integer", "null"]}},
    ),
    "MemberRegister": _rows(
        "members",
        {
            "user_id": _ID,
            "state": {"enum": list(STATES)},
            "applied": _MOMENT,
            "approved": _MOMENT,
            "paid": _MOMENT,
            "declined": _MOMENT,
            "declined_because": _MAYBE,
            "ceased": _MOMENT,
            "ceased_because": _MAYBE,
        },
        {"after": {"type": ["integer", "null"]}},
    ),
    "Ledger": _rows(
        "lines",
        {
            "id": _TEXT,
            "entry": _TEXT,
            "kind": {"enum": list(get_args(LineKind))},
            "account": _TEXT,
            "at": _MOMENT,
            "amount_minor": _NUMBER,
            "currency": _TEXT,
            "what": _TEXT,
            "fund": _MAYBE,
            "invoice": _MAYBE,
            "payment": _MAYBE,
            "source": _MAYBE,
            "corrects": _MAYBE,
            "notes": {
                "type": "array",
                "items": {"type": "object", "required": sorted(_NOTE), "properties": _NOTE},
            },
        },
        {"before": _MAYBE},
    ),
    "Note": {
        "type": "object",
        "required": ["line", *sorted(_NOTE)],
        "properties": {"line": _TEXT, **_NOTE},
    },
    "NewNote": {
        "type": "object",
        "required": ["line", "note"],
        "properties": {
            "line": {"type": "string", "minLength": 1, "maxLength": 275},
            "note": {"type": "string", "minLength": 1, "maxLength": 200},
        },
    },
}
_USER: Json = {"name": "user_id", "in": "path", "required": True, "schema": _ID}
_DAY: Json = {"type": "string", "format": "date"}
_WHEN: list[Json] = [
    {"name": "as_of", "in": "query", "schema": _DAY},
    {"name": "known", "in": "query", "schema": _DAY},
    {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}},
]
_STATE: Json = {"name": "state", "in": "query", "schema": {"enum": list(STATES)}}
_BEFORE: Json = {"name": "before", "in": "query", "schema": {"type": "string", "maxLength": 275}}
_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def _read(right: str, answer: str, parameters: list[Json], summary: str) -> Json:
    return {"right": right, "answer": answer, "parameters": parameters, "summary": summary}


PATHS: tuple[tuple[str, dict[str, Json]], ...] = (
    (
        "/register/shares",
        {"get": _read("register:read", "ShareRegister", _WHEN, "Shares as of a day, in pages")},
    ),
    (
        "/register/members",
        {
            "get": _read(
                *("register:read", "MemberRegister", [*_WHEN, _STATE]),
                summary="The steps of every membership as of a day, in pages",
            )
        },
    ),
    (
        "/people/{user_id}/ledger",
        {"get": _read("ledger:read", "Ledger", [_USER, _BEFORE], "One person's lines, in pages")},
    ),
    (
        "/people/{user_id}/ledger/notes",
        {
            "post": _read("ledger:write", "Note", [_USER, _KEY], "Write a note on a line")
            | {"body": "NewNote", "made": True}
        },
    ),
)
"""Path -> method -> what `openapi` makes a call of."""
