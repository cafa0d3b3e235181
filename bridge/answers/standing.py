"""Somebody's standing for a machine, from what is stored alone: no call to Stripe or the forum."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bridge.core.telling.standing import NOTHING, places
from bridge.errors import NotFound
from bridge.statement_input import statement_input
from bridge.store import facts, groups, links, statements
from bridge.store.schema import memberships
from bridge.wiring import Bridge


def standing(bridge: Bridge, user_id: int, group_name: str | None) -> dict[str, Any]:
    """Good or bad, why, and as of when.

    Good: in the group, or due in it; without a group, in any that a mapping rule leads to.
    Raises: NotFound for a user or a group that was never seen.
    """
    with bridge.store.read() as connection:
        if not _is_known(connection, user_id):
            raise NotFound("no such user")
        names = {one.id: one.name for one in groups.load_groups(connection).values()}
        given = statement_input(bridge, connection, user_id, with_money=False)
        asked = _asked(names, group_name)
        if asked is None:
            mapped = bridge.rulebook.rules(connection).mapped_group_ids
            asked = {id_ for id_ in mapped if id_ in names}
        found = places(given, asked, _day)
        first = found[0] if found else None
        row = statements.user_row(connection, user_id)
        return {
            "user_id": user_id,
            "username": row.username if row is not None else None,
            "standing": "good" if first is not None and first.is_good else "bad",
            "reason": first.reason if first is not None else "no group is set up",
            "code": first.code if first is not None else NOTHING,
            "as_of": _as_of(bridge, connection, user_id),
            "groups": [
                {
                    "id": one.group_id,
                    "group": names[one.group_id],
                    "in": one.is_in,
                    "due": one.is_due,
                    "until": _iso(one.until_at),
                    "reason": one.reason,
                    "code": one.code,
                }
                for one in found
            ],
        }


def _is_known(connection: Connection, user_id: int) -> bool:
    mine = select(memberships.c.group_id).where(memberships.c.user_id == user_id)
    return (
        statements.user_row(connection, user_id) is not None
        or bool(links.customers_of(connection, user_id))
        or connection.execute(mine).first() is not None
    )


def _asked(names: dict[int, str], group_name: str | None) -> set[int] | None:
    if group_name is None:
        return None
    asked = {id_ for id_, name in names.items() if name.lower() == group_name.lower()}
    if not asked:
        raise NotFound("no such group")
    return asked


def _as_of(bridge: Bridge, connection: Connection, user_id: int) -> str | None:
    """When Stripe was last read completely; now, for somebody who is nobody's customer there."""
    read_at = facts.facts_of(connection, user_id)[1]
    if read_at is None and not links.customers_of(connection, user_id):
        return _iso(bridge.clock.now())
    return _iso(read_at)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
