"""Statements for members who have none yet."""

from __future__ import annotations

from bridge.store import statements
from bridge.wiring import Bridge


def without_statement(bridge: Bridge) -> tuple[int, ...]:
    """The users who have a customer at Stripe and no statement yet: who would be written to."""
    with bridge.store.read() as connection:
        return statements.never_told(connection)


def write_to_all(bridge: Bridge) -> tuple[int, ...]:
    """Have the statement written of all who have none; whom that concerns."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        waiting = statements.never_told(connection)
        for user_id in waiting:
            statements.due(connection, user_id, now)
    return waiting
