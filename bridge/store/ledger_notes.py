"""Notes on the ledger's lines. Append-only; they survive a rebuild, like the ids of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from bridge.core.ledger.shown import Note
from bridge.store.schema.ledger import ledger_notes


def add(connection: Connection, note: Note) -> None:
    """Append a note."""
    connection.execute(insert(ledger_notes).values(asdict(note)))


def of_lines(connection: Connection, line_ids: Sequence[str]) -> list[Note]:
    """The notes on these lines, the oldest first."""
    of = ledger_notes.c
    rows = connection.execute(
        select(of.line_id, of.text, of.actor, of.at)
        .where(of.line_id.in_(line_ids))
        .order_by(of.number)
    )
    return [Note(*row) for row in rows]
