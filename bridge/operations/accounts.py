"""Accounts of the forum that changed: merged, deleted, made anew."""

from __future__ import annotations

from bridge.errors import Permanent
from bridge.operations.grants import new_id
from bridge.store import accounts, statements, work
from bridge.store.accounts import Moved
from bridge.wiring import Bridge


def relink(bridge: Bridge, from_id: int, to_id: int, *, actor: str) -> Moved:
    """Give everything of one account to another, on an operator's word and never by a guess.

    Raises: NotFound when there is no such account to give it to, Permanent for the same one.
    """
    if from_id == to_id:
        raise Permanent(f"user {from_id} is the same account: name the one that follows it")
    user = bridge.discourse.user(to_id)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        statements.see_user(connection, user, now)
        moved = accounts.move(
            connection,
            from_id,
            to_id,
            member_of=user.group_ids,
            new_id=new_id,
            actor=actor,
            now=now,
        )
    for user_id in (from_id, to_id):
        bridge.hint("decide", work.user_key(user_id))
    return moved
