"""What all tables are made of: times, counted keys, and whose account an id belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    literal,
    literal_column,
)

from bridge.core.model.account import OWN

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuse naive times: they would be read as another zone's."""
        del dialect
        if value is None:
            return None
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return what was stored, aware."""
        del dialect
        return None if value is None else EPOCH + timedelta(microseconds=value)


def moment(at: datetime) -> BindParameter[datetime]:
    """A time as SQL, where no column beside it tells its type, as within a CASE."""
    return literal(at, UtcTime())


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows up automatically only for a plain INTEGER key.
Number = BigInteger().with_variant(Integer, "sqlite")


def index_where_said(column: str) -> Index:
    """An index of a column that is nearly always empty, of the rows in which it is not.

    SQLite's statistics count all empty values as one, so that it would rather read the whole table.
    """
    is_said = literal_column(f"{column} IS NOT NULL", Boolean)
    return Index(None, column, sqlite_where=is_said, postgresql_where=is_said)


def of_account(*, is_key: bool = True) -> tuple[Column[str], Column[str]]:
    """Whose an id is: the provider, and the account there; the site's own if nothing else is said.

    In a key they follow the id, so that its index finds an id alone as well.
    """
    return (
        Column(
            "provider", String(20), primary_key=is_key, server_default=OWN.provider, nullable=False
        ),
        Column("account", String(60), primary_key=is_key, server_default=OWN.id, nullable=False),
    )
