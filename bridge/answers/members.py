"""Who is in a group: now, or as it was on a date; in pages, so that nothing loads everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.discourse import Group
from bridge.store import groups, history, memberships, users
from bridge.wiring import Bridge

PAGE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A member of a group, since when, and the reason that the bridge has on record."""

    user_id: int
    username: str | None
    since_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of members, by id; `after` begins the next one, if there is."""

    rows: tuple[Row, ...]
    after: int | None


def mapped_groups(bridge: Bridge) -> list[Group]:
    """The groups that the bridge looks after, by name."""
    with bridge.store.read() as connection:
        mapped = bridge.rulebook.rules(connection).mapped_group_ids
        known = groups.load_groups(connection)
    return sorted((known[id_] for id_ in mapped if id_ in known), key=lambda one: one.name)


def members(bridge: Bridge, group_id: int, *, at: datetime | None = None, after: int = 0) -> Page:
    """The members of a group with larger ids than `after`; `at`: as they were at that moment."""
    with bridge.store.read() as connection:
        if at is None:
            found = memberships.page_of_group(connection, group_id, after, PAGE + 1)
        else:
            then = history.memberships_at(connection, at, group_id=group_id)
            found = sorted(
                (user_id, one.membership.actual_since, one.membership.membership.reason)
                for (user_id, _), one in then.items()
                if one.membership.actual and user_id > after
            )[: PAGE + 1]
        names = users.names_of(connection, [row[0] for row in found])
    rows = tuple(
        Row(user_id, names.get(user_id), since_at, reason)
        for user_id, since_at, reason in found[:PAGE]
    )
    return Page(rows, rows[-1].user_id if len(found) > PAGE else None)
