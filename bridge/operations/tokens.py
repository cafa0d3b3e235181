"""Tokens for other machines: made for a purpose, shown once, revocable at any time."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.errors import NotFound, Permanent
from bridge.store import changes
from bridge.store import tokens as store
from bridge.store.tokens import Token
from bridge.texts import gettext
from bridge.wiring import Bridge

SCOPES = {
    "standing:read": gettext("ask whether somebody is in good standing"),
    "members:read": gettext("list the members of a group"),
    "people:read": gettext("read one person’s groups and grants"),
    "grants:write": gettext("give groups by hand and take them back"),
    "payments:write": gettext("record payments outside Stripe"),
    "register:read": gettext("read the registers of shares and of members"),
    "ledger:read": gettext("read what the ledger has of one person, with the notes on it"),
    "ledger:write": gettext("write notes on lines of the ledger"),
}
"""Every right that a token can have."""
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Made:
    """A new token. `secret` is shown now and never again."""

    token: Token
    secret: str


def make_token(
    bridge: Bridge, actor: Actor, name: str, scopes: Collection[str], expires_at: datetime
) -> Made:
    """Make a token with these rights; `revoke_token` is the reverse.

    Raises: Permanent for a right that does not exist, no right at all, or an end that is past.
    """
    now = bridge.clock.now()
    name = checked_words(gettext("name"), name)
    if len(name) > LONGEST_NAME:
        too_long = gettext("the name has %(count)d characters: use %(most)d at most")
        raise Permanent(too_long % {"count": len(name), "most": LONGEST_NAME})
    choices = ", ".join(SCOPES)
    if not scopes:
        raise Permanent(gettext("choose at least one right: %(choices)s") % {"choices": choices})
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        wrong = gettext("a token cannot have the right %(wrong)s: choose from %(choices)s")
        raise Permanent(wrong % {"wrong": ", ".join(unknown), "choices": choices})
    if expires_at <= now:
        raise Permanent(
            gettext("%(expires_at)s is in the past: give a later day")
            % {"expires_at": f"{expires_at:%Y-%m-%d}"}
        )
    secret = f"bt_{secrets.token_urlsafe(32)}"
    id_ = f"token_{secrets.token_hex(6)}"
    token = Token(id_, name, tuple(sorted(scopes)), str(actor), now, expires_at, None, None)
    with bridge.store.write() as connection:
        store.add(connection, token, secret)
        said = {"token": id_, "scopes": list(token.scopes)}
        changes.log(connection, "token_made", now=now, cause=str(actor), outcome=name, detail=said)
    return Made(token, secret)


def revoke_token(bridge: Bridge, actor: Actor, token_id: str, *, reason: str) -> None:
    """Revoke a token at once. Raises NotFound when no valid token has this id."""
    now, words = bridge.clock.now(), checked_words(gettext("reason"), reason)
    with bridge.store.write() as connection:
        if not store.revoke(connection, token_id, actor=str(actor), now=now):
            raise NotFound(
                gettext("no token %(token_id)s is valid") % {"token_id": token_id}, "tokens"
            )
        changes.log(
            connection,
            "token_revoked",
            now=now,
            cause=str(actor),
            outcome=words,
            detail={"token": token_id},
        )
