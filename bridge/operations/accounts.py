"""Forum accounts that were merged, deleted or created again."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from bridge.core.model.actor import Actor
from bridge.core.model.words import said
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.operations.grants import new_id
from bridge.store import accounts, state, users, work
from bridge.store.accounts import Moved
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class MovedBack:
    """What was moved back, and from which account."""

    from_id: int
    moved: Moved


def relink(
    bridge: Bridge, actor: Actor, from_id: int, to_id: int, *, reason: str | None = None
) -> Moved:
    """Move everything from one account to another by somebody's decision, never automatically.

    Raises: NotFound if the receiving account does not exist or nothing is known about the other,
    Permanent if both are the same, or nothing is left to move.
    """
    if from_id == to_id:
        raise Permanent(
            gettext("user %(from_id)s is the same account: name the account that replaces it")
            % {"from_id": from_id}
        )
    with bridge.store.read() as connection:
        if not accounts.is_known(connection, from_id):
            raise NotFound(
                gettext("the bridge knows nothing about user %(from_id)s: there is nothing to move")
                % {"from_id": from_id}
            )
    user = find_user(bridge, to_id)
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [from_id, to_id])
        followed = users.present_account(connection, from_id)
        moved = accounts.move(
            connection,
            from_id,
            to_id,
            member_of=user.group_ids,
            new_id=new_id,
            actor=str(actor),
            now=now,
            reason=words,
        )
        if followed == to_id and not any(astuple(moved)):
            raise Permanent(
                gettext("everything of user %(from_id)s was moved to user %(to_id)s before")
                % {"from_id": from_id, "to_id": to_id}
            )
    for user_id in (from_id, to_id):
        bridge.hint("decide", work.user_key(user_id))
    return moved


def unrelink(bridge: Bridge, actor: Actor, from_id: int, *, reason: str | None = None) -> MovedBack:
    """Undo `relink`: give back to an account what went to the following account.

    The following account keeps what it had before or got since. Raises: NotFound if nothing was
    moved, or the account no longer exists on the forum.
    """
    with bridge.store.read() as connection:
        last = accounts.last_move(connection, from_id)
    if last is None:
        raise NotFound(
            gettext("nothing was moved from user %(from_id)s to another account")
            % {"from_id": from_id}
        )
    find_user(bridge, from_id)
    to_id, moved = last
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [from_id, to_id])
        back = accounts.move_back(
            connection,
            from_id,
            to_id,
            moved,
            new_id=new_id,
            actor=str(actor),
            now=now,
            reason=words,
        )
    for user_id in (from_id, to_id):
        bridge.hint("decide", work.user_key(user_id))
    return MovedBack(to_id, back)
