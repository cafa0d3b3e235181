"""What operators have done: link, unlink, sync, replay, release, statements."""

from __future__ import annotations

from sqlalchemy import select

from bridge.core.model.discourse import USER_NUMBER
from bridge.errors import NotFound, Permanent
from bridge.store import changes, groups, inbox, links, sending, statements, work
from bridge.store.schema import customers, users
from bridge.wiring import Bridge


def link(bridge: Bridge, customer_id: str, user_id: int, *, actor: str) -> None:
    """Link a customer to a user on an operator's word.

    Raises: NotFound when either does not exist, Permanent when the customer is another user's.
    """
    bridge.stripe.customer(customer_id)
    user = bridge.discourse.user(user_id)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        statements.see_user(connection, user, now)
        if not links.link(connection, customer_id, user_id, proof="operator", actor=actor, now=now):
            owner = links.user_of(connection, customer_id)
            raise Permanent(
                f"{customer_id} is linked to user {owner}; unlink it first if that is wrong"
            )
    bridge.hint("decide", customer_id)


def unlink(bridge: Bridge, customer_id: str, *, actor: str) -> int:
    """Undo a link; returns whose it was. Raises NotFound when there was none."""
    with bridge.store.write() as connection:
        user_id = links.unlink(connection, customer_id, actor=actor, now=bridge.clock.now())
    if user_id is None:
        raise NotFound(f"{customer_id} is linked to nobody")
    bridge.hint("decide", work.user_key(user_id))
    return user_id


def sync_user(bridge: Bridge, user_id: int, *, actor: str) -> None:
    """Have everything about a user read again."""
    now = bridge.clock.now()
    key = work.user_key(user_id)
    with bridge.store.write() as connection:
        work.mark_dirty(
            connection,
            key,
            now=now,
            due_at=now,
            cause=f"sync by {actor}",
            needs=("read", "purchases", "money"),
        )
    bridge.hint("decide", key)


def replay(bridge: Bridge, event_id: str) -> None:
    """Work on a stored event again. Raises NotFound for an unknown one."""
    with bridge.store.write() as connection:
        if not inbox.reopen(connection, event_id, bridge.clock.now()):
            raise NotFound(f"no event {event_id} was ever stored")


def release(bridge: Bridge, group_name: str, *, actor: str) -> int:
    """Let removals go on that the limit has stopped; returns how many wait. Raises NotFound."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        found = [g for g in groups.load_groups(connection).values() if g.name == group_name]
        if not found:
            raise NotFound(f"no group is called {group_name}")
        group_id = found[0].id
        waiting = len(sending.removals(connection, group_id, 1_000_000))
        row = groups.row_of(connection, group_id)
        released = (row.removals_released if row is not None else 0) + waiting
        groups.update_group(
            connection,
            group_id,
            removals_stopped_at=None,
            removals_released=released,
            next_at=groups.NO_WAIT,
        )
        changes.log(
            connection,
            "removals_released",
            now=now,
            group_id=group_id,
            cause=actor,
            outcome=f"{waiting} waiting",
        )
    bridge.hint("apply", str(group_id))
    return waiting


def statements_for_all(bridge: Bridge, *, really: bool) -> int:
    """How many members have no statement yet; with `really`, have them all written."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        told = select(users.c.user_id).where(users.c.topic_id.is_not(None))
        waiting = connection.scalars(
            select(customers.c.user_id)
            .where(customers.c.user_id.is_not(None), customers.c.user_id.not_in(told))
            .distinct()
        ).all()
        if really:
            for user_id in waiting:
                statements.due(connection, user_id, now)
    return len(waiting)


def user_number(bridge: Bridge, user: str) -> int:
    """A user given as number or name. Raises NotFound."""
    if USER_NUMBER.fullmatch(user):
        return int(user)
    try:
        return bridge.discourse.user_by_name(user).id
    except NotFound as error:
        raise NotFound(
            f"nobody on the forum is called {user}: give a user name, or the user's number"
        ) from error
