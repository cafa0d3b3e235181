"""The register of shares from what is stored, and what acts by hand change in it for statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from bridge.core.ledger.held_by_hand import Key, held_by_hand
from bridge.core.ledger.line import Line
from bridge.core.ledger.share_register import Impossible, Register, share_register
from bridge.store import ledger, links, registers, statements, users
from bridge.store.engine import Store
from bridge.store.own import is_own
from bridge.store.schema.ledger import ledger_lines, shares_by_hand


def register_within(
    connection: Connection, as_of: datetime, known_at: datetime | None = None
) -> Register:
    """The register of shares from the data of a transaction."""
    acts, booked = registers.acts(connection), ledger.booked_shares(connection)
    return share_register(booked, acts, holder_of(connection), as_of, known_at)


def holder_of(connection: Connection) -> Callable[[Line], str]:
    """The owner of a line, as an id: the user, or the customer if nobody is linked."""
    owners = links.users_of_all(connection)
    successors = users.successors(connection)

    def holder(line: Line) -> str:
        user_id = line.user_id or owners.get(line.customer_id or "")
        user_id = successors.get(user_id or 0, user_id)
        return f"id:{user_id}" if user_id is not None else line.customer_id or "unknown"

    return holder


def note_by_hand(connection: Connection, now: datetime) -> None:
    """Store what the acts change now, and have the statements of those concerned compared.

    Raises: Impossible for an act that cannot be.
    """
    before, after = _before_and_after(connection, now)
    if after == before:
        return
    payments = _payments_of(connection, {source for *_, source in after})
    connection.execute(delete(shares_by_hand))
    names = "holder", "share_class", "source_id", "payment_id", "count"
    rows = [
        dict(zip(names, (*key, payments.get(key[2]), count), strict=True))
        for key, count in after.items()
    ]
    if rows:
        connection.execute(insert(shares_by_hand), rows)
    changed = {key[0] for key, _ in before.items() ^ after.items()}
    known = {int(one.removeprefix("id:")) for one in changed if one.startswith("id:")}
    statements.compare(connection, known, now)


def note_again(store: Store, now: datetime) -> None:
    """The same after shares were booked. Others have to wait for it only where something changed.

    An act that has become impossible shows as before.
    """
    with suppress(Impossible):
        with store.read() as connection:
            before, after = _before_and_after(connection, now)
        if before != after:
            with store.write() as connection:
                note_by_hand(connection, now)


def _before_and_after(
    connection: Connection, now: datetime
) -> tuple[Mapping[Key, int], Mapping[Key, int]]:
    acts, before = registers.acts(connection), _stored(connection)
    if not acts:
        return before, {}
    booked = ledger.booked_shares(connection)
    return before, held_by_hand(booked, acts, holder_of(connection), now)


def _stored(connection: Connection) -> Mapping[Key, int]:
    of = shares_by_hand.c
    rows = connection.execute(select(of.holder, of.share_class, of.source_id, of["count"]))
    return {(holder, share_class, source): count for holder, share_class, source, count in rows}


def _payments_of(connection: Connection, sources: Collection[str]) -> dict[str, str]:
    """Sale -> the payment by which members' purchases name it: of an invoice, or of a charge."""
    of = ledger_lines.c
    found: dict[str, str] = {}
    for by in (of.invoice_id, of.source_id):
        rows = connection.execute(
            select(by.label("sale"), of.payment_id).where(
                is_own(ledger_lines), by.in_(list(sources)), of.payment_id.is_not(None)
            )
        )
        found |= {row.sale: row.payment_id for row in rows}
    return found
