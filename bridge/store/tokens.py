"""Tokens of the API, kept as hashes, and the answers to writes that carried a key."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bridge.core.model.people import fold
from bridge.store.inserts import insert_for
from bridge.store.schema.people import api_writes, tokens

W = api_writes
FREE = ""
"""The request of a key whose write did not happen."""
IDS = uuid.UUID("6f0d3a52-8d5c-5e1b-9a34-0f5f4be7c1a1")
KEYS_HOLD = timedelta(days=1)
# The last use is stored to the minute: a write for each request would be too much.
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


def sha256(secret: str) -> str:
    """The stored form of a token; tokens are long and random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add(connection: Connection, token: Token, secret: str) -> None:
    """Keep a new token."""
    connection.execute(
        insert(tokens).values(
            id=token.id,
            name=token.name,
            sha256=sha256(secret),
            scopes=list(token.scopes),
            made_by=token.made_by,
            made_at=token.made_at,
            expires_at=token.expires_at,
        )
    )


def find(connection: Connection, secret: str, now: datetime) -> Token | None:
    """The token with this secret, if it is valid now."""
    row = connection.execute(select(tokens).where(tokens.c.sha256 == sha256(secret))).first()
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    return _token(row)


def note_used(connection: Connection, token: Token, now: datetime) -> None:
    """Store when a token was last used."""
    connection.execute(update(tokens).where(tokens.c.id == token.id).values(used_at=now))


def revoke(connection: Connection, token_id: str, *, actor: str, now: datetime) -> bool:
    """Revoke a token; False if no valid token has this id."""
    done = connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=actor)
    )
    return bool(done.rowcount)


def all_of_them(connection: Connection) -> list[Token]:
    """Every token ever made, the newest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.made_at.desc(), tokens.c.id))
    return [_token(row) for row in rows]


def names_of(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Token id -> name."""
    if not ids:
        return {}
    rows = connection.execute(select(tokens.c.id, tokens.c.name).where(tokens.c.id.in_(ids)))
    return {row.id: row.name for row in rows}


def ids_named(connection: Connection, name: str) -> list[str]:
    """The tokens of this name, in capitals or not; several can have it."""
    asked = select(tokens.c.id, tokens.c.name)
    # Compared here: SQLite folds only ASCII. There are few tokens.
    return [row.id for row in connection.execute(asked) if fold(row.name) == fold(name)]


def _token(row: Any) -> Token:
    return Token(
        row.id,
        row.name,
        tuple(row.scopes),
        row.made_by,
        row.made_at,
        row.expires_at,
        row.revoked_at,
        row.used_at,
    )


@dataclass(frozen=True, slots=True)
class Write:
    """The write of an idempotency key. Without a status nobody has answered it yet.

    It may be under way, or its process died: whoever sends it again does it again under the same
    `id`, which says whether it was done.
    """

    id: uuid.UUID
    request_sha256: str
    status: int | None
    answer: Mapping[str, Any] | None


def begin_write(
    connection: Connection, token_id: str, key: str, request_sha256: str, now: datetime
) -> Write:
    """Reserve a key for a write, or find who has it and its answer."""
    connection.execute(delete(W).where(W.c.at < now - KEYS_HOLD))
    new = insert_for(connection)(W).values(
        token_id=token_id, key=key, request_sha256=request_sha256, at=now
    )
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[W.c.token_id, W.c.key],
            set_={"request_sha256": request_sha256},
            where=W.c.request_sha256 == FREE,
        )
    )
    row = connection.execute(select(W).where(W.c.token_id == token_id, W.c.key == key)).one()
    said = json.dumps([token_id, key, row.at.isoformat(), row.request_sha256])
    return Write(uuid.uuid5(IDS, said), row.request_sha256, row.status, row.answer)


def end_write(
    connection: Connection,
    token_id: str,
    key: str,
    write: Write,
    status: int,
    answer: Mapping[str, Any],
) -> None:
    """Store the answer to a write."""
    connection.execute(
        update(W)
        .where(*_unanswered(token_id, key, write))
        .values(status=status, answer=dict(answer))
    )


def free_key(connection: Connection, token_id: str, key: str, write: Write) -> None:
    """Free the key of a write that did not happen.

    The time stays: the same request may be under way elsewhere, and must keep its id.
    """
    connection.execute(
        update(W).where(*_unanswered(token_id, key, write)).values(request_sha256=FREE)
    )


def _unanswered(token_id: str, key: str, write: Write) -> tuple[ColumnElement[bool], ...]:
    same = W.c.request_sha256 == write.request_sha256
    return W.c.token_id == token_id, W.c.key == key, same, W.c.status.is_(None)
