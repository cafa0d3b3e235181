"""What a decided change of a membership waits for, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.core.memberships.member import Membership
from bridge.core.telling.explanation import Wait
from bridge.core.telling.holds import for_moderator

LOST = "the bridge's user added them on the forum, and the record of it is lost"


@dataclass(frozen=True, slots=True)
class Group:
    """The state of the work on a group; `is_missing`: on the forum."""

    name: str
    is_missing: bool
    removals_stopped_at: datetime | None = None
    removals_next_at: datetime | None = None
    error: str | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What may delay a change, besides the membership itself.

    `account`: its state on the forum. `waits_since`: since when Stripe has to be read again, with
    `failed`, what the last attempt failed with. `alert_since`: events from Stripe do not arrive.
    """

    account: str | None
    confirm_seconds: int
    waits_since: datetime | None
    failed: str | None
    group: Group
    alert_since: datetime | None


def kept_back(row: Membership) -> Iterable[Wait]:
    """What holds it until somebody decides."""
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


def on_the_way(row: Membership, around: Surroundings, now: datetime) -> list[Wait]:
    """What a decided addition or removal still waits for."""
    found: list[Wait] = []
    membership = row.membership
    if membership.wanted and around.account not in {None, "active"}:
        found.append(_wait("account", f"the account on the forum is {around.account}", None))
    is_swap = membership.swap_to is not None
    unwanted_at = membership.unwanted_at
    if not membership.wanted and not is_swap and not membership.confirmed_at and unwanted_at:
        at = unwanted_at + timedelta(seconds=around.confirm_seconds)
        words = f"a second complete reading of Stripe, at {at:%Y-%m-%d %H:%M:%S} or later"
        found.append(_wait("confirm", words, unwanted_at))
    if not membership.wanted and is_swap:
        found.append(_wait("swap", "the other group of the ladder must be given first", None))
    if around.waits_since is not None:
        words = f"Stripe must be read again first ({around.failed or 'due now'})"
        found.append(_wait("reading", words, around.waits_since))
    if row.intent:
        found.append(
            _wait("sent", "it was sent to the forum; the result is being checked", row.intent_at)
        )
    return [*found, *_of_group(row, around, now)] or [
        _wait("request", "a free slot in the forum's request limit", row.decided_at)
    ]


def _of_group(row: Membership, around: Surroundings, now: datetime) -> Iterable[Wait]:
    leaves = not row.membership.wanted
    group = around.group
    if group.is_missing:
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
    if leaves and (since_at := around.alert_since) is not None:
        words = "events from Stripe do not arrive, and moderators are told first: `bridge alerts`"
        yield _wait("alert", words, since_at)
    if leaves and row.owned == "claimed":
        yield _wait("whose", "a reading of the group, to see who added them", None)
    if group.error:
        yield _wait("forum", f"the forum: {group.error} (again {group.next_at:%H:%M:%S})", None)


def _wait(what: str, words: str, since: datetime | None, *, code: str | None = None) -> Wait:
    return Wait(what, code, words, since)
