"""Finds and adopts members whom the bridge's own user added and who are not on record.

That happens when a backup is restored. It reads the group log only if a reading showed new unknown
members, and only the entries of the bridge's user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from bridge.core.model.actor import BRIDGE
from bridge.errors import Permanent
from bridge.store import additions, groups, leases, state
from bridge.store.groups import GroupState
from bridge.store.leases import Lease
from bridge.wiring import Bridge

log = structlog.get_logger()
# A reading stops after this many pages; the next one continues.
MOST_PAGES = 20
# Before a group's id: the page of its log at which the next reading continues.
PAGE = "own_additions.page."


def look(bridge: Bridge, lease: Lease, group: GroupState, seen_since: datetime) -> None:
    """Find out who added the unknown members whom the reading started at `seen_since` showed."""
    with bridge.store.read() as connection:
        earliest = additions.unexplained_since(connection, group.id, seen_since=seen_since)
        page = state.get(connection, f"{PAGE}{group.id}") or 0
    if earliest is None:
        return
    looked_at = bridge.clock.now()
    try:
        read = _read_log(bridge, group.name, earliest - additions.SAME_ADDITION, page)
    except Permanent as error:
        # The key may not read the log: the group is still served.
        log.warning("group.log_refused", group_id=group.id, error=str(error)[:300])
        return
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        leases.check(connection, lease, now)
        found = additions.explain(connection, group.id, read.added_at)
        if read.next_page is None:
            additions.explain_others(
                connection, group.id, seen_since=seen_since, looked_at=looked_at
            )
        state.put(connection, f"{PAGE}{group.id}", read.next_page or 0)
        if bridge.policy.adopt == "automatically":
            additions.adopt(connection, group.id, found, actor=str(BRIDGE), now=now)
    if found:
        log.warning("group.own_additions", group_id=group.id, count=len(found))


def look_elsewhere(bridge: Bridge) -> None:
    """Read groups without a rule to which the bridge's user once added somebody.

    They have grants by hand. This costs a request for each group, so it happens only when an
    operator asks for a full reading.
    """
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        mapped = bridge.rulebook.rules(connection).mapped_group_ids
        others = groups.never_read_back(connection, mapped)
    ours = bridge.settings.discourse_api_username
    for group in others:
        if bridge.discourse.group_log(group.name, added_by=ours).entries:
            with bridge.store.write() as connection:
                groups.ask_for_reading(connection, group.id, now)


@dataclass(frozen=True, slots=True)
class _Log:
    """User id -> when the bridge's user last added them; and the next page, None at the end."""

    added_at: Mapping[int, datetime]
    next_page: int | None


def _read_log(bridge: Bridge, group_name: str, since: datetime, page: int) -> _Log:
    ours = bridge.settings.discourse_api_username
    added_at: dict[int, datetime] = {}
    for number in range(page, page + MOST_PAGES):
        read = bridge.discourse.group_log(group_name, number, added_by=ours)
        for entry in read.entries:
            if entry.target_user_id is not None:
                added_at.setdefault(entry.target_user_id, entry.at)
        if read.all_loaded or read.entries[-1].at < since:
            return _Log(added_at, None)
    return _Log(added_at, page + MOST_PAGES)
