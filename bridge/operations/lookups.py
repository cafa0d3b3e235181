"""Keeps what look-ups found: who looked, and accounts that only the forum knew."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.core.model.actor import Actor
from bridge.core.telling.asked import By
from bridge.store import changes, users
from bridge.texts import gettext, ngettext
from bridge.wiring import Bridge

_ACTIONS: Mapping[By, str] = {"address": "looked_up", "name": "looked_up_by_name"}


def note_lookup(bridge: Bridge, actor: Actor, by: By, found: Collection[int]) -> None:
    """Log a look-up by e-mail address or by full name, which are kept nowhere themselves."""
    words = (
        ngettext("%(count)s person found", "%(count)s people found", len(found))
        if found
        else gettext("nobody found")
    )
    with bridge.store.write() as connection:
        changes.log(
            connection,
            _ACTIONS[by],
            now=bridge.clock.now(),
            user_id=next(iter(found)) if len(found) == 1 else None,
            cause=str(actor),
            outcome=words % {"count": len(found)},
        )


def remember(bridge: Bridge, found: Mapping[int, str]) -> None:
    """Keep the names of accounts that only the forum knew, so that they have a page."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        for user_id, username in found.items():
            users.see_name(connection, user_id, username, now)
