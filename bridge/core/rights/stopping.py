"""A moderator's acts on a running subscription, and the subscription afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.core.model.stripe import Subscription
from bridge.core.rights.judge import announced_end
from bridge.core.rights.switching import OVER
from bridge.errors import Permanent
from bridge.texts import gettext

LONGEST_PAUSE_DAYS = 5 * 366


def cancelled(one: Subscription) -> Subscription:
    """Cancel it at the end of the paid period. Raises: Permanent if that is no longer possible."""
    _refuse_what_is_over(one)
    _refuse_scheduled(one)
    if ends_at := _ends_at(one):
        raise Permanent(
            gettext("%(id)s already ends on %(day)s") % {"id": one.id, "day": _day(ends_at)}
        )
    ends_at = max(item.period_end_at for item in one.items)
    return replace(one, cancel_at_period_end=True, cancel_at=ends_at)


def kept(one: Subscription) -> Subscription:
    """Reverse its cancellation. Raises: Permanent if nobody has cancelled it."""
    _refuse_what_is_over(one)
    _refuse_scheduled(one)
    if one.cancel_at is None and not one.cancel_at_period_end:
        raise Permanent(gettext("%(id)s is not cancelled: it renews") % {"id": one.id})
    return replace(one, cancel_at_period_end=False, cancel_at=None, canceled_at=None)


def paused(one: Subscription, until_at: datetime | None, now: datetime) -> Subscription:
    """Pause its payments. Raises: Permanent if that is impossible."""
    _refuse_what_is_over(one)
    if one.status not in ("active", "trialing"):
        raise Permanent(
            gettext("%(id)s is %(status)s: only what is paid regularly can be paused")
            % {"id": one.id, "status": one.status.replace("_", " ")}
        )
    if one.pause_collection:
        raise Permanent(gettext("%(id)s is already paused") % {"id": one.id})
    if until_at is not None and until_at <= now:
        raise Permanent(
            gettext("%(day)s is in the past: give a later day") % {"day": _day(until_at)}
        )
    if until_at is not None and (until_at - now).days > LONGEST_PAUSE_DAYS:
        raise Permanent(gettext("Stripe pauses for five years at most: give an earlier day"))
    return replace(one, pause_collection="void", pause_resumes_at=until_at, next_charge=None)


def resumed(one: Subscription) -> Subscription:
    """Resume its payments. Raises: Permanent if it is not paused."""
    _refuse_what_is_over(one)
    if not one.pause_collection:
        raise Permanent(gettext("%(id)s is not paused") % {"id": one.id})
    return replace(one, pause_collection=None, pause_resumes_at=None)


def _ends_at(one: Subscription) -> datetime | None:
    return max(filter(None, (announced_end(one, item) for item in one.items)), default=None)


def _refuse_what_is_over(one: Subscription) -> None:
    if one.status in OVER or not one.items:
        raise Permanent(gettext("%(id)s has ended") % {"id": one.id})


def _refuse_scheduled(one: Subscription) -> None:
    if one.is_scheduled:
        raise Permanent(
            gettext("%(id)s follows a schedule: change the schedule at Stripe") % {"id": one.id}
        )


def _day(at: datetime) -> str:
    return f"{at:%-d %B %Y}"
