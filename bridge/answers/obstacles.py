"""What a membership waits for before it is as it was decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bridge.core.memberships.member import Membership
from bridge.core.telling.explanation import Wait
from bridge.core.telling.holds import for_moderator
from bridge.store import Connection, alerts, groups, member, users, work
from bridge.wiring import Bridge


def waits(bridge: Bridge, connection: Connection, user_id: int, group_id: int) -> tuple[Wait, ...]:
    """Why a membership is not, or not yet, what is wanted of it: each thing it waits for."""
    row = member.memberships_of(connection, user_id).get(group_id)
    if row is None:
        return ()
    found = [*_kept_back(row)]
    if row.membership.wanted != row.actual and not found:
        found += _on_the_way(bridge, connection, user_id, row)
    return tuple(found)


LOST = "the bridge's user added them on the forum, and the record of it is lost"


def _kept_back(row: Membership) -> Iterable[Wait]:
    wanted, hold = row.membership.wanted, row.membership.hold
    if hold:
        words = for_moderator(hold, remedy=True)
        yield _wait("hold", f"held: {words}", row.hold_at, code=hold)
    if row.override and wanted:
        yield _wait("override", for_moderator(row.override, remedy=True), row.override_at)
    if not wanted and row.actual and row.owned == "no":
        if row.added_by == "bridge":
            yield _wait("not_recorded", f"{LOST}: run bridge adopt", row.actual_since)
        else:
            yield _wait("not_ours", "the bridge did not add them, so it never removes them", None)


def _on_the_way(
    bridge: Bridge, connection: Connection, user_id: int, row: Membership
) -> list[Wait]:
    """What an addition or a removal that is decided still waits for."""
    found: list[Wait] = []
    membership = row.membership
    account = users.state_of(connection, user_id)
    if membership.wanted and account not in {None, "active"}:
        found.append(_wait("account", f"the account on the forum is {account}", None))
    is_swap = membership.swap_to is not None
    unwanted_at = membership.unwanted_at
    if not membership.wanted and not is_swap and not membership.confirmed_at and unwanted_at:
        at = unwanted_at + timedelta(seconds=bridge.policy.removal_confirm_seconds)
        words = f"a second complete reading of Stripe, at {at:%Y-%m-%d %H:%M:%S} or later"
        found.append(_wait("confirm", words, unwanted_at))
    if not membership.wanted and is_swap:
        found.append(_wait("swap", "the other group of the ladder must be given first", None))
    dirty = work.waiting_of(connection, user_id)
    if dirty is not None:
        words = f"Stripe must be read again first ({dirty.error or 'due now'})"
        found.append(_wait("reading", words, dirty.since_at))
    if row.intent:
        found.append(
            _wait("sent", "it was sent to the forum; the result is being checked", row.intent_at)
        )
    return [*found, *_of_group(connection, row, bridge.clock.now())] or [
        _wait("request", "a free request to the forum", row.decided_at)
    ]


def _of_group(connection: Connection, row: Membership, now: datetime) -> Iterable[Wait]:
    leaves = not row.membership.wanted
    group = groups.state_of(connection, row.group_id)
    if group is None or group.missing_since is not None:
        yield _wait("group", "the forum no longer has this group", None)
        return
    if leaves and group.removals_stopped_at is not None:
        words = f"many removals at once; `bridge release {group.name}` allows them"
        yield _wait("limit", words, group.removals_stopped_at)
    elif leaves and group.removals_next_at and group.removals_next_at > now:
        words = (
            f"the hourly pace of removals; the next one is due at {group.removals_next_at:%H:%M}"
        )
        yield _wait("pace", words, None)
    if leaves and (since_at := alerts.held_since(connection)) is not None:
        words = "events from Stripe do not arrive, and moderators are told first: `bridge alerts`"
        yield _wait("alert", words, since_at)
    if leaves and row.owned == "claimed":
        yield _wait("whose", "a reading of the group, to see who added them", None)
    if group.error:
        yield _wait("forum", f"the forum: {group.error} (again {group.next_at:%H:%M:%S})", None)


def _wait(what: str, words: str, since: datetime | None, *, code: str | None = None) -> Wait:
    return Wait(what, code, words, since)
