"""What a member's statement says from the books: gifts, shares by hand, and the ledger code."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    type_coerce,
    union_all,
)

from bridge.core.ledger import seals
from bridge.core.ledger.lines import Booked, GiftLine, SharesByHand
from bridge.store.own import is_own
from bridge.store.schema.columns import UtcTime
from bridge.store.schema.ledger import ledger_lines, ledger_seals, shares_by_hand
from bridge.store.schema.people import customers, users

_L = ledger_lines.c
_SAID = (_L.entry_id, _L.number, _L.kind, _L.at, _L.amount_minor, _L.currency, _L.product_id)
_PERSON = users.alias("person")


def of_member(connection: Connection, user_id: int) -> Booked:
    """The gifts that a member gave and received, and what acts changed in their shares.

    One statement, because few people have any. It covers accounts that were merged into this one.
    Whoever gives anonymously has no name.
    """
    rows = connection.execute(_of_member(), {"b_user": user_id, "b_holder": f"id:{user_id}"}).all()
    chain = rows[0].chain
    return Booked(
        seals.code(chain) if chain else None,
        tuple(_gift(row) for row in rows if row.number and row.person_id != user_id),
        tuple(
            SharesByHand(row.kind, row.entry_id, row.amount_minor, row.product_id)
            for row in rows
            if row.number == 0
        ),
    )


@cache
def _of_member() -> Select[Any]:
    newest = select(ledger_seals.c.chain).order_by(ledger_seals.c.number.desc()).limit(1)
    head = select(newest.scalar_subquery().label("chain")).subquery()
    all_ = union_all(_given(), _received(), _shares()).subquery()
    return (
        select(head.c.chain, all_)
        .select_from(head.outerjoin(all_, true()))
        .order_by(all_.c.at, all_.c.entry_id, all_.c.number)
    )


_USER: BindParameter[int] = bindparam("b_user", type_=BigInteger)


def _gift(row: Row[Any]) -> GiftLine:
    return GiftLine(
        id=f"{row.entry_id}#{row.number}",
        kind=row.kind,
        at=row.at,
        amount_minor=abs(row.amount_minor),
        currency=row.currency,
        product_id=row.product_id,
        person=row.username,
        is_taken_back=(row.amount_minor < 0) == (row.kind == "gift_given"),
    )


def _shares() -> Select[Any]:
    """Shares in the columns of lines, as number 0, which no line has."""
    s, merged = shares_by_hand.c, users.c.successor_id == _USER
    follower = literal("id:") + cast(users.c.user_id, String)
    holders = select(bindparam("b_holder", type_=String)).union_all(
        select(follower).where(merged), _customers_of()
    )
    return select(
        *(s.source_id, literal(0), s.share_class, type_coerce(null(), UtcTime), s["count"]),
        *(literal(""), s.payment_id, null(), null()),
    ).where(s.holder.in_(holders))


def _customers_of() -> Select[str]:
    return select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == _USER)


def _given() -> Select[Any]:
    """The line beside it, of the same entry, names the receiver."""
    received, account = ledger_lines.alias("received"), users.alias("account")
    person_id = func.coalesce(account.c.successor_id, received.c.user_id)
    return (
        select(*_SAID, _PERSON.c.username, person_id.label("person_id"))
        .join(received, _same_entry(received, 1))
        .outerjoin(account, account.c.user_id == received.c.user_id)
        .outerjoin(_PERSON, _PERSON.c.user_id == person_id)
        # Written out, because SQLite uses the index of these lines for no variable.
        .where(_L.customer_id.in_(_customers_of()), _L.kind == literal_column("'gift_given'"))
    )


def _same_entry(other: FromClause, further: int) -> ColumnElement[bool]:
    of = other.c
    same = of.provider == _L.provider, of.account == _L.account, of.entry_id == _L.entry_id
    return and_(*same, of.number == _L.number + further)


def _received() -> Select[Any]:
    """The line before it, of the same entry, has the payer, who is named unless anonymous."""
    merged = select(users.c.user_id).where(users.c.successor_id == _USER)
    given = ledger_lines.alias("given")
    payer = and_(is_own(customers), customers.c.customer_id == given.c.customer_id)
    name = case((_L.customer_id.is_not(None), _PERSON.c.username))
    return (
        select(*_SAID, name.label("username"), customers.c.user_id.label("person_id"))
        .join(given, _same_entry(given, -1))
        .outerjoin(customers, payer)
        .outerjoin(_PERSON, _PERSON.c.user_id == customers.c.user_id)
        .where(_L.user_id.in_(select(_USER).union_all(merged)))
        .where(_L.kind == "gift_received")
    )
