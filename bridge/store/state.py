"""Small facts with a name: cursors, pauses, when something last ran."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, text
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.inserts import INSERTS, insert_for
from bridge.store.schema.columns import EPOCH
from bridge.store.schema.work import state

LAST_RUN = "periodic."
"""Before the name of a piece of periodic work: when it was last done."""

LAST_SWEEP = "sweep.last_run"
RULES_FOLLOWED = "rules.followed"
"""The rules by which everybody was last decided."""


def get(connection: Connection, key: str) -> Any:
    """The value, or None."""
    return connection.scalar(_GET, {"b_key": key})


# Asked many times a second, so it is made once; likewise what follows with @cache.
_GET = select(state.c.value).where(state.c.key == bindparam("b_key"))


def put(connection: Connection, key: str, value: Any) -> None:
    """Set the value."""
    connection.execute(_putting(connection.dialect.name), {"b_key": key, "b_value": value})


@cache
def _putting(dialect: str) -> sqlite.Insert | postgresql.Insert:
    new = INSERTS[dialect](state).values(key=bindparam("b_key"), value=bindparam("b_value"))
    return new.on_conflict_do_update(
        index_elements=[state.c.key], set_={"value": new.excluded.value}
    )


def get_time(connection: Connection, key: str) -> datetime | None:
    """A moment, aware, or None."""
    value = get(connection, key)
    return datetime.fromisoformat(value) if value else None


def times(connection: Connection, prefix: str) -> dict[str, datetime]:
    """All moments whose names begin so, by the rest of their names."""
    return {
        row.key.removeprefix(prefix): datetime.fromisoformat(row.value)
        for row in connection.execute(_named_so(prefix))
        if row.value
    }


@cache
def _named_so(prefix: str) -> Select[str, Any]:
    return select(state.c.key, state.c.value).where(state.c.key.startswith(prefix, autoescape=True))


def put_time(connection: Connection, key: str, at: datetime) -> None:
    """Set a moment."""
    put(connection, key, at.isoformat())


def bump(connection: Connection, key: str) -> int:
    """Count up, from 1; returns the new number."""
    connection.execute(
        insert_for(connection)(state).values(key=key, value=0).on_conflict_do_nothing()
    )
    # Locked: two that count at once on PostgreSQL would both read the same number.
    mine = select(state.c.value).where(state.c.key == key).with_for_update()
    number = int(connection.scalar(mine) or 0) + 1
    put(connection, key, number)
    return number


def take_turn(connection: Connection) -> None:
    """Let whoever else decides something by hand wait until this transaction is over.

    On PostgreSQL two who do the same at once would both find it undone.
    """
    bump(connection, "acts.turn")


def take_turn_about(connection: Connection, user_ids: Iterable[int]) -> None:
    """Let whoever else writes about these users wait until this transaction is over.

    It comes before anything else that is written about them: on PostgreSQL, two that write the same
    rows in another order would each wait for the other. SQLite has one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        for user_id in sorted(set(user_ids)):
            connection.execute(_TURN_ABOUT, {"b_name": f"user:{user_id}"})


_TURN_ABOUT = text("SELECT pg_advisory_xact_lock(hashtextextended(:b_name, 0))")


def run_soon(connection: Connection, name: str) -> None:
    """Have a piece of periodic work done at the next sweep, whenever it was done last."""
    put_time(connection, f"{LAST_RUN}{name}", EPOCH)
