"""The applier: per group, make what is actual follow what is wanted, in batches, adds first.

What is sent is what the table says at the moment of the call. A write without a usable answer is
resolved by reading again. It never sleeps: without a free request it leaves, and comes back.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from bridge.crashpoints import crashpoint
from bridge.errors import (
    BridgeError,
    Broken,
    Forbidden,
    NotFound,
    RateLimited,
    Transient,
    Uncertain,
)
from bridge.store import changes, groups, memberships, sending, work
from bridge.wiring import Bridge
from bridge.worker import group_writes
from bridge.worker.group_writes import LARGEST_BATCH, Turn

log = structlog.get_logger()
REMOVAL_WINDOW = timedelta(hours=1)
GATHER = timedelta(seconds=10)
GATHER_REMOVALS = timedelta(minutes=1)
# So long, and no longer, removals stay out of the way of whoever reads the group page by page.
LONGEST_READING = timedelta(minutes=5)
OLDEST_READING = timedelta(minutes=15)


def work_on(bridge: Bridge, group_id: int) -> bool:
    """Send what is to be sent for a group; False if another is at it or it has to wait."""
    with work.holding(bridge.store, bridge.clock, f"group:{group_id}", bridge.name) as lease:
        if lease is None:
            return False
        try:
            while _step(bridge, lease, group_id):
                pass
        except work.LeaseLost:
            log.warning("apply.lease_lost", group_id=group_id)
            return False
        except BridgeError as error:
            _put_off(bridge, group_id, error)
            return False
        except Exception as error:
            log.exception("apply.broken", group_id=group_id)
            _put_off(bridge, group_id, Broken(error))
            return False
    return True


def _step(bridge: Bridge, lease: work.Lease, group_id: int) -> bool:
    """Send one batch; whether there may be more."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        group = groups.row_of(connection, group_id)
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
    """When requests get scarce, gather those who come within some seconds into one request.

    Otherwise a rush would use up the minute one person at a time, and nothing else would be sent.
    """
    now = turn.bridge.clock.now()
    with turn.bridge.store.read() as connection:
        oldest = sending.oldest_add(connection, turn.id)
    if oldest is None or now >= oldest + GATHER or not turn.bridge.limiter.is_scarce():
        return False
    with turn.bridge.store.write() as connection:
        groups.update_group(connection, turn.id, next_at=oldest + GATHER)
    return True


# --- adding ---------------------------------------------------------------------------------------


def _add(turn: Turn) -> bool:
    bridge, group_id = turn.bridge, turn.id
    user_ids = _intend(turn, "add", turn.group.batch_size)
    if not user_ids:
        return False
    crashpoint("before_discourse_add")
    try:
        result = bridge.discourse.add_members(group_id, user_ids)
    except Uncertain:
        group_writes.was_cut_off(turn, len(user_ids))
        raise
    except BridgeError as error:
        group_writes.nothing_was_sent(turn, user_ids, error)
        raise
    crashpoint("after_discourse_add")
    now = bridge.clock.now()
    if result.all_were_members:
        # They were in before anything was sent: put in by somebody else, so not the bridge's.
        group_writes.settle(turn, user_ids, owned="no", action="was_member")
        return True
    if len(result.usernames) < len(user_ids):
        group_writes.sort_out(turn, user_ids)
        return True
    # Alone and not refused: was not in before. Among many some may have been: the next reading of
    # the group shows since when.
    owned = "proven" if len(user_ids) == 1 else "claimed"
    group_writes.settle(turn, user_ids, owned=owned, action="added")
    group_writes.pace(turn, len(user_ids), result.seconds)
    log.info("applied", group_id=group_id, added=len(user_ids), at=now.isoformat())
    return True


# --- removing -------------------------------------------------------------------------------------


def _remove(turn: Turn) -> bool:
    bridge, group_id = turn.bridge, turn.id
    if turn.group.removals_stopped_at is not None or _removals_wait(turn):
        return False
    _read_again_what_is_old(turn)
    allowed = _removals_allowed(turn)
    user_ids = _intend(turn, "remove", min(turn.group.batch_size, allowed)) if allowed else []
    if not user_ids:
        _ask_whose(turn)
        return _stop_if_too_many(turn, allowed)
    crashpoint("before_discourse_remove")
    try:
        result = bridge.discourse.remove_members(group_id, user_ids)
    except Uncertain:
        group_writes.was_cut_off(turn, len(user_ids))
        raise
    except BridgeError as error:
        group_writes.nothing_was_sent(turn, user_ids, error)
        raise
    crashpoint("after_discourse_remove")
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        work.check(connection, turn.lease, now)
        memberships.settle_removed(connection, group_id, user_ids, now=now)
        groups.update_group(connection, group_id, attempts=0, error=None)
    group_writes.pace(turn, len(user_ids), result.seconds)
    log.info("applied", group_id=group_id, removed=len(user_ids), skipped=len(result.skipped))
    return True


def _removals_wait(turn: Turn) -> bool:
    """A removal is in no hurry, so it costs no request that waiting a little would save.

    While the group is read, removals would shift its pages and fill its history; and when requests
    get scarce, those who are to go within a minute go together.
    """
    now, group = turn.bridge.clock.now(), turn.group
    if group.reading_since is not None and now < group.reading_since + LONGEST_READING:
        return True
    with turn.bridge.store.read() as connection:
        oldest = sending.oldest_removal(connection, turn.id)
    return oldest is not None and now < oldest + GATHER_REMOVALS and turn.bridge.limiter.is_scarce()


def _removals_allowed(turn: Turn) -> int:
    """How many may still go in this rolling hour."""
    policy, now = turn.bridge.policy, turn.bridge.clock.now()
    with turn.bridge.store.read() as connection:
        since = now - REMOVAL_WINDOW
        gone = changes.count_since(connection, "removed", turn.id, since)
        owned = sending.count_owned(connection, turn.id)
        released = int(turn.group.removals_released)
    share: int = (owned + gone) * policy.removal_limit_percent // 100
    return max(0, max(policy.removal_limit_min, share) + released - gone)


def _stop_if_too_many(turn: Turn, allowed: int) -> bool:
    """Hold everything that is left when the limit is reached, until a moderator lets it go on."""
    if allowed:
        return False
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        waiting = sending.removals(connection, turn.id, LARGEST_BATCH)
        if waiting:
            groups.update_group(connection, turn.id, removals_stopped_at=now)
            changes.log(
                connection,
                "removals_stopped",
                now=now,
                group_id=turn.id,
                outcome=f"{len(waiting)} more would be removed than one hour allows",
            )
            log.error("removals.stopped", group_id=turn.id, waiting=len(waiting))
    return False


def _read_again_what_is_old(turn: Turn) -> None:
    """A removal that had to wait rests on an old reading: Stripe is asked once more before it."""
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        for user_id in sending.stale_removals(
            connection, turn.id, LARGEST_BATCH, now - OLDEST_READING
        ):
            work.mark_dirty(
                connection,
                work.user_key(user_id),
                now=now,
                due_at=now,
                cause="the reading is too old to remove on",
                needs=("read",),
            )


def _ask_whose(turn: Turn) -> None:
    """Before somebody added in a batch is removed, a reading shows who had added them."""
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        if sending.removals(connection, turn.id, 1, owned="claimed"):
            groups.ask_for_reading(connection, turn.id, now)


def _intend(turn: Turn, intent: str, limit: int) -> list[int]:
    """Select what is to be sent now and write it down, in one transaction with the lease."""
    now = turn.bridge.clock.now()
    turn.bridge.limiter.check("high" if intent == "add" else "normal")
    with turn.bridge.store.write() as connection:
        work.check(connection, turn.lease, now)
        user_ids = (
            sending.adds(connection, turn.id, limit)
            if intent == "add"
            else sending.removals(connection, turn.id, limit, read_after=now - OLDEST_READING)
        )
        if user_ids:
            memberships.intend(connection, turn.id, user_ids, intent, now)
    return user_ids


def _put_off(bridge: Bridge, group_id: int, error: BridgeError) -> None:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if isinstance(error, NotFound):
            groups.mark_missing(connection, group_id, now)
            return
        row = groups.row_of(connection, group_id)
        attempts = int(row.attempts) if row is not None else 0
        wait = error.retry_after if isinstance(error, Transient) and error.retry_after else None
        if wait is None:
            longest = 900.0 if isinstance(error, Forbidden) else 120.0
            wait = min(2.0 * 2 ** min(attempts, 8), longest)
        groups.put_off(connection, group_id, now=now, seconds=wait, error=str(error))
    if not isinstance(error, RateLimited):
        log.warning("apply.put_off", group_id=group_id, error=type(error).__name__, wait=wait)
