"""The result of a write to the forum (all, nothing or a part), and how fast the forum is.

After a write without a usable answer, the bridge reads again and assumes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.errors import BridgeError, NotFound
from bridge.store import changes, groups, leases, memberships, statements, users
from bridge.store.groups import GroupState
from bridge.store.leases import Lease
from bridge.store.memberships import Sent
from bridge.wiring import Bridge

# A real forum adds people one by one and kills a request at 30 s: aim at 2 to 3 s a call.
FAST_SECONDS = 1.2
SLOW_SECONDS = 3.0
SMALLEST_BATCH = 5
LARGEST_BATCH = 1000
# Up to this many people are looked up one by one; for more, pages of the group cost less.
FEW = 3
# Discourse returns the cards of at most 50 users a call.
CARDS = 50


@dataclass(frozen=True, slots=True)
class Turn:
    """The work on one group under a lease."""

    bridge: Bridge
    lease: Lease
    group: GroupState

    @property
    def id(self) -> int:
        """The group's."""
        return self.group.id

    @property
    def compare_at(self) -> datetime:
        """When the messages of members who joined or left are compared with the present state."""
        quiet = timedelta(seconds=self.bridge.policy.statement_quiet_seconds)
        return self.bridge.clock.now() + quiet


def are_in(turn: Turn, user_ids: Sequence[int], *, owned: str, action: str) -> None:
    """Record that they are in the group, and wake the groups that waited for this."""
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        leases.check(connection, turn.lease, now)
        memberships.record_in(connection, turn.id, user_ids, owned=owned, now=now, action=action)
        groups.update_group(connection, turn.id, attempts=0, error=None)
        statements.compare(connection, user_ids, turn.compare_at)
        statements.say_that_they_are_in(connection, turn.id, user_ids, now)
        successors = memberships.waiting_for(connection, turn.id, user_ids)
    for group_id in successors:
        turn.bridge.hint("apply", str(group_id))


def are_out(turn: Turn, user_ids: Sequence[int], *, swapped: bool) -> None:
    """Record that they have left. `swapped`: they moved to another step and lose nothing."""
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        leases.check(connection, turn.lease, now)
        outcome = changes.SWAPPED if swapped else None
        memberships.record_out(connection, turn.id, user_ids, now=now, outcome=outcome)
        if not swapped:
            released = max(0, turn.group.removals_released - len(user_ids))
            groups.update_group(connection, turn.id, removals_released=released)
        groups.update_group(connection, turn.id, attempts=0, error=None)
        statements.compare(connection, user_ids, turn.compare_at)


def nothing_was_sent(turn: Turn, user_ids: Sequence[int], error: BridgeError) -> None:
    """The forum refused: they are selected again if that is still wanted."""
    with turn.bridge.store.write() as connection:
        memberships.record_not_done(
            connection,
            turn.id,
            user_ids,
            now=turn.bridge.clock.now(),
            outcome=type(error).__name__,
        )


def was_cut_off(turn: Turn, size: int) -> None:
    """A part may have been done: use smaller batches from now on, and read before anything else."""
    if size > 1:
        with turn.bridge.store.write() as connection:
            groups.update_group(
                connection, turn.id, batch_size=max(SMALLEST_BATCH, min(size, 1000) // 2)
            )


def resolve(turn: Turn, open_ends: Sequence[Sent]) -> bool:
    """Find out the result of unrecorded writes; False while it is unknown."""
    if len(open_ends) > FEW:
        with turn.bridge.store.write() as connection:
            groups.ask_for_reading(connection, turn.id, turn.bridge.clock.now())
        turn.bridge.hint("read", str(turn.id))
        return False
    _look_up(turn, [row.user_id for row in open_ends])
    return True


def sort_out(turn: Turn, user_ids: Sequence[int]) -> None:
    """Some ids no longer exist, and Discourse does not say which: ask for each."""
    if len(user_ids) <= FEW:
        _look_up(turn, user_ids)
        return
    known: set[int] = set()
    for start in range(0, len(user_ids), CARDS):
        cards = turn.bridge.discourse.user_cards(user_ids[start : start + CARDS])
        known.update(card.id for card in cards)
    present = [user_id for user_id in user_ids if user_id in known]
    are_in(turn, present, owned="claimed", action="added")
    now = turn.bridge.clock.now()
    with turn.bridge.store.write() as connection:
        for user_id in set(user_ids) - known:
            users.mark(connection, user_id, "gone", now)
            memberships.hold(connection, turn.id, [user_id], "user_gone", now)


def _look_up(turn: Turn, user_ids: Sequence[int]) -> None:
    """Ask Discourse for each person: who is in the group, and who is gone."""
    bridge = turn.bridge
    for user_id in user_ids:
        try:
            user = bridge.discourse.user(user_id)
        except NotFound:
            user = None
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            leases.check(connection, turn.lease, now)
            if user is None:
                users.mark(connection, user_id, "gone", now)
                memberships.hold(connection, turn.id, [user_id], "user_gone", now)
                continue
            users.see(connection, user, now)
            statements.compare(connection, [user_id], turn.compare_at)
            if turn.id in user.group_ids:
                memberships.record_seen_in(connection, turn.id, user_id, now=now)
                statements.say_that_they_are_in(connection, turn.id, [user_id], now)
            else:
                memberships.record_seen_out(connection, turn.id, user_id, now=now)


def pace(turn: Turn, size: int, seconds: float) -> None:
    """Adapt the size of batches to how fast this forum is today."""
    before = turn.group.batch_size
    after = before
    if seconds > SLOW_SECONDS:
        after = max(SMALLEST_BATCH, min(before, size) // 2)
    elif seconds < FAST_SECONDS and size >= before:
        after = min(LARGEST_BATCH, before * 2)
    if after != before:
        with turn.bridge.store.write() as connection:
            groups.update_group(connection, turn.id, batch_size=after)
