"""Lookups for tests of faults, in the database and on the forum."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from bridge.store import groups
from bridge.store.schema.forum import changes
from bridge.store.schema.work import leases
from tests.harness import System

CAME_IN = ("added", "observed_done")
WENT_OUT = ("removed",)


def log_of(world: System, user: str, group: str = "supporters") -> list[str]:
    """The change log of somebody and a group, in its order."""
    return [row.action for row in lines_of(world, user, group)]


def lines_of(world: System, user: str, group: str = "supporters") -> list[Row[Any]]:
    """The change log's lines about somebody and a group."""
    mine = (changes.c.user_id == world.user(user), changes.c.group_id == world.group(group))
    with world.bridge.store.read() as connection:
        return list(connection.execute(select(changes).where(*mine).order_by(changes.c.id)))


def moves_of(world: System, user: str, group: str = "supporters") -> list[bool]:
    """How somebody came into a group (True) and left it, as the forum saw it."""
    user_id, group_id = world.user(user), world.group(group)
    log = world.sandbox.forum.membership_log
    return [c.added for c in log if (c.user_id, c.group_id) == (user_id, group_id)]


def writes(world: System, since: int = 0) -> list[str]:
    """The bridge's changes on the forum, without messages."""
    calls = world.calls("discourse", since)
    return [f"{e.method} {e.path}" for e in calls if e.method != "GET" and "/groups/" in e.path]


def is_any_lease_held(world: System) -> bool:
    """Whether somebody sits on a piece of work."""
    with world.bridge.store.read() as connection:
        return connection.execute(select(leases).where(leases.c.owner != "")).first() is not None


def batch_size(world: System, group: str = "supporters") -> int:
    """How many people the bridge sends at once to a group today."""
    with world.bridge.store.read() as connection:
        row = groups.state_of(connection, world.group(group))
    assert row is not None
    return int(row.batch_size)
