"""The registers and the ledger for other machines: read as of any day, and notes on lines."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from bridge.core.ledger.line import Line
from bridge.core.ledger.shown import STATES, Note
from bridge.operations import books, ledger_notes
from bridge.operations.books import When
from bridge.web.api.calls import (
    Refused,
    blueprint,
    end_of_day,
    iso,
    once,
    text_of,
    token_actor,
    whole_number,
)
from bridge.web.context import the_bridge

LONGEST_ID = 275


@blueprint.get("/register/shares")
def get_share_register() -> Response:
    """Every run of shares by class and number, those that ended too."""
    found = books.shares(the_bridge(), _when(), whole_number("after"))
    rows = [
        {
            "class": one.share_class,
            "first": one.first,
            "last": one.last,
            "holder": one.holder,
            "user_id": books.user_of(one.holder),
            "issued": iso(one.issued_at),
            "acquired": iso(one.acquired_at),
            "transferred_from": one.transferred_from,
            "ended": iso(one.ended_at),
            "ended_how": one.ended_how,
            "price_minor": one.price_minor,
            "currency": one.currency,
            "in_issue": one.total,
            "source": one.source_id,
        }
        for one in found.page.rows
    ]
    return jsonify(shares=rows, after=found.page.after)


@blueprint.get("/register/members")
def get_member_register() -> Response:
    """Every entry of the register of members, in order of its application."""
    said = request.args.get("state")
    state = next((one for one in STATES if one == said), None)
    if said is not None and state is None:
        raise Refused(400, f"state is one of {', '.join(STATES)}")
    found = books.members(the_bridge(), _when(), state, whole_number("after"))
    rows = [
        {
            "user_id": one.user_id,
            "state": one.state,
            "applied": iso(one.applied_at),
            "approved": iso(one.approved_at),
            "paid": iso(one.paid_at),
            "declined": iso(one.declined_at),
            "declined_because": one.declined_because,
            "ceased": iso(one.ceased_at),
            "ceased_because": one.ceased_because,
        }
        for one in found.page.rows
    ]
    return jsonify(members=rows, after=found.page.after)


@blueprint.get("/people/<id:user_id>/ledger")
def get_ledger(user_id: int) -> Response:
    """One person's lines, the newest first; `before` is the id of the last one seen."""
    found = books.money(the_bridge(), user_id, request.args.get("before", "")[:LONGEST_ID] or None)
    lines = [_line(one.line, one.notes) for entry in found.entries for one in entry.lines]
    return jsonify(lines=lines, before=found.before)


@blueprint.post("/people/<id:user_id>/ledger/notes")
def post_note(user_id: int) -> Response:
    """Write a note on a line of one person."""

    def do(said: Mapping[str, Any], write: uuid.UUID) -> tuple[int, dict[str, Any]]:
        line, text = text_of(said, "line"), text_of(said, "note")
        done = ledger_notes.add_note(the_bridge(), token_actor(), user_id, line, text, token=write)
        return 201, {"line": line} | _note(done)

    return once(do)


def _when() -> When:
    return When(end_of_day("as_of"), end_of_day("known"))


def _line(one: Line, notes: tuple[Note, ...]) -> dict[str, Any]:
    return {
        "id": one.id,
        "entry": one.entry_id,
        "kind": one.kind,
        "account": one.account,
        "at": iso(one.at),
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "what": one.what,
        "fund": one.fund,
        "invoice": one.invoice_id,
        "payment": one.payment_id,
        "source": one.source_id,
        "corrects": one.corrects,
        "notes": [_note(note) for note in notes],
    }


def _note(one: Note) -> dict[str, Any]:
    return {"text": one.text, "actor": one.actor, "at": iso(one.at)}
