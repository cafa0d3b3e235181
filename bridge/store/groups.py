"""Discourse's groups as last listed, and the pins that keep rules working after a rename."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, or_, select, update

from bridge.core.model.discourse import Group
from bridge.store import state
from bridge.store.changes import log
from bridge.store.inserts import insert_for
from bridge.store.schema.columns import moment
from bridge.store.schema.forum import group_pins, groups, memberships

RULES_VERSION = "rules.version"
# For a group that waits for nothing. Not the present time: a fast clock would delay it for hours.
NO_WAIT = datetime(1970, 1, 1, tzinfo=UTC)


def save_groups(connection: Connection, found: Iterable[Group], now: datetime) -> None:
    """Store a complete list of groups; a group that is not in it is missing, and its rules halt."""
    known = {row.id: row for row in connection.execute(select(groups))}
    listed = {group.id: group for group in found}
    changed = False
    for group in listed.values():
        row = known.get(group.id)
        if row is None or (row.name, row.automatic, row.missing_since) != (
            group.name,
            group.automatic,
            None,
        ):
            changed = True
        elif (row.full_name, row.user_count) == (group.full_name, group.user_count):
            continue
        save_group(connection, group, now)
    for group_id, row in known.items():
        if group_id not in listed and row.missing_since is None:
            mark_missing(connection, group_id, now)
    if changed:
        state.bump(connection, RULES_VERSION)


def save_group(connection: Connection, group: Group, now: datetime) -> None:
    """Store one group."""
    row = {
        "name": group.name,
        "full_name": group.full_name,
        "automatic": group.automatic,
        "user_count": group.user_count,
        "missing_since": None,
    }
    connection.execute(
        insert_for(connection)(groups)
        .values(
            id=group.id,
            next_at=now,
            attempts=0,
            batch_size=100,
            removals_released=0,
            page_offset=0,
            **row,
        )
        .on_conflict_do_update(index_elements=[groups.c.id], set_=row)
    )


def mark_missing(connection: Connection, group_id: int, now: datetime) -> None:
    """Record that a group no longer exists; its rules add and remove nobody."""
    connection.execute(update(groups).where(groups.c.id == group_id).values(missing_since=now))
    state.bump(connection, RULES_VERSION)
    log(connection, "group_missing", now=now, group_id=group_id)


def load_groups(connection: Connection) -> dict[int, Group]:
    """The groups that exist, as last listed."""
    rows = connection.execute(_THAT_EXIST)
    return {
        row.id: Group(row.id, row.name, row.full_name, row.automatic, row.user_count)
        for row in rows
    }


_THAT_EXIST = select(groups).where(groups.c.missing_since.is_(None))


def groups_by_id(connection: Connection, group_ids: Collection[int]) -> dict[int, Group]:
    """The groups as last read, for their names."""
    rows = connection.execute(select(groups).where(groups.c.id.in_(list(group_ids))))
    return {
        row.id: Group(row.id, row.name, row.full_name, row.automatic, row.user_count)
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class GroupState:
    """The state of the work on one group: what was read, what waits, and what failed last."""

    id: int
    name: str
    missing_since: datetime | None
    next_at: datetime
    attempts: int
    batch_size: int
    removals_stopped_at: datetime | None
    removals_released: int
    removals_next_at: datetime | None
    page_offset: int
    page_total: int | None
    reading_since: datetime | None
    error: str | None


_STATE = tuple(groups.c[field.name] for field in fields(GroupState))


def state_of(connection: Connection, group_id: int) -> GroupState | None:
    """The state of the work on a group; None for a group that was never listed."""
    row = connection.execute(_STATE_OF, {"b_group": group_id}).one_or_none()
    return GroupState(*row) if row else None


_STATE_OF = select(*_STATE).where(groups.c.id == bindparam("b_group"))


def update_group(connection: Connection, group_id: int, **values: Any) -> None:
    """Set columns of one group."""
    connection.execute(update(groups).where(groups.c.id == group_id).values(**values))


def put_off(
    connection: Connection,
    group_id: int,
    *,
    now: datetime,
    seconds: float,
    error: str,
    failed: bool = True,
) -> None:
    """Postpone the work on a group; `failed`: because of the forum, not of our own limit."""
    update_group(
        connection,
        group_id,
        next_at=now + timedelta(seconds=seconds),
        attempts=groups.c.attempts + (1 if failed else 0),
        error=error[:500],
    )


def load_pins(connection: Connection) -> dict[str, int]:
    """The group to which each name in a rule was first resolved."""
    return {row.name: row.group_id for row in connection.execute(select(group_pins))}


def save_pins(connection: Connection, pins: Mapping[str, int], now: datetime) -> None:
    """Store newly resolved names; existing pins stay."""
    for name, group_id in pins.items():
        connection.execute(
            insert_for(connection)(group_pins)
            .values(name=name, group_id=group_id, pinned_at=now)
            .on_conflict_do_nothing()
        )


def ask_for_reading(connection: Connection, group_id: int, at: datetime) -> None:
    """Schedule a reading of the group's members; an earlier appointment stays."""
    connection.execute(
        update(groups)
        .where(groups.c.id == group_id)
        .values(
            read_due_at=case((groups.c.read_due_at < at, groups.c.read_due_at), else_=moment(at))
        )
    )


def ask_for_list(connection: Connection) -> None:
    """Schedule a reading of the list of all groups."""
    state.put(connection, "periodic.groups", None)


def names_of_all(connection: Connection) -> dict[int, str]:
    """The name of every group ever listed, by id."""
    rows = connection.execute(select(groups.c.id, groups.c.name))
    return {row.id: row.name for row in rows}


@dataclass(frozen=True, slots=True)
class Read:
    """When a group's members were last read, and when that was requested."""

    group_id: int
    user_count: int
    read_at: datetime | None
    read_due_at: datetime | None


def never_read_back(connection: Connection, mapped: Collection[int]) -> list[Group]:
    """The groups of people whose members `last_reads` leaves out."""
    read_back = {one.group_id for one in last_reads(connection, mapped, NO_WAIT)}
    known = load_groups(connection).values()
    return [one for one in known if not one.automatic and one.id not in read_back]


def with_members(connection: Connection, mapped: Collection[int]) -> frozenset[int]:
    """The groups of mapping rules, and those that the bridge gave somebody, as by hand."""
    of = memberships.c
    given = exists().where(of.group_id == groups.c.id, or_(of.wanted, of.owned != "no"))
    exist = groups.c.missing_since.is_(None)
    asked = select(groups.c.id).where(exist, or_(groups.c.id.in_(mapped), given))
    return frozenset(connection.scalars(asked))


def last_reads(connection: Connection, mapped: Collection[int], now: datetime) -> list[Read]:
    """The groups whose members are read: mapped, wanted for somebody, or requested."""
    rows = connection.execute(_READ, {"b_mapped": list(mapped), "b_now": now})
    return [Read(row.id, row.user_count, row.read_at, row.read_due_at) for row in rows]


_READ = select(groups.c.id, groups.c.user_count, groups.c.read_at, groups.c.read_due_at).where(
    groups.c.missing_since.is_(None),
    ~groups.c.automatic,
    or_(
        groups.c.id.in_(bindparam("b_mapped", expanding=True)),
        exists().where(memberships.c.group_id == groups.c.id, memberships.c.wanted),
        groups.c.read_due_at <= bindparam("b_now"),
    ),
)
