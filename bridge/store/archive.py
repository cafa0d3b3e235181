"""Everything that the bridge keeps, table by table, as plain values for another database.

It leaves out what only this machine's processes need (leases, request slots), and everything that
gives access (tokens, sign-ins under way, the secrets of campaign links).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    Table,
    delete,
    func,
    insert,
    select,
    text,
)

from bridge.store.schema.columns import UtcTime, metadata

AT_ONCE = 1000
_LEFT_OUT = frozenset(
    {"leases", "processes", "slots", "nonces", "tokens", "api_writes", "campaign_tokens"}
)
# A new database has only the time at which it was made, and its Stripe mode.
_BORN_WITH = frozenset({"state"})


def tables() -> list[str]:
    """The names of the tables that an archive has, in order."""
    return sorted(name for name in metadata.tables if name not in _LEFT_OUT)


def describe() -> dict[str, Any]:
    """A JSON Schema for a row of each table."""
    return {name: _described(metadata.tables[name]) for name in tables()}


def _described(table: Table) -> dict[str, Any]:
    columns = {column.name: _type(column) for column in table.columns}
    return {
        "type": "object",
        "properties": columns,
        "required": sorted(columns),
        "additionalProperties": False,
        "x-key": [column.name for column in table.primary_key.columns],
    }


def _type(column: Column[Any]) -> dict[str, Any]:
    kind: dict[str, Any]
    if isinstance(column.type, UtcTime):
        kind = {"type": "string", "format": "date-time"}
    elif isinstance(column.type, JSON):
        return {}
    elif isinstance(column.type, Boolean):
        kind = {"type": "boolean"}
    elif isinstance(column.type, Integer | BigInteger):
        kind = {"type": "integer"}
    else:
        kind = {"type": "string"}
    return kind | {"type": [kind["type"], "null"]} if column.nullable else kind


def rows(connection: Connection, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a table in the order of their keys, one at a time."""
    table = metadata.tables[name]
    found = connection.execute(
        select(table).order_by(*table.primary_key.columns).execution_options(yield_per=AT_ONCE)
    )
    for row in found.mappings():
        yield {key: _plain(value) for key, value in row.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def is_empty(connection: Connection) -> bool:
    """Whether the database is still empty."""
    names = (name for name in tables() if name not in _BORN_WITH)
    return not any(
        connection.scalar(select(func.count()).select_from(metadata.tables[name])) for name in names
    )


def load(connection: Connection, name: str, found: Iterable[dict[str, Any]]) -> int:
    """Replace a table's initial rows by those of an archive; returns how many."""
    table = metadata.tables[name]
    times = {one.name for one in table.columns if isinstance(one.type, UtcTime)}
    connection.execute(delete(table))
    pending, count = iter(found), 0
    while batch := list(islice(pending, AT_ONCE)):
        connection.execute(insert(table), [_typed(row, times) for row in batch])
        count += len(batch)
    _count_on(connection, table)
    return count


def _typed(row: dict[str, Any], times: set[str]) -> dict[str, Any]:
    read = {key: datetime.fromisoformat(row[key]) for key in times if row[key] is not None}
    return row | read


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number the next row after the last one; SQLite does that automatically."""
    counted = table.autoincrement_column
    if connection.dialect.name != "postgresql" or counted is None or counted.type is None:
        return
    if counted.autoincrement is not True:
        return
    sequence = "pg_get_serial_sequence(:table, :column)"
    highest = select(func.coalesce(func.max(counted), 0) + 1).scalar_subquery()
    following = connection.scalar(select(highest))
    connection.execute(
        text(f"SELECT setval({sequence}, :following, false)"),
        {"table": table.name, "column": counted.name, "following": following},
    )
