"""What may be sent to Discourse: selected at the moment of the call, never an old instruction.

An addition is a row that is wanted and not actual; a removal one that is not wanted, actual, ours,
proven to be without a grant, and whose user is not dirty again. A step of a ladder waits, however
its own end came about, until the step that the user is to have is there (A150).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)

from bridge.store import shares
from bridge.store.alerts import removals_are_held
from bridge.store.memberships import SENT, Sent
from bridge.store.own import is_ours, is_own
from bridge.store.schema.columns import UtcTime
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.people import customers, users
from bridge.store.schema.work import work
from bridge.store.work import is_user_dirty

M = memberships.c


@cache  # runs every second, so the expression is built only once
def _is_add() -> ColumnElement[bool]:
    held_back = exists().where(users.c.user_id == M.user_id, users.c.state != "active")
    return and_(
        M.wanted, ~M.actual, M.hold.is_(None), M.override.is_(None), M.intent.is_(None), ~held_back
    )


@cache
def _may_go(owned: str = "proven") -> ColumnElement[bool]:
    return and_(
        _loses(),
        M.owned == owned,
        M.intent.is_(None),
        or_(M.confirmed_at.is_not(None), _successor(M.swap_to)),
        ~is_user_dirty(M.user_id),
        ~_is_giver_dirty(),
        ~removals_are_held(),
    )


@cache
def _loses() -> ColumnElement[bool]:
    """SQL: in the group, no longer wanted, and nothing prevents the removal."""
    # Nothing is written for inactive users. Anonymised users will not come back.
    away = exists().where(
        users.c.user_id == M.user_id, users.c.state.not_in(["active", "anonymized"])
    )
    return and_(
        ~M.wanted, M.actual, ~away, M.hold.is_(None), M.unwanted_at.is_not(None), ~_is_awaited()
    )


def _successor(group_id: ColumnElement[Any]) -> ColumnElement[bool]:
    other = memberships.alias("successor")
    return exists().where(
        other.c.user_id == M.user_id, other.c.group_id == group_id, other.c.wanted, other.c.actual
    )


@cache
def _is_swap() -> ColumnElement[bool]:
    """SQL: they are already on another step of the same ladder."""
    other = memberships.alias("step")
    same = and_(other.c.user_id == M.user_id, other.c.ladder == M.ladder)
    return exists().where(same, other.c.wanted, other.c.actual)


@cache
def _is_awaited() -> ColumnElement[bool]:
    """SQL: they are to have another step of the same ladder, and are not in it yet."""
    other = memberships.alias("awaited")
    same = and_(other.c.user_id == M.user_id, other.c.ladder == M.ladder)
    return exists().where(same, other.c.wanted, ~other.c.actual)


def are_awaited(
    connection: Connection, user_ids: Collection[int], customer_ids: Collection[str]
) -> bool:
    """Whether something about these is still to be decided, or to be sent to the forum now."""
    is_dirty = and_(is_ours(work), work.c.dirty_gen > work.c.done_gen)
    theirs = or_(work.c.user_id.in_(user_ids), work.c.key.in_(customer_ids))
    moving = and_(M.user_id.in_(user_ids), or_(_is_add(), _may_go(), M.intent.is_not(None)))
    asked = or_(exists().where(is_dirty, theirs), exists().where(moving))
    return bool(connection.scalar(select(asked)))


def are_leaving(connection: Connection, user_ids: Collection[int]) -> bool:
    """Whether one of these will be removed from a group within minutes, once that is proven."""
    stopped = exists().where(groups.c.id == M.group_id, groups.c.removals_stopped_at.is_not(None))
    leaves = exists().where(M.user_id.in_(user_ids), _loses(), M.owned == "proven", ~stopped)
    return bool(connection.scalar(select(leaves)))


def adds(connection: Connection, group_id: int, limit: int) -> list[int]:
    """Users to add to a group now, in the order of their decisions."""
    return list(
        connection.scalars(
            select(M.user_id)
            .where(M.group_id == group_id, _is_add())
            .order_by(M.decided_at, M.user_id)
            .limit(limit)
        )
    )


def count_groups_with_adds(connection: Connection) -> int:
    """How many groups have additions waiting: one request each, if all were sent now."""
    asked = select(func.count(M.group_id.distinct())).where(_is_add())
    return connection.scalar(asked) or 0


def oldest_add(connection: Connection, group_id: int) -> datetime | None:
    """Since when the oldest addition has been waiting."""
    oldest: datetime | None = connection.scalar(
        select(func.min(M.decided_at)).where(M.group_id == group_id, _is_add())
    )
    return oldest


def oldest_removal(connection: Connection, group_id: int) -> datetime | None:
    """Since when the oldest removal has been proven."""
    oldest: datetime | None = connection.scalar(_oldest_removal(), {"b_group": group_id})
    return oldest


@cache
def _oldest_removal() -> Select[Any]:
    proven_at = func.min(func.coalesce(M.confirmed_at, M.decided_at))
    return select(proven_at).where(M.group_id == bindparam("b_group"), _may_go())


def do_follow(connection: Connection, group_id: int, unwanted_before: datetime) -> bool:
    """Whether more removals will follow, after their proof or a reading that is under way.

    `unwanted_before`: only those of whom it was decided by then.
    """
    still = and_(_loses(), M.owned == "proven", M.intent.is_(None), ~_may_go())
    asked = select(M.user_id).where(M.group_id == group_id, still, M.unwanted_at <= unwanted_before)
    return connection.scalar(asked.limit(1)) is not None


def removals(
    connection: Connection,
    group_id: int,
    limit: int,
    *,
    owned: str = "proven",
    read_after: datetime | None = None,
    swapped: bool | None = None,
) -> list[int]:
    """Users to remove from a group now: owned, proven without a grant, and not dirty again.

    `read_after`: only users whose customers were all read completely since then. `swapped`: only
    users who are on another step of the ladder by now, or only the others.
    """
    statement = _removals(owned, swapped=swapped, read=read_after is not None)
    told = {"b_group": group_id, "b_limit": limit, "b_read_after": read_after}
    return list(connection.scalars(statement, told))


@cache
def _removals(owned: str, *, swapped: bool | None, read: bool) -> Select[int]:
    of_kind = [] if swapped is None else [_is_swap() if swapped else ~_is_swap()]
    if read:
        of_kind.append(~_is_stale(bindparam("b_read_after", type_=UtcTime)))
    return (
        select(M.user_id)
        .where(M.group_id == bindparam("b_group"), _may_go(owned), *of_kind)
        .order_by(M.unwanted_at, M.user_id)
        .limit(bindparam("b_limit"))
    )


def stale_removals(
    connection: Connection, group_id: int, limit: int, read_after: datetime, *, swapped: bool
) -> list[int]:
    """The next users to remove whose reading of Stripe is too old to act on."""
    next_ones = removals(connection, group_id, limit, swapped=swapped)
    return list(
        connection.scalars(
            select(M.user_id).where(
                M.group_id == group_id, M.user_id.in_(next_ones), _is_stale(read_after)
            )
        )
    )


def losing(connection: Connection, group_id: int) -> list[int]:
    """Users who are to lose a group, proven or not, without those on another step."""
    statement = select(M.user_id).where(
        M.group_id == group_id, _loses(), M.owned != "no", ~_is_swap()
    )
    return list(connection.scalars(statement.order_by(M.unwanted_at, M.user_id)))


def _is_giver_dirty() -> ColumnElement[bool]:
    """SQL: somebody who pays for what the user has is still to be decided."""
    return exists().where(
        is_own(work), work.c.dirty_gen > work.c.done_gen, shares.pays_for(work.c.key, M.user_id)
    )


def _is_stale(read_after: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return exists().where(
        is_own(customers),
        or_(customers.c.user_id == M.user_id, shares.pays_for(customers.c.customer_id, M.user_id)),
        customers.c.deleted_at.is_(None),
        or_(customers.c.read_at.is_(None), customers.c.read_at < read_after),
    )


def unresolved(connection: Connection, group_id: int) -> list[Sent]:
    """Memberships with a request whose result is not recorded."""
    asked = select(*SENT).where(M.group_id == group_id, M.intent.is_not(None))
    return [Sent(*row) for row in connection.execute(asked)]


def groups_with_work(connection: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Groups with changes that may be sent now, those with additions first."""
    told = {"b_now": now, "b_limit": limit}
    add_ids = connection.scalars(_groups_with_adds(), told).all()
    other = connection.scalars(_groups_with_other_work(), told).all()
    return list(dict.fromkeys([*add_ids, *other]))


@cache  # asked every second, as the next
def _groups_with_adds() -> Select[int]:
    return _groups(exists().where(_waiting(), _is_add()))


@cache
def _groups_with_other_work() -> Select[int]:
    removals_are_due = or_(
        groups.c.removals_next_at.is_(None), groups.c.removals_next_at <= bindparam("b_now")
    )
    return _groups(
        or_(
            exists().where(_waiting(), M.intent.is_not(None)),
            exists().where(_waiting(), or_(_may_go(), _may_go("claimed")), _is_swap()),
            and_(
                groups.c.removals_stopped_at.is_(None),
                removals_are_due,
                exists().where(_waiting(), or_(_may_go(), _may_go("claimed"))),
            ),
        )
    )


def _groups(where: ColumnElement[bool]) -> Select[int]:
    open_to = groups.c.missing_since.is_(None)
    return select(groups.c.id).where(open_to, where).limit(bindparam("b_limit"))


def _waiting() -> ColumnElement[bool]:
    return and_(M.group_id == groups.c.id, groups.c.next_at <= bindparam("b_now"))


def stuck(connection: Connection, before: datetime) -> tuple[int, datetime | None]:
    """How many changes should have been made before a time, in groups that could not be written."""
    count, since_at = connection.execute(_stuck(), {"b_before": before}).one()
    return int(count), since_at


@cache
def _stuck() -> Select[int, Any]:
    before: BindParameter[datetime] = bindparam("b_before")
    waits = or_(
        and_(_is_add(), M.decided_at <= before),
        and_(_may_go(), M.confirmed_at <= before),
        and_(M.intent.is_not(None), M.decided_at <= before),
    )
    failing = (groups.c.attempts > 0, groups.c.missing_since.is_(None))
    return (
        select(func.count(), func.min(M.decided_at))
        .select_from(memberships.join(groups, groups.c.id == M.group_id))
        .where(*failing, waits)
    )


def count_owned(connection: Connection, group_id: int) -> int:
    """Members of a group whom the bridge itself added."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(memberships)
            .where(M.group_id == group_id, M.actual, M.owned != "no")
        )
        or 0
    )
