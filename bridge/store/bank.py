"""Bank transfers read from files: those assigned to members, and those left to decide."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from bridge.core.ledger.bank_file import BankRow
from bridge.core.model.people import fold
from bridge.store.inserts import insert_for
from bridge.store.schema.ledger import bank_rows
from bridge.store.schema.people import users


def known(connection: Connection, ids: Collection[str]) -> set[str]:
    """The transfers among these that were read before."""
    return set(connection.scalars(select(bank_rows.c.id).where(bank_rows.c.id.in_(ids))))


def keep(connection: Connection, row: BankRow, *, actor: str, now: datetime) -> bool:
    """Keep a transfer that waits for a person; False if it was kept before."""
    done = connection.execute(
        insert_for(connection)(bank_rows)
        .values(
            id=row.id,
            at=row.at,
            amount_minor=row.amount_minor,
            currency=row.currency,
            text=row.text,
            payer=row.payer,
            imported_by=actor,
            imported_at=now,
        )
        .on_conflict_do_nothing()
    )
    return bool(done.rowcount)


def assign(connection: Connection, id_: str, user_id: int, line_id: str) -> None:
    """Record who made a transfer, and delete the bank's details about the payer."""
    connection.execute(
        update(bank_rows)
        .where(bank_rows.c.id == id_)
        .values(user_id=user_id, line_id=line_id, text=None, payer=None)
    )


def ignore(connection: Connection, id_: str, reason: str) -> None:
    """Record that a transfer is not a member's, and why."""
    connection.execute(
        update(bank_rows).where(bank_rows.c.id == id_).values(ignored=reason, text=None, payer=None)
    )


def waiting(connection: Connection, id_: str | None = None) -> list[BankRow]:
    """Transfers that wait for a person, the oldest first; or the one with this id, if it does."""
    of = bank_rows.c
    asked = select(bank_rows).where(of.user_id.is_(None), of.ignored.is_(None))
    if id_ is not None:
        asked = asked.where(of.id == id_)
    return [
        BankRow(row.id, row.at, row.amount_minor, row.currency, row.text or "", row.payer or "")
        for row in connection.execute(asked.order_by(of.at, of.id))
    ]


def users_called(connection: Connection, payer: str) -> list[int]:
    """Users whose full name on the forum is exactly the payer's name at the bank."""
    if not payer.strip():
        return []
    rows = connection.execute(
        select(users.c.user_id, users.c.name).where(users.c.name.is_not(None))
    )
    return [row.user_id for row in rows if fold(row.name) == fold(payer)]
