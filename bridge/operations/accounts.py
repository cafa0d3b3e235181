"""Accounts of the forum that changed: merged, deleted, made anew."""

from __future__ import annotations

from bridge.core.model.actor import Actor
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.operations.grants import new_id
from bridge.store import accounts, work
from bridge.store.accounts import Moved
from bridge.wiring import Bridge


def relink(bridge: Bridge, actor: Actor, from_id: int, to_id: int) -> Moved:
    """Give everything of one account to another, on an operator's word and never by a guess.

    Raises: NotFound when there is no such account to give it to or nothing is known of the other,
    Permanent for the same one.
    """
    if from_id == to_id:
        raise Permanent(f"user {from_id} is the same account: name the account that follows it")
    with bridge.store.read() as connection:
        if not accounts.is_known(connection, from_id):
            raise NotFound(f"the bridge knows nothing of user {from_id}: there is nothing to move")
    user = find_user(bridge, to_id)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        moved = accounts.move(
            connection,
            from_id,
            to_id,
            member_of=user.group_ids,
            new_id=new_id,
            actor=str(actor),
            now=now,
        )
    for user_id in (from_id, to_id):
        bridge.hint("decide", work.user_key(user_id))
    return moved
