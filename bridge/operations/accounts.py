"""Forum accounts that were merged, deleted or created again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial

from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import BRIDGE, Actor
from bridge.core.model.discourse import User
from bridge.core.model.words import said
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.operations.grants import new_id
from bridge.operations.preview import effects, instead
from bridge.store import Connection, accounts, facts, state, users, work
from bridge.store.accounts import Moved
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class MovedBack:
    """What was moved back, and from which account."""

    from_id: int
    moved: Moved


def preview_relink(bridge: Bridge, from_id: int, to_id: int) -> tuple[Effect, ...]:
    """What `relink` would change in the groups of both. Raises the same errors."""
    receiver = _receiver(bridge, from_id, to_id)
    return _undone(
        bridge, (from_id, to_id), lambda it: _move(it, bridge, from_id, receiver, BRIDGE, None)
    )


def relink(
    bridge: Bridge, actor: Actor, from_id: int, to_id: int, *, reason: str | None = None
) -> Moved:
    """Move everything from one account to another by somebody's decision, never automatically.

    Raises: NotFound if the receiving account does not exist or nothing is known about the other,
    Permanent if both are the same, or nothing is left to move.
    """
    receiver, words = _receiver(bridge, from_id, to_id), said(reason)
    with bridge.store.write() as connection:
        moved = _move(connection, bridge, from_id, receiver, actor, words)
    for user_id in (from_id, to_id):
        bridge.hint("decide", work.user_key(user_id))
    return moved


def _receiver(bridge: Bridge, from_id: int, to_id: int) -> User:
    if from_id == to_id:
        raise Permanent(
            gettext("id:%(from_id)s is the same account: name the account that replaces it")
            % {"from_id": from_id}
        )
    with bridge.store.read() as connection:
        if not accounts.is_known(connection, from_id):
            raise NotFound(
                gettext("the bridge knows nothing about id:%(from_id)s: there is nothing to move")
                % {"from_id": from_id}
            )
    return find_user(bridge, to_id)


def _move(
    connection: Connection,
    bridge: Bridge,
    from_id: int,
    receiver: User,
    actor: Actor,
    reason: str | None,
) -> Moved:
    state.take_turn_about(connection, [from_id, receiver.id])
    followed = users.present_account(connection, from_id)
    moved = accounts.move(
        connection,
        from_id,
        receiver.id,
        member_of=receiver.group_ids,
        new_id=new_id,
        actor=str(actor),
        now=bridge.clock.now(),
        reason=reason,
    )
    if followed == receiver.id and not any(astuple(moved)):
        raise Permanent(
            gettext("everything of id:%(from_id)s was moved to id:%(to_id)s before")
            % {"from_id": from_id, "to_id": receiver.id}
        )
    return moved


def preview_unrelink(bridge: Bridge, from_id: int) -> tuple[Effect, ...]:
    """What `unrelink` would change in the groups of both. Raises the same errors."""
    to_id, moved = _last_move(bridge, from_id)
    return _undone(
        bridge,
        (from_id, to_id),
        lambda it: _move_back(it, bridge, from_id, to_id, moved, BRIDGE, None),
    )


def unrelink(bridge: Bridge, actor: Actor, from_id: int, *, reason: str | None = None) -> MovedBack:
    """Undo `relink`: give back to an account what went to the following account.

    The following account keeps what it had before or got since. Raises: NotFound if nothing was
    moved, or the account no longer exists on the forum.
    """
    (to_id, moved), words = _last_move(bridge, from_id), said(reason)
    with bridge.store.write() as connection:
        back = _move_back(connection, bridge, from_id, to_id, moved, actor, words)
    for user_id in (from_id, to_id):
        bridge.hint("decide", work.user_key(user_id))
    return MovedBack(to_id, back)


def _last_move(bridge: Bridge, from_id: int) -> tuple[int, Moved]:
    with bridge.store.read() as connection:
        last = accounts.last_move(connection, from_id)
    if last is None:
        raise NotFound(
            gettext("nothing was moved from id:%(from_id)s to another account")
            % {"from_id": from_id}
        )
    find_user(bridge, from_id)
    return last


def _move_back(
    connection: Connection,
    bridge: Bridge,
    from_id: int,
    to_id: int,
    moved: Moved,
    actor: Actor,
    reason: str | None,
) -> Moved:
    state.take_turn_about(connection, [from_id, to_id])
    return accounts.move_back(
        connection,
        from_id,
        to_id,
        moved,
        new_id=new_id,
        actor=str(actor),
        now=bridge.clock.now(),
        reason=reason,
    )


def _undone(
    bridge: Bridge, user_ids: Sequence[int], act: Callable[[Connection], object]
) -> tuple[Effect, ...]:
    """What an act would change in these users' groups: it is done, looked at, and taken back."""
    with bridge.store.write() as connection:
        done = connection.begin_nested()
        act(connection)
        after = {user_id: facts.facts_of(connection, user_id)[0] for user_id in user_ids}
        done.rollback()
    return tuple(
        effect
        for user_id, known in after.items()
        for effect in effects(bridge, user_id, What(partial(instead, known)))
    )
