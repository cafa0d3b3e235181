"""Shows stopped mass removals, and lets them continue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bridge.core.model.actor import Actor
from bridge.core.model.discourse import Group
from bridge.core.model.words import said
from bridge.errors import Permanent
from bridge.operations.finding import find_group
from bridge.store import Connection, changes, groups, sending, state
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Waiting:
    """The users whose removal from a group waits, by id."""

    group: Group
    user_ids: tuple[int, ...]


def preview_release(bridge: Bridge, group_name: str) -> Waiting:
    """Who would lose the group if its removals continued. Raises: as `release`."""
    group = find_group(bridge, group_name)
    with bridge.store.read() as connection:
        waiting = _stopped(connection, group, None)
    return Waiting(group, waiting)


def release(
    bridge: Bridge,
    actor: Actor,
    group_name: str,
    *,
    reviewed: Collection[int] | None = None,
    reason: str | None = None,
) -> Waiting:
    """Let stopped removals continue.

    `reviewed`: only if exactly these users wait. Raises: NotFound for an unknown group, Permanent
    if none are stopped or other users wait than were reviewed.
    """
    group, words = find_group(bridge, group_name), said(reason)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        waiting = _stopped(connection, group, reviewed)
        groups.update_group(
            connection,
            group.id,
            removals_stopped_at=None,
            removals_released=len(waiting),
            removals_next_at=None,
            next_at=groups.NO_WAIT,
        )
        changes.log(
            connection,
            "removals_released",
            now=bridge.clock.now(),
            group_id=group.id,
            cause=str(actor),
            outcome=f"{len(waiting)} waiting",
            detail={"reason": words} if words else None,
        )
    bridge.hint("apply", str(group.id))
    return Waiting(group, waiting)


def _stopped(
    connection: Connection, group: Group, reviewed: Collection[int] | None
) -> tuple[int, ...]:
    """The users whose removal is stopped, if they are those that were reviewed."""
    known = groups.state_of(connection, group.id)
    if known is None or known.removals_stopped_at is None:
        words = gettext("no removals from %(group)s are stopped: they go on already")
        raise Permanent(words % {"group": group.name})
    waiting = tuple(sending.losing(connection, group.id))
    if reviewed is not None and set(reviewed) != set(waiting):
        words = gettext("removals from %(group)s have changed since you reviewed them: look again")
        raise Permanent(words % {"group": group.name})
    return waiting
