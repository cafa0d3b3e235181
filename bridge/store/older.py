"""Pages of a list that several tables fill."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_

from bridge.core.model.key import Until
from bridge.store.schema.columns import moment


def by_bytes(connection: Connection, id_: ColumnElement[str]) -> ColumnElement[str]:
    """An id to order by: PostgreSQL has an order of its own for letters, and SQLite has not."""
    return id_.collate("C") if connection.dialect.name == "postgresql" else id_


def older(
    at: ColumnElement[Any], id_: ColumnElement[Any], until: Until | None
) -> tuple[ColumnElement[bool], ...]:
    """SQL: rows older than an entry; order by time and id, both descending."""
    if until is None:
        return ()
    then = moment(until.at)
    if until.last_id is not None:
        last = int(until.last_id) if id_.type.python_type is int else until.last_id
        return (or_(at < then, and_(at == then, id_ < last)),)
    return (at <= then if until.with_it else at < then,)
