"""What a member's statement says from the books: gifts, and the code that proves all of it."""

from __future__ import annotations

from sqlalchemy import (
    Connection,
    Select,
    and_,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)

from bridge.core.ledger import seals
from bridge.core.ledger.lines import Booked, GiftLine
from bridge.store.own import is_own
from bridge.store.schema.ledger import ledger_lines, ledger_seals
from bridge.store.schema.people import customers, users

_L = ledger_lines.c
_SAID = (_L.entry_id, _L.number, _L.kind, _L.at, _L.amount_minor, _L.currency, _L.product_id)
_PERSON = users.alias("person")


def of_member(connection: Connection, user_id: int) -> Booked:
    """The gifts that a member gave and received, the oldest first, in one statement.

    Also those of accounts that were merged into this one. Whoever gives anonymously has no name.
    """
    newest = select(ledger_seals.c.chain).order_by(ledger_seals.c.number.desc()).limit(1)
    head, gifts = newest.subquery(), union_all(_given(user_id), _received(user_id)).subquery()
    rows = connection.execute(
        select(head.c.chain, gifts)
        .select_from(head.outerjoin(gifts, true()))
        .order_by(gifts.c.at, gifts.c.entry_id, gifts.c.number)
    ).all()
    return Booked(
        seals.code(rows[0].chain) if rows else None,
        tuple(
            GiftLine(
                id=f"{row.entry_id}#{row.number}",
                kind=row.kind,
                at=row.at,
                amount_minor=abs(row.amount_minor),
                currency=row.currency,
                product_id=row.product_id,
                person=row.username,
                is_taken_back=(row.amount_minor < 0) == (row.kind == "gift_given"),
            )
            for row in rows
            if row.entry_id is not None and row.person_id != user_id
        ),
    )


def _given(user_id: int) -> Select[tuple[object, ...]]:
    """The line beside it, of the same entry, names the receiver."""
    mine = select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == user_id)
    received, account = ledger_lines.alias("received"), users.alias("account")
    beside = and_(
        received.c.provider == _L.provider,
        received.c.account == _L.account,
        received.c.entry_id == _L.entry_id,
        received.c.number == _L.number + 1,
    )
    person_id = func.coalesce(account.c.successor_id, received.c.user_id)
    return (
        select(*_SAID, _PERSON.c.username, person_id.label("person_id"))
        .join(received, beside)
        .outerjoin(account, account.c.user_id == received.c.user_id)
        .outerjoin(_PERSON, _PERSON.c.user_id == person_id)
        # Written out, because SQLite uses the index of these lines for no variable.
        .where(_L.customer_id.in_(mine), _L.kind == literal_column("'gift_given'"))
    )


def _received(user_id: int) -> Select[tuple[object, ...]]:
    merged = select(users.c.user_id).where(users.c.successor_id == user_id)
    payer = and_(is_own(customers), customers.c.customer_id == _L.customer_id)
    return (
        select(*_SAID, _PERSON.c.username, customers.c.user_id.label("person_id"))
        .outerjoin(customers, payer)
        .outerjoin(_PERSON, _PERSON.c.user_id == customers.c.user_id)
        .where(_L.user_id.in_(select(literal(user_id)).union_all(merged)))
        .where(_L.kind == "gift_received")
    )
