"""What a decided change of a membership waits for."""

from __future__ import annotations

from bridge.core.telling.explanation import Wait
from bridge.core.telling.waits import Group, Surroundings, kept_back, on_the_way
from bridge.store import Connection, alerts, groups, member, users, work
from bridge.wiring import Bridge


def waits(bridge: Bridge, connection: Connection, user_id: int, group_id: int) -> tuple[Wait, ...]:
    """Why a membership is not, or not yet, what is wanted of it: each thing it waits for."""
    row = member.memberships_of(connection, user_id).get(group_id)
    if row is None:
        return ()
    found = [*kept_back(row)]
    if row.membership.wanted != row.actual and not found:
        around = _surroundings(bridge, connection, user_id, group_id)
        found += on_the_way(row, around, bridge.clock.now())
    return tuple(found)


def _surroundings(
    bridge: Bridge, connection: Connection, user_id: int, group_id: int
) -> Surroundings:
    dirty = work.waiting_of(connection, user_id)
    state = groups.state_of(connection, group_id)
    return Surroundings(
        account=users.state_of(connection, user_id),
        confirm_seconds=bridge.policy.removal_confirm_seconds,
        waits_since=dirty.since_at if dirty else None,
        failed=dirty.error if dirty else None,
        group=Group(
            state.name,
            state.missing_since is not None,
            state.removals_stopped_at,
            state.removals_next_at,
            state.error,
            state.next_at,
        )
        if state
        else Group("", is_missing=True),
        alert_since=alerts.held_since(connection),
    )
