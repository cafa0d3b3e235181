"""Reads the list of groups and each mapped group's real members from Discourse, page by page.

Between two pages the applier may work on the group. Members on a page count immediately. A missing
member counts only after a complete reading; the group log then says who removed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from bridge.discourse_api.answers import MembersPage
from bridge.discourse_api.reader import LogEntry
from bridge.errors import BridgeError, NotFound, Transient
from bridge.store import (
    Connection,
    groups,
    leases,
    memberships,
    observed,
    sending,
    statements,
    users,
)
from bridge.store.groups import GroupState
from bridge.store.leases import Lease
from bridge.store.memberships import Sent
from bridge.wiring import Bridge
from bridge.worker import own_additions
from bridge.worker.turns import Backoff, work_through

log = structlog.get_logger()
MOST_LOG_PAGES = 20
CARDS = 50
AGAIN = Backoff(10.0, 10.0)
PERMANENT_AGAIN = Backoff(600.0, 600.0)


def read_groups(bridge: Bridge) -> None:
    """Read the list of all groups, to notice renamed and deleted ones."""
    found = bridge.discourse.groups()
    with bridge.store.write() as connection:
        groups.save_groups(connection, found, bridge.clock.now())


def read_members(bridge: Bridge, group_id: int) -> bool:
    """Continue reading a group's members where the last attempt stopped; True when all are read."""
    is_whole = work_through(
        bridge,
        lambda: [f"group:{group_id}"],
        lambda held: not _read_page(bridge, held[0], group_id),
        lambda error: _put_off(bridge, group_id, error),
    )
    if is_whole:
        bridge.hint("apply", str(group_id))
    return is_whole


def _read_page(bridge: Bridge, lease: Lease, group_id: int) -> bool:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        row = groups.state_of(connection, group_id)
        if row is None or row.missing_since is not None:
            return True
        since = row.reading_since or now
        if row.reading_since is None:
            groups.update_group(
                connection, group_id, reading_since=since, page_offset=0, page_total=None
            )
    offset = row.page_offset if row.reading_since is not None else 0
    page = bridge.discourse.members(row.name, offset=offset)
    with bridge.store.write() as connection:
        leases.check(connection, lease, bridge.clock.now())
        moved = observed.observe(connection, group_id, page.members, bridge.clock.now())
        statements.compare(connection, moved, _compare_at(bridge))
        following = _next_offset(page, row.page_total)
        done = following >= page.total
        groups.update_group(
            connection, group_id, page_offset=following, page_total=page.total, next_at=row.next_at
        )
    if done:
        _finish(bridge, lease, row, since)
    return done


def _compare_at(bridge: Bridge) -> datetime:
    return bridge.clock.now() + timedelta(seconds=bridge.policy.statement_quiet_seconds)


def _next_offset(page: MembersPage, total_before: int | None) -> int:
    """The next offset; members who left meanwhile moved everybody after them forward."""
    shrunk = max(0, (total_before or page.total) - page.total)
    return max(page.offset + len(page.members) - shrunk, page.offset + 1 if page.members else 0)


def _finish(bridge: Bridge, lease: Lease, group: GroupState, since: datetime) -> None:
    with bridge.store.read() as connection:
        missing = observed.unseen(connection, group.id, since)
        open_ends = [
            row
            for row in sending.unresolved(connection, group.id)
            if row.intent_at is not None and row.intent_at < since
        ]
    actors = _who_did_it(bridge, group, [row for row in missing if row.intent is None])
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        leases.check(connection, lease, now)
        for row in open_ends:
            is_out = row.seen_at is None or row.seen_at < since
            record = memberships.record_seen_out if is_out else memberships.record_seen_in
            record(connection, group.id, row.user_id, now=now)
        for row in missing:
            if row.intent is None:
                _record_missing(connection, group.id, row, actors.get(row.user_id), now)
        moved = [row.user_id for row in (*open_ends, *missing)]
        statements.compare(connection, moved, _compare_at(bridge))
        groups.update_group(
            connection,
            group.id,
            read_at=since,
            read_due_at=None,
            reading_since=None,
            page_offset=0,
            page_total=None,
            # A readable forum may still refuse writes, so the failure and the time of the next
            # attempt are kept. But what waited only for this reading goes on now.
            **({"next_at": groups.NO_WAIT} if open_ends else {}),
        )
    own_additions.look(bridge, lease, group, since)
    log.info("group.read", group_id=group.id, missing=len(missing), resolved=len(open_ends))


def _record_missing(
    connection: Connection, group_id: int, row: Sent, by: tuple[str, str] | None, now: datetime
) -> None:
    """Record a missing member: removed by others (`by`: staff or left, and who), or lost."""
    kind, actor = by or (None, "unknown")
    action = "removed_by_others" if by else "lost"
    memberships.record_out(connection, group_id, [row.user_id], now=now, action=action, cause=actor)
    if kind and row.wanted:
        memberships.override(connection, group_id, row.user_id, kind, actor=actor, now=now)


def _who_did_it(
    bridge: Bridge, group: GroupState, missing: Sequence[Sent]
) -> dict[int, tuple[str, str]]:
    """Who removed them: user id -> (staff or left, the actor's name); not all were removed."""
    wanted = [row.user_id for row in missing if row.wanted]
    if not wanted:
        return {}
    # Only since they were last seen in the group: the whole history may be hundreds of pages.
    earliest = min(row.seen_at for row in missing if row.seen_at is not None)
    moves = [
        entry
        for entry in _log_since(bridge, group.name, earliest - timedelta(minutes=1))
        if entry.action in _MOVES
    ]
    ours = bridge.settings.discourse_api_username.lower()
    if not any(_is_removal_by_others(entry, ours) for entry in moves):
        return {}
    names = _names_of(bridge, wanted)
    found: dict[int, tuple[str, str]] = {}
    for entry in moves:
        user_id = names.get((entry.target_username or "").lower())
        if user_id is None or user_id in found:
            continue
        if not _is_removal_by_others(entry, ours):
            found[user_id] = ("", "")  # the newest word on this person is no removal by others
            continue
        left = (entry.acting_username or "").lower() == (entry.target_username or "").lower()
        found[user_id] = ("left" if left else "staff", entry.acting_username or "?")
    return {user_id: by for user_id, by in found.items() if by[0]}


def _is_removal_by_others(entry: LogEntry, ours: str) -> bool:
    return (
        entry.action == "remove_user_from_group" and (entry.acting_username or "").lower() != ours
    )


def _names_of(bridge: Bridge, user_ids: Sequence[int]) -> dict[str, int]:
    """Their current names in lower case; users without a name are gone."""
    names: dict[str, int] = {}
    for start in range(0, len(user_ids), CARDS):
        for user in bridge.discourse.user_cards(user_ids[start : start + CARDS]):
            names[user.username.lower()] = user.id
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        for user_id in set(user_ids) - set(names.values()):
            users.mark(connection, user_id, "gone", now)
    return names


_MOVES = ("add_user_to_group", "remove_user_from_group")


def _log_since(bridge: Bridge, group_name: str, since: datetime) -> Iterable[LogEntry]:
    for page in range(MOST_LOG_PAGES):
        read = bridge.discourse.group_log(group_name, page)
        for entry in read.entries:
            if entry.at < since:
                return
            yield entry
        if read.all_loaded:
            return


def _has_another_name(bridge: Bridge, group_id: int) -> None:
    """Whether a group with an unknown name was renamed, not deleted; asked by its id."""
    now = bridge.clock.now()
    try:
        group = bridge.discourse.group_by_id(group_id)
    except NotFound:
        with bridge.store.write() as connection:
            groups.mark_missing(connection, group_id, now)
        return
    with bridge.store.write() as connection:
        groups.save_group(connection, group, now)
        groups.ask_for_reading(connection, group_id, now)


def _put_off(bridge: Bridge, group_id: int, error: BridgeError) -> None:
    if isinstance(error, NotFound):
        _has_another_name(bridge, group_id)
        return
    again = AGAIN if isinstance(error, Transient) else PERMANENT_AGAIN
    wait = timedelta(seconds=again.seconds(0, error))
    with bridge.store.write() as connection:
        groups.update_group(
            connection, group_id, read_due_at=bridge.clock.now() + wait, error=str(error)[:500]
        )
    log.info("group.read_later", group_id=group_id, error=type(error).__name__)
