"""The names of the running processes; frees what a dead process held."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from bridge.store.inserts import insert_for
from bridge.store.schema.work import leases, processes


def beat(connection: Connection, name: str) -> None:
    """Report that this process lives, by counting up."""
    statement = insert_for(connection)(processes).values(name=name, beats=1)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[processes.c.name], set_={"beats": processes.c.beats + 1}
        )
    )


def beats(connection: Connection) -> dict[str, int]:
    """How often each process has reported."""
    return {row.name: row.beats for row in connection.execute(select(processes))}


def holders(connection: Connection) -> set[str]:
    """The processes that hold a lease, alive or not."""
    held = select(leases.c.owner).where(leases.c.owner != "").distinct()
    return set(connection.scalars(held))


def leave(connection: Connection, name: str, now: datetime) -> None:
    """Delete a process that has ended, and free its leases.

    If it lives after all, it can no longer write under them.
    """
    connection.execute(delete(processes).where(processes.c.name == name))
    connection.execute(update(leases).where(leases.c.owner == name).values(owner="", until_at=now))
