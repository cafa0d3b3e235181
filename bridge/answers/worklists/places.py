"""Lists about memberships: held, stopped by the limit, changed by hand on the forum, ending."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.answers.members import mapped_groups
from bridge.answers.worklists.money import AHEAD
from bridge.answers.worklists.row import PAGE, Page, Row, Todo, cut, moment_and_ids, two_ids
from bridge.core.model.reasons import Reason
from bridge.core.telling.holds import for_moderator
from bridge.store import sending, worklists
from bridge.store.worklists import InGroup
from bridge.texts import gettext, ngettext
from bridge.wiring import Bridge

_WHY_IT_ENDS: Mapping[str, str] = {
    Reason.GRACE: gettext("A payment failed, and the time to pay it ends."),
    Reason.HAND: gettext("It was given by hand until that day."),
    Reason.ENDING: gettext("The subscription was cancelled."),
}


def held(bridge: Bridge, _kind: str, after: str) -> Page:
    """Memberships that stay as they are until somebody decides."""
    with bridge.store.read() as connection:
        found = worklists.held(connection, two_ids(after), PAGE + 1)
    return cut([_row(one, for_moderator(one.why or "")) for one in found])


def stopped(bridge: Bridge, _kind: str, _after: str) -> Page:
    """Groups whose removals were stopped by the limit."""
    with bridge.store.read() as connection:
        found = [
            (name, at, len(sending.losing(connection, group_id)))
            for group_id, name, at in worklists.stopped(connection)
        ]
    rows = (
        Row(
            key=name,
            about=name,
            says=ngettext("%(num)d member would lose it.", "%(num)d members would lose it.", count)
            % {"num": count},
            at=at,
            todo=(Todo("release", {"group": name}),),
        )
        for name, at, count in found
    )
    return Page(tuple(rows))


def drift(bridge: Bridge, kind: str, after: str) -> Page:
    """Memberships that somebody changed by hand on the forum: out of a group, or into it."""
    ids = [group.id for group in mapped_groups(bridge)]
    with bridge.store.read() as connection:
        if kind == "out":
            found = worklists.kept_out(connection, two_ids(after), PAGE + 1)
        elif kind == "lost":
            found = worklists.forgotten(connection, two_ids(after), PAGE + 1)
        else:
            found = worklists.put_in(connection, ids, two_ids(after), PAGE + 1)
    if kind == "lost":
        says = gettext("The bridge added them, and its record was lost: take it over.")
        return cut([_row(one, says, "adopt") for one in found])
    if kind == "out":
        return cut([_row(one, for_moderator(one.why or ""), "lift") for one in found])
    says = gettext("No payment and no grant gives it. The bridge never ends it.")
    return cut([_row(one, says, "grant") for one in found])


def ending(bridge: Bridge, _kind: str, after: str) -> Page:
    """Memberships that end in the next thirty days, the nearest first."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        found = worklists.ending(connection, (now, now + AHEAD), moment_and_ids(after), PAGE + 1)
    rows = []
    for one in found:
        at = one.at.isoformat() if one.at else ""
        row = _row(
            one, _WHY_IT_ENDS.get(one.why or "", ""), key=f"{at}|{one.user_id}|{one.group_id}"
        )
        rows.append(row)
    return cut(rows)


def _row(one: InGroup, says: str, act: str | None = None, key: str | None = None) -> Row:
    return Row(
        key=key or f"{one.user_id}:{one.group_id}",
        user_id=one.user_id,
        username=one.username,
        about=one.shown_as,
        says=says,
        at=one.at,
        todo=(Todo(act, {"group": one.group}),) if act else (),
    )
