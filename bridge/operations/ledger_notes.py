"""Notes of treasurers on lines of the ledger."""

from __future__ import annotations

import uuid
from dataclasses import replace

from bridge.core.ledger.shown import Note
from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.errors import NotFound
from bridge.store import Connection, changes, ledger_notes, state
from bridge.store import ledger as store
from bridge.texts import gettext
from bridge.wiring import Bridge


def add_note(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    line_id: str,
    text: str,
    *,
    token: uuid.UUID | None = None,
) -> Note:
    """Write a note on a member's line; neither lines nor notes are ever edited.

    `token`: names the note, so that writing it a second time changes nothing. Raises: NotFound for
    a line that is not this member's, Permanent for an invalid note.
    """
    now = bridge.clock.now()
    note = Note(line_id, checked_words(gettext("note"), text), str(actor), now)
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [user_id])
        if store.line_of_user(connection, user_id, line_id) is None:
            raise NotFound(
                gettext("%(line_id)s is not a line of id:%(user_id)s")
                % {"line_id": repr(line_id[:60]), "user_id": user_id}
            )
        if token and (earlier := _written(connection, note, user_id, token)):
            return earlier
        ledger_notes.add(connection, note)
        changes.log(
            connection,
            "note_added",
            now=now,
            user_id=user_id,
            cause=str(actor),
            outcome=note.text,
            detail={"line": line_id, **({"request": str(token)} if token else {})},
        )
    return note


def _written(connection: Connection, note: Note, user_id: int, token: uuid.UUID) -> Note | None:
    """The note that was written under this token; the log knows it."""
    mine = changes.page(connection, user_id=user_id, action="note_added", causes=[note.actor])
    found = (one for one in mine if (one.detail or {}).get("request") == str(token))
    return next((replace(note, at=one.at) for one in found), None)
