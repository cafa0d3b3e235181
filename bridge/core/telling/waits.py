"""The waits of a decided change of a membership, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.core.memberships.member import Membership
from bridge.core.telling.explanation import Wait
from bridge.core.telling.holds import for_moderator, remedy
from bridge.core.telling.outcomes import STATES
from bridge.texts import gettext

LOST = gettext(
    "The bridge’s user added them on the forum, and the record of it is lost. Run `bridge adopt`."
)
NOT_OURS = gettext("The bridge did not add them, so it never removes them.")


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
    """Possible delays of a change, besides the membership itself.

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
    """The hold until somebody decides."""
    wanted, hold = row.membership.wanted, row.membership.hold
    if hold:
        yield _wait("hold", _with_remedy(hold), row.hold_at, code=hold)
    if row.override and wanted:
        yield _wait("override", _with_remedy(row.override), row.override_at)
    if not wanted and row.actual and row.owned == "no":
        if row.added_by == "bridge":
            yield _wait("not_recorded", LOST, row.actual_since)
        else:
            yield _wait("not_ours", NOT_OURS, None)


def on_the_way(row: Membership, around: Surroundings, now: datetime) -> list[Wait]:
    """The remaining waits of a decided addition or removal."""
    found: list[Wait] = []
    membership = row.membership
    if membership.wanted and around.account not in {None, "active"}:
        words = gettext("Their account on the forum is not active: %(state)s.")
        state = STATES.get(around.account or "", around.account)
        found.append(_wait("account", words % {"state": state}, None))
    is_swap = membership.swap_to is not None
    unwanted_at = membership.unwanted_at
    if not membership.wanted and not is_swap and not membership.confirmed_at and unwanted_at:
        at = unwanted_at + timedelta(seconds=around.confirm_seconds)
        words = gettext("It waits for a second complete reading of Stripe, at %(at)s or later.")
        found.append(_wait("confirm", words % {"at": f"{at:%Y-%m-%d %H:%M:%S}"}, unwanted_at))
    if not membership.wanted and is_swap:
        words = gettext("It waits until they are in the other group of the ladder.")
        found.append(_wait("swap", words, None))
    if around.waits_since is not None:
        found.append(_wait("reading", _reading(around.failed), around.waits_since))
    if row.intent:
        words = gettext("It was sent to the forum, and the result is being checked.")
        found.append(_wait("sent", words, row.intent_at))
    words = gettext("It waits for a free place in the forum’s request limit.")
    return [*found, *_of_group(row, around, now)] or [_wait("request", words, row.decided_at)]


def _of_group(row: Membership, around: Surroundings, now: datetime) -> Iterable[Wait]:
    leaves = not row.membership.wanted
    group = around.group
    if group.is_missing:
        yield _wait("group", gettext("The forum no longer has this group."), None)
        return
    if leaves and group.removals_stopped_at is not None:
        words = gettext(
            "Many would lose this group at once. `bridge release %(group)s` lets the removals "
            "continue."
        )
        yield _wait("limit", words % {"group": group.name}, group.removals_stopped_at)
    elif leaves and group.removals_next_at and group.removals_next_at > now:
        words = gettext("Only so many leave a group in an hour. The next one is due at %(at)s.")
        yield _wait("pace", words % {"at": f"{group.removals_next_at:%H:%M}"}, None)
    if leaves and (since_at := around.alert_since) is not None:
        words = gettext(
            "Events from Stripe do not arrive, and moderators are told first: see `bridge alerts`."
        )
        yield _wait("alert", words, since_at)
    if leaves and row.owned == "claimed":
        words = gettext("It waits for a reading of the group, to see who added them.")
        yield _wait("whose", words, None)
    if group.error:
        words = gettext("The forum did not do it: %(error)s. The next attempt is at %(at)s.")
        told = {"error": group.error, "at": f"{group.next_at:%H:%M:%S}"}
        yield _wait("forum", words % told, None)


def _with_remedy(hold: str) -> str:
    return " ".join(filter(None, (for_moderator(hold), remedy(hold))))


def _reading(failed: str | None) -> str:
    if failed is None:
        return gettext("Stripe must be read again first, which is due now.")
    words = gettext("Stripe must be read again first. The last attempt failed: %(error)s.")
    return words % {"error": failed}


def _wait(what: str, words: str, since: datetime | None, *, code: str | None = None) -> Wait:
    return Wait(what, code, words, since)
