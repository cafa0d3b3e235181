"""How many rows each worklist has, and each part of one that is shown in parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select, union_all

from bridge.store import registers, worklists
from bridge.store.orphans import SET_ASIDE, WAITS
from bridge.store.schema.people import customers

MANY = 1000
"""Parts are counted up to here: a page must not take longer because ten thousand will renew."""


def counts(connection: Connection) -> dict[str, int]:
    """How many rows need somebody in each list, by its name."""
    by_hand = union_all(*map(_rows, (worklists.ended_by_hand(), worklists.lost_from_record())))
    lists = {
        "failed": worklists.failing(),
        "held": worklists.undecided(),
        "stopped": worklists.removals_stopped(),
        "dead": worklists.unreadable(),
        "drift": by_hand,
        "unlinked": select(customers.c.customer_id).where(*WAITS),
        "double": worklists.paid_twice(),
    }
    applications, _ = registers.waiting(connection)
    counted = [
        select(func.count()).select_from(asked.subquery()).scalar_subquery()
        for asked in lists.values()
    ]
    found = connection.execute(select(*counted)).one()
    return {"applications": applications, **dict(zip(lists, found, strict=True))}


def of_parts(
    connection: Connection,
    name: str,
    group_ids: Collection[int],
    until: tuple[datetime, datetime],
) -> dict[str, int]:
    """How many rows each part of a list has, `MANY` at most; one statement for a list."""
    parts = _parts(group_ids, until).get(name)
    if parts is None:
        return {}
    counted = [
        select(func.count()).select_from(_rows(asked).limit(MANY).subquery()).scalar_subquery()
        for asked in parts.values()
    ]
    return dict(zip(parts, connection.execute(select(*counted)).one(), strict=True))


def _parts(
    group_ids: Collection[int], until: tuple[datetime, datetime]
) -> Mapping[str, Mapping[str, Select[Any]]]:
    payers = select(customers.c.customer_id)
    return {
        "applications": {
            "waiting": registers.standing_last("application"),
            "declined": registers.standing_last("decline"),
        },
        "unlinked": {"waiting": payers.where(*WAITS), "aside": payers.where(*SET_ASIDE)},
        "drift": {
            "out": worklists.ended_by_hand(),
            "in": worklists.added_by_others(group_ids),
            "lost": worklists.lost_from_record(),
        },
        "double": {"running": worklists.paid_twice(), "tabs": worklists.paid_in_tabs()},
        "ahead": {
            "ends": worklists.ending_within(until),
            "renewals": worklists.due("renewals", until),
            "trials": worklists.due("trials", until),
            "gifts": worklists.due("gifts", until),
        },
    }


def _rows(asked: Select[Any]) -> Select[Any]:
    """Rows without what they contain, which may be whole subscriptions."""
    return asked.with_only_columns(literal_column("1"), maintain_column_froms=True)
