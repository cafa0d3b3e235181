"""The applier: makes each group's actual members follow the wanted ones, in batches, adds first.

It sends what the table says at the moment of the call. After a write without a usable answer, it
reads the group again. It never sleeps: if no request is free, it stops and continues later.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, overload

import structlog

from bridge.crashpoints import crashpoint
from bridge.discourse_api.answers import AddResult, RemoveResult
from bridge.errors import BridgeError, Forbidden, NoRequestLeft, NotFound, Uncertain
from bridge.store import groups, leases, memberships, sending, work
from bridge.store.leases import Lease
from bridge.wiring import Bridge
from bridge.worker import group_writes, removal_pace
from bridge.worker.group_writes import Turn
from bridge.worker.turns import Backoff, work_through

log = structlog.get_logger()
GATHER_REMOVALS = timedelta(minutes=1)
# Removals wait at most this long for the pages of their group, or for those who are to follow them.
LONGEST_WAIT = timedelta(minutes=5)
# Removals need a reading that is at most this old (A150).
OLDEST_READING = timedelta(minutes=1)
AGAIN = Backoff(2.0, 120.0)
FORBIDDEN_AGAIN = Backoff(2.0, 900.0)  # until somebody has given the key its right

Intent = Literal["add", "remove"]


def work_on(bridge: Bridge, group_id: int) -> bool:
    """Send a group's changes; False if another process works on the group, or it has to wait."""
    return work_through(
        bridge,
        lambda: [f"group:{group_id}"],
        lambda held: _step(bridge, held[0], group_id),
        lambda error: _put_off(bridge, group_id, error),
    )


def _step(bridge: Bridge, lease: Lease, group_id: int) -> bool:
    """Send one batch; returns whether there may be more."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        group = groups.state_of(connection, group_id)
        if group is None or group.missing_since is not None or group.next_at > now:
            return False
        turn = Turn(bridge, lease, group)
        open_ends = sending.unresolved(connection, group_id)
    if open_ends and not group_writes.resolve(turn, open_ends):
        return False
    if _gathers(turn):
        return False
    return _add(turn) or _remove(turn)


def _gathers(turn: Turn) -> bool:
    """In a rush, gather additions of a second or two into one request.

    Messages give way first. If they have stopped and one request per member would still use up the
    minute, the remaining requests are spread over the time until more are free.
    """
    now, limiter = turn.bridge.clock.now(), turn.bridge.limiter
    with turn.bridge.store.read() as connection:
        oldest = sending.oldest_add(connection, turn.id)
        if oldest is None or limiter.spare("low"):
            return False
        waiting = sending.count_groups_with_adds(connection)
    until = oldest + waiting * limiter.spacing()
    if now >= until:
        return False
    with turn.bridge.store.write() as connection:
        groups.update_group(connection, turn.id, next_at=until)
    turn.bridge.hints.later((until - now).total_seconds(), "apply", str(turn.id))
    return True


def _add(turn: Turn) -> bool:
    user_ids = _intend_addition(turn, turn.group.batch_size)
    if not user_ids:
        return False
    result = _send(turn, "add", user_ids)
    if result.all_were_members:
        # They were in before the request was sent: added by somebody else, so not owned.
        group_writes.are_in(turn, user_ids, owned="no", action="was_member")
        return True
    if len(result.usernames) < len(user_ids):
        group_writes.sort_out(turn, user_ids)
        return True
    # Alone and not refused: was not in before. Among many some may have been: the next reading of
    # the group shows since when.
    owned = "proven" if len(user_ids) == 1 else "claimed"
    group_writes.are_in(turn, user_ids, owned=owned, action="added")
    group_writes.pace(turn, len(user_ids), result.seconds)
    log.info("applied", group_id=turn.id, added=len(user_ids))
    return True


def _remove(turn: Turn) -> bool:
    if not _removals_wait(turn, swapped=True) and _take_out(
        turn, turn.group.batch_size, swapped=True
    ):
        return True
    if _removals_wait(turn, swapped=False):
        return False
    allowed = min(removal_pace.allowed(turn), turn.group.batch_size)
    if allowed and _take_out(turn, allowed, swapped=False):
        return True
    _ask_whose(turn)
    return False


def _take_out(turn: Turn, limit: int, *, swapped: bool) -> bool:
    """Remove members who have moved to another step, or members who lose the group."""
    if _read_again_what_is_old(turn, limit, swapped=swapped) and _removals_wait(
        turn, swapped=swapped
    ):
        return False
    user_ids = _intend_removal(turn, limit, swapped=swapped)
    if not user_ids:
        return False
    result = _send(turn, "remove", user_ids)
    group_writes.are_out(turn, user_ids, swapped=swapped)
    group_writes.pace(turn, len(user_ids), result.seconds)
    log.info("applied", group_id=turn.id, removed=len(user_ids), skipped=len(result.skipped))
    return True


@overload
def _send(turn: Turn, intent: Literal["add"], user_ids: list[int]) -> AddResult: ...
@overload
def _send(turn: Turn, intent: Literal["remove"], user_ids: list[int]) -> RemoveResult: ...
def _send(turn: Turn, intent: Intent, user_ids: list[int]) -> AddResult | RemoveResult:
    """Send one write. If it may have been done in part, the group is read before the next one."""
    forum = turn.bridge.discourse
    write = forum.add_members if intent == "add" else forum.remove_members
    crashpoint(f"before_discourse_{intent}")
    try:
        result = write(turn.id, user_ids)
    except Uncertain:
        group_writes.was_cut_off(turn, len(user_ids))
        raise
    except BridgeError as error:
        group_writes.nothing_was_sent(turn, user_ids, error)
        raise
    crashpoint(f"after_discourse_{intent}")
    return result


def _removals_wait(turn: Turn, *, swapped: bool) -> bool:
    """Removals are not urgent, so they wait where waiting saves requests.

    While the group is read, removals would shift its pages and fill its history. Members who lose
    the group wait for others who are known to follow: a full reading finds the ends of a group over
    minutes, and all of them cost one request. Those who moved to another step do not: until they
    are out, they are in both groups. When requests get scarce, both wait a minute for others.
    """
    now, group = turn.bridge.clock.now(), turn.group
    if group.reading_since is not None and now < group.reading_since + LONGEST_WAIT:
        return True
    soon = now + GATHER_REMOVALS - timedelta(seconds=turn.bridge.policy.removal_confirm_seconds)
    with turn.bridge.store.read() as connection:
        oldest = sending.oldest_removal(connection, turn.id)
        if oldest is None:
            return False
        if not swapped and sending.do_follow(connection, turn.id, soon):
            return now < oldest + LONGEST_WAIT
    return now < oldest + GATHER_REMOVALS and turn.bridge.limiter.is_scarce()


def _read_again_what_is_old(turn: Turn, limit: int, *, swapped: bool) -> bool:
    """Request a new reading before a removal that had to wait; returns whether one is too old.

    Only for as many users as may be removed now: the others are read when it is their turn.
    """
    now = turn.bridge.clock.now()
    old = now - OLDEST_READING
    with turn.bridge.store.write() as connection:
        stale = sending.stale_removals(connection, turn.id, limit, old, swapped=swapped)
        for user_id in stale:
            work.mark_dirty(
                connection,
                work.user_key(user_id),
                now=now,
                due_at=now,
                cause="the reading is too old to remove on",
                needs=("read",),
            )
    return bool(stale)


def _ask_whose(turn: Turn) -> None:
    """Before the bridge removes somebody added in a batch, it reads who had added them."""
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        if sending.removals(connection, turn.id, 1, owned="claimed"):
            groups.ask_for_reading(connection, turn.id, now)


def _intend_addition(turn: Turn, limit: int) -> list[int]:
    """Select whom to add now and record it, in one transaction with the lease."""
    now = turn.bridge.clock.now()
    turn.bridge.limiter.check("high")
    with turn.bridge.store.write() as connection:
        leases.check(connection, turn.lease, now)
        user_ids = sending.adds(connection, turn.id, limit)
        if user_ids:
            memberships.intend(connection, turn.id, user_ids, "add", now)
    return user_ids


def _intend_removal(turn: Turn, limit: int, *, swapped: bool) -> list[int]:
    """Select removals in the same way: only users whose customers were all read in the last minute.

    If no request is left for removals, only they wait: additions may still be sent.
    """
    now = turn.bridge.clock.now()
    if not turn.bridge.limiter.spare("normal"):
        return []
    with turn.bridge.store.write() as connection:
        leases.check(connection, turn.lease, now)
        read_after = now - OLDEST_READING
        user_ids = sending.removals(
            connection, turn.id, limit, read_after=read_after, swapped=swapped
        )
        if user_ids:
            memberships.intend(connection, turn.id, user_ids, "remove", now)
    return user_ids


def _put_off(bridge: Bridge, group_id: int, error: BridgeError) -> None:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if isinstance(error, NotFound):
            groups.mark_missing(connection, group_id, now)
            return
        row = groups.state_of(connection, group_id)
        backoff = FORBIDDEN_AGAIN if isinstance(error, Forbidden) else AGAIN
        wait = backoff.seconds(row.attempts if row is not None else 0, error)
        # Waiting for our own limit is not a failure of the forum.
        failed = not isinstance(error, NoRequestLeft)
        groups.put_off(connection, group_id, now=now, seconds=wait, error=str(error), failed=failed)
    if failed:
        log.warning("apply.put_off", group_id=group_id, error=type(error).__name__, wait=wait)
