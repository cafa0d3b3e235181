"""The decider: turns a fresh, complete reading of a user's customers into wanted memberships.

Order, duplication and loss of events cannot matter, because an event only says whom to read. The
generation is read before Stripe, so an event that arrives meanwhile causes another round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from bridge.core.memberships.decision import Decision
from bridge.crashpoints import crashpoint
from bridge.errors import BridgeError, Permanent
from bridge.store import inbox, leases, state, work
from bridge.store.leases import Lease
from bridge.wiring import Bridge
from bridge.worker import end_replaced, forum_events, sharing
from bridge.worker.customer_readings import read
from bridge.worker.intake import needs_of, work_common_lane
from bridge.worker.round import Found, write
from bridge.worker.turns import Backoff, work_through

log = structlog.get_logger()
# The lane of events without a customer or user.
LANES = {work.INBOX_LANE: work_common_lane, work.FORUM_LANE: forum_events.work_on_lane}
AGAIN = Backoff(5.0, 900.0)
MOST_ROUNDS = 5


def work_on(bridge: Bridge, key: str) -> bool:
    """Decide a due key together with all other keys of its user; False if it has to wait."""
    return work_through(
        bridge,
        lambda: sharing.leases_of(bridge, key),
        lambda held: _step(bridge, held, key),
        lambda error: _put_off(bridge, key, error),
        most_steps=MOST_ROUNDS,
    )


def _step(bridge: Bridge, held: Sequence[Lease], key: str) -> bool:
    # Decide for the user whose lease is held; a newer link is the next round's business.
    user_id = work.user_of_key(held[0].name)
    dirty = _due(bridge, key, user_id)
    if dirty and key in LANES:
        LANES[key](bridge, held[0], dirty)
    elif dirty:
        _round(bridge, held, key, user_id, dirty)
    return bool(dirty)


def _due(bridge: Bridge, key: str, user_id: int | None) -> tuple[work.Dirty, ...]:
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        dirty = work.dirty(connection, key, user_id)
    # If one key of a user is due, all are processed: it is one decision.
    return dirty if any(one.next_at <= now for one in dirty) else ()


def _round(
    bridge: Bridge,
    held: Sequence[Lease],
    key: str,
    user_id: int | None,
    dirty: tuple[work.Dirty, ...],
) -> None:
    found = _read(bridge, key, user_id, dirty)
    crashpoint("after_stripe_read")
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [] if user_id is None else [user_id])
        for lease in held:
            leases.check(connection, lease, found.at)
        written = write(bridge, connection, found)
    decision = written.decision
    log.info(
        "decided",
        key=key,
        user_id=user_id,
        cause=found.cause,
        events=len(found.events),
        read=len(found.readings),
        moved=[f"{s.action}:{s.membership.group_id}" for s in decision.shifts] if decision else [],
        linked=written.linked,
    )
    crashpoint("after_decision")
    _wake(bridge, user_id, decision)
    if found.readings:
        end_replaced.end(bridge, user_id, written.left)


def _read(bridge: Bridge, key: str, user_id: int | None, dirty: tuple[work.Dirty, ...]) -> Found:
    with bridge.store.read() as connection:
        keys = [one.key for one in dirty]
        events = inbox.waiting(connection, keys, bridge.clock.now())
    needs = needs_of(bridge, dirty, events)
    readings = read(bridge, key, user_id, needs)
    return Found(key, user_id, dirty, events, needs, readings, bridge.clock.now())


def _wake(bridge: Bridge, user_id: int | None, decision: Decision | None) -> None:
    for group_id in (
        {membership.group_id for membership in decision.memberships} if decision else ()
    ):
        bridge.hint("apply", str(group_id))
    if user_id is not None:
        bridge.hint("tell", str(user_id))


def _put_off(bridge: Bridge, key: str, error: BridgeError) -> None:
    """Postpone it. Only SQL holds the time of the next attempt."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        user_id = work.user_of_key(sharing.owner_key(connection, key))
        failed = [one.key for one in work.dirty(connection, key, user_id)]
        next_at = {
            one: now + timedelta(seconds=AGAIN.seconds(work.attempts_of(connection, one), error))
            for one in failed
        }
        work.put_off(connection, failed, error=str(error), next_at=next_at)
    log.warning(
        "decide.put_off",
        keys=failed,
        error=type(error).__name__,
        permanent=isinstance(error, Permanent),
        message=str(error)[:300],
    )
