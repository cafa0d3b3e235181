"""The register of who is in which group, a page at a time and by key: now, or as it was.

The conditions in SQL say what `Asked.shows` says of a membership; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, and_, cast, func, or_, select
from sqlalchemy import type_coerce as as_type

from bridge.core.memberships.listing import PREFIXES, Asked, Sort, Source, Standing
from bridge.core.memberships.member import Membership
from bridge.core.memberships.record import CAME_IN, DECIDED
from bridge.core.model.people import LARGEST_ID
from bridge.core.model.reasons import Reason
from bridge.store import history
from bridge.store.member import membership_of
from bridge.store.schema.forum import changes, memberships
from bridge.store.schema.people import users

M = memberships.c
FOREVER = 2**62
USERS_AT_ONCE = 50
ROUNDS = 6
"""The most readings that a page of the past costs, even if it is not full."""

Key = tuple[int, int, int]
"""Where the next page begins: the value sorted by, then the user and the group."""
START: Key = (-FOREVER, 0, 0)


@dataclass(frozen=True, slots=True)
class Listed:
    """A membership in the list, with the key of its row."""

    user_id: int
    username: str | None
    membership: Membership
    key: Key


def page(
    connection: Connection,
    group_ids: Collection[int],
    asked: Asked,
    *,
    sort: Sort = "person",
    after: Key = START,
    limit: int,
) -> list[Listed]:
    """Memberships as they are now."""
    value = _value(sort)
    key = (value, M.user_id, M.group_id)
    rows = connection.execute(
        select(memberships, users.c.username, value.label("value"))
        .outerjoin_from(memberships, users, users.c.user_id == M.user_id)
        .where(M.group_id.in_(group_ids), *_shown(asked), _beyond(key, after))
        .order_by(*key)
        .limit(limit)
    )
    return [
        Listed(
            row.user_id, row.username, membership_of(row), (row.value, row.user_id, row.group_id)
        )
        for row in rows
    ]


def _value(sort: Sort) -> ColumnElement[int]:
    """The value to sort by, as a number that is never NULL."""
    if sort == "person":
        return as_type(M.user_id, BigInteger)
    if sort == "since":
        return -func.coalesce(as_type(M.actual_since, BigInteger), 0)
    return func.coalesce(as_type(M.wanted_until, BigInteger), FOREVER)


def _beyond(key: tuple[ColumnElement[int], ...], after: Key) -> ColumnElement[bool]:
    value, user_id, group_id = key
    same_value = and_(
        value == after[0],
        or_(user_id > after[1], and_(user_id == after[1], group_id > after[2])),
    )
    return or_(value > after[0], same_value)


def _shown(asked: Asked) -> list[ColumnElement[bool]]:
    found = [_STANDS[asked.standing] if asked.standing else M.actual]
    if asked.rule_ids is not None:
        found.append(M.rule_id.in_(asked.rule_ids))
    if asked.source is not None:
        found.append(_from(asked.source))
    return found


_FOLLOWED = and_(M.actual, M.hold.is_(None))
_UNPAID = func.coalesce(M.reason, "") == Reason.GRACE.value
_KEPT_BACK = or_(M.override.is_not(None), M.hold.is_not(None))
_STANDS: Mapping[Standing, ColumnElement[bool]] = {
    Standing.GOOD: and_(_FOLLOWED, M.wanted, ~_UNPAID, M.wanted_until.is_(None)),
    Standing.UNPAID: and_(_FOLLOWED, M.wanted, _UNPAID),
    Standing.ENDING: and_(_FOLLOWED, M.wanted, ~_UNPAID, M.wanted_until.is_not(None)),
    Standing.HELD: and_(M.actual, M.hold.is_not(None)),
    Standing.LEAVING: and_(_FOLLOWED, ~M.wanted, M.owned != "no"),
    Standing.BY_OTHERS: and_(_FOLLOWED, ~M.wanted, M.owned == "no"),
    Standing.ARRIVING: and_(~M.actual, M.wanted, ~_KEPT_BACK),
    Standing.KEPT_OUT: and_(~M.actual, M.wanted, _KEPT_BACK),
}


def _from(source: Source) -> ColumnElement[bool]:
    """SQL: one of the sources (a JSON list of ids) is of a kind."""
    ids = cast(M.sources, Text)
    begins = (one.replace("_", "\\_") for one in PREFIXES[source])
    return or_(*(ids.like(f'%"{one}%', escape="\\") for one in begins))


def page_at(
    connection: Connection,
    group_ids: Collection[int],
    asked: Asked,
    at: datetime,
    *,
    after: Key = START,
    limit: int,
) -> tuple[list[Listed], Key | None]:
    """Memberships at a moment, by user and group, and where the next page begins.

    A page that is not full after some rounds ends there, and the next page continues.
    """
    found: list[Listed] = []
    user_id = max(after[1] - 1, -1)  # of the last user of the page before, groups may be left
    at_once = min(max(limit + 1, USERS_AT_ONCE), 10 * USERS_AT_ONCE)
    may_be_out = asked.standing is not None and not asked.standing.is_in
    for _ in range(ROUNDS):
        known = _with_lines(connection, group_ids, at, user_id, at_once)
        whom = known if may_be_out else history.who_was_in(connection, at, group_ids, known)
        then = history.memberships_at(connection, at, group_ids=group_ids, user_ids=whom)
        shown = sorted(of for of, one in then.items() if asked.shows(one.membership))
        found += [
            Listed(of[0], None, then[of].membership, (of[0], *of)) for of in shown if of > after[1:]
        ]
        if len(found) > limit:
            return found[:limit], found[limit - 1].key
        if len(known) < at_once:
            return found, None
        user_id = known[-1]
    return found, (user_id, user_id, LARGEST_ID)


def _with_lines(
    connection: Connection, group_ids: Collection[int], at: datetime, after: int, limit: int
) -> list[int]:
    """The next users with any record in these groups by then.

    That somebody was seen in a group may have been found out later.
    """
    # By user, so that the database stops after a page of them.
    group_id = changes.c.group_id if len(group_ids) == 1 else history.ANY_GROUP
    rows = connection.scalars(
        select(changes.c.user_id)
        .where(
            group_id.in_(group_ids),
            history.ACTION.in_(DECIDED | CAME_IN),
            history.written_by(at),
            changes.c.user_id > after,
        )
        .distinct()
        .order_by(changes.c.user_id)
        .limit(limit)
    )
    return [one for one in rows if one is not None]
