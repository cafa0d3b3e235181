"""The append-only change log: what was decided, sent and seen; by whom and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from bridge.store.schema import changes


def log(  # noqa: PLR0913 - the columns of a row
    connection: Connection,
    action: str,
    *,
    now: datetime,
    user_id: int | None = None,
    group_id: int | None = None,
    customer_id: str | None = None,
    cause: str | None = None,
    rule_id: str | None = None,
    outcome: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append a line."""
    connection.execute(
        insert(changes).values(
            at=now,
            action=action,
            user_id=user_id,
            group_id=group_id,
            customer_id=customer_id,
            cause=cause,
            rule_id=rule_id,
            outcome=outcome,
            detail=dict(detail) if detail else None,
        )
    )


def of_user(connection: Connection, user_id: int, limit: int = 200) -> list[Row[Any]]:
    """The last lines about a user, the newest first."""
    return list(
        connection.execute(
            select(changes)
            .where(changes.c.user_id == user_id)
            .order_by(changes.c.id.desc())
            .limit(limit)
        )
    )


def count_since(connection: Connection, action: str, group_id: int, since: datetime) -> int:
    """How often something happened in a group since a time."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(changes)
            .where(changes.c.group_id == group_id, changes.c.action == action, changes.c.at > since)
        )
        or 0
    )
