"""Signing in: numbers used once, each bound to one browser for ten minutes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, insert, select, update

from bridge.store.schema.people import nonces

NONCE_LIFE = timedelta(minutes=10)
KEEP_USED = timedelta(days=1)  # long enough to tell "used" from "never ours"


def make_nonce(
    connection: Connection, purpose: str, browser: str, payload: Mapping[str, str], now: datetime
) -> str:
    """A number for one sign-in of one browser; old ones are swept out on the way."""
    connection.execute(delete(nonces).where(nonces.c.expires_at < now - KEEP_USED))
    nonce = secrets.token_urlsafe(24)
    connection.execute(
        insert(nonces).values(
            nonce=nonce,
            purpose=purpose,
            browser=browser,
            payload=dict(payload),
            expires_at=now + NONCE_LIFE,
        )
    )
    return nonce


@dataclass(frozen=True, slots=True)
class Nonce:
    """A number that came back.

    Only `fresh` signs somebody in, and only once. `stale`: this browser's number, but expired or
    used. Neither: another browser's number, or none.
    """

    fresh: bool
    stale: bool
    payload: Mapping[str, str]


def use_nonce(
    connection: Connection, nonce: str, purpose: str, browser: str | None, now: datetime
) -> Nonce:
    """Use a number; a single statement decides who was first."""
    mine = and_(
        nonces.c.nonce == nonce, nonces.c.purpose == purpose, nonces.c.browser == (browser or "")
    )
    used = connection.execute(
        update(nonces)
        .where(mine, nonces.c.used_at.is_(None), nonces.c.expires_at > now)
        .values(used_at=now)
    )
    payload = connection.scalar(select(nonces.c.payload).where(mine))
    fresh = used.rowcount == 1
    return Nonce(fresh=fresh, stale=payload is not None and not fresh, payload=payload or {})
