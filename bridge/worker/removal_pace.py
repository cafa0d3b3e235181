"""How many may lose a group now: a normal pace, and a stop if many would lose it at once.

Members who move to another step of the same ladder lose nothing and are not counted (A145).
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from bridge.store import alerts, changes, groups, sending
from bridge.worker.group_writes import Turn

log = structlog.get_logger()
WINDOW = timedelta(hours=1)


def allowed(turn: Turn) -> int:
    """How many removals are allowed in this rolling hour; after a stop, none until a release."""
    if turn.group.removals_stopped_at is not None:
        return 0
    policy, now = turn.bridge.policy, turn.bridge.clock.now()
    released = turn.group.removals_released
    with turn.bridge.store.read() as connection:
        waiting = len(sending.losing(connection, turn.id))
        owned = sending.count_owned(connection, turn.id)
        went = changes.losses_since(connection, turn.id, now - WINDOW)
    if waiting - released > max(
        policy.removal_mass_min, owned * policy.removal_mass_percent // 100
    ):
        _stop(turn, waiting)
        return 0
    share = (owned + len(went)) * policy.removal_limit_percent // 100
    left = max(0, max(policy.removal_limit_min, share) - len(went)) + released
    if left == 0 and waiting:
        with turn.bridge.store.write() as connection:
            again_at = min(went, default=now) + WINDOW
            groups.update_group(connection, turn.id, removals_next_at=again_at)
    return left


def _stop(turn: Turn, waiting: int) -> None:
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        groups.update_group(connection, turn.id, removals_stopped_at=now)
        outcome = f"{waiting} would be removed at once"
        changes.log(connection, "removals_stopped", now=now, group_id=turn.id, outcome=outcome)
        alerts.look_soon(connection)
    log.error("removals.stopped", group_id=turn.id, waiting=waiting)
