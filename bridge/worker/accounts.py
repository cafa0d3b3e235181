"""Checks the accounts of payers daily, because the forum's webhook may not be set up.

The forum lists suspended users. Deleted and merged users have no card. Discourse renames anonymised
users to `anon` and a number.
"""

from __future__ import annotations

import re

import structlog

from bridge.store import state, users
from bridge.wiring import Bridge
from bridge.worker.forum_events import look_at

log = structlog.get_logger()
LOOKED_TO = "accounts.looked_to"
CARDS = 50
_ANONYMOUS = re.compile(r"anon\d{3,}")


def look_at_payers(bridge: Bridge) -> None:
    """Check every payer: one request for 50 payers, one for 100 suspended users, one per change.

    When no request is left, the next attempt continues from there.
    """
    with bridge.store.read() as connection:
        after = int(state.get(connection, LOOKED_TO) or 0)
        if not users.payers_after(connection, 0, 1):
            return
    if after == 0:
        _look_at_suspended(bridge)
    while True:
        with bridge.store.read() as connection:
            page = dict(users.payers_after(connection, after, CARDS))
        if not page:
            break
        _look_at_cards(bridge, page)
        after = max(page)
        with bridge.store.write() as connection:
            state.put(connection, LOOKED_TO, after)
    with bridge.store.write() as connection:
        state.put(connection, LOOKED_TO, 0)


def _look_at_suspended(bridge: Bridge) -> None:
    number = 1
    while found := bridge.discourse.suspended_users(number):
        for user_id in found:
            with bridge.store.read() as connection:
                is_news = bool(
                    dict(users.payers_after(connection, user_id - 1, 1)).keys() & {user_id}
                )
            if is_news:
                look_at(bridge, user_id)
        number += 1


def _look_at_cards(bridge: Bridge, known: dict[int, str | None]) -> None:
    cards = {one.id: one for one in bridge.discourse.user_cards(list(known))}
    for user_id in sorted(known.keys() - cards.keys()):
        look_at(bridge, user_id)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        for user_id, card in cards.items():
            if known[user_id] == card.username:
                continue
            users.see_name(connection, user_id, card.username, now)
            if known[user_id] and _ANONYMOUS.fullmatch(card.username):
                log.warning("account.anonymized", user_id=user_id)
                users.mark(connection, user_id, "anonymized", now)
