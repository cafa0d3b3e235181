"""Money lines: what members paid and got back, as Stripe or a moderator says.

Append-only as to what moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    bindparam,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.account import MANUAL, OWN
from bridge.core.model.key import Until
from bridge.store.inserts import INSERTS
from bridge.store.older import by_bytes, older
from bridge.store.own import columns, is_of, is_ours, is_own
from bridge.store.schema.ledger import money_lines
from bridge.store.schema.people import customers, users

_MONEY = tuple(MoneyLine.__dataclass_fields__)
# What a line says beside the movement itself. Not the receipt's address: Stripe gives another one
# each time it is asked, and all of them lead to the same page.
_TOLD = (
    *("what", "invoice_id", "payment_id", "subscription_id", "product_id"),
    *("is_first", "discount_minor", "parts"),
)


def save(
    connection: Connection, lines: Iterable[MoneyLine], now: datetime
) -> tuple[MoneyLine, ...]:
    """Append lines, and update the descriptions of existing ones. Returns the new ones.

    Amount, time and owner of a line never change. Its description does: the bridge may hear of a
    charge before the order that it paid, so that the line cannot say yet what was bought.
    """
    read = {one.id: one for one in lines}
    known = _among(connection, read)
    new = []
    for one in read.values():
        before = known.get(one.id)
        if before is None:
            if _append(connection, one, now):
                new.append(one)
        elif any(getattr(before, name) != getattr(one, name) for name in _TOLD):
            told = {name: row for name, row in _row(one).items() if name in _TOLD}
            connection.execute(update(money_lines).where(_is(one.id)).values(**told))
    return tuple(new)


def _among(connection: Connection, ids: Collection[str]) -> dict[str, MoneyLine]:
    if not ids:
        return {}
    rows = connection.execute(
        select(*(money_lines.c[name] for name in _MONEY)).where(
            is_ours(money_lines), money_lines.c.id.in_(ids)
        )
    ).all()
    return {row[0]: MoneyLine(*(*row[:-1], _parts(row[-1]))) for row in rows}


def _append(connection: Connection, one: MoneyLine, now: datetime) -> bool:
    owner = columns(MANUAL if one.recorded_by else OWN)
    new = _appending(connection.dialect.name)
    return bool(connection.execute(new, {**_row(one), **owner, "recorded_at": now}).rowcount)


@cache
def _appending(dialect: str) -> sqlite.Insert | postgresql.Insert:
    return INSERTS[dialect](money_lines).on_conflict_do_nothing()


def _row(one: MoneyLine) -> dict[str, Any]:
    row = asdict(one)
    return row | {"parts": row["parts"] or None}


def _is(line_id: str) -> ColumnElement[bool]:
    return and_(is_ours(money_lines), money_lines.c.id == line_id)


def of_user(connection: Connection, user_id: int) -> tuple[MoneyLine, ...]:
    """All money lines of a user, the oldest first: their customers' lines, and lines by hand.

    Includes lines of accounts that were merged into this one.
    """
    return _read(connection, _of_user(), {"b_user": user_id})


@cache
def _of_user() -> Select[Any]:
    theirs = _theirs(bindparam("b_user", type_=BigInteger))
    return select(theirs).order_by(theirs.c.at, theirs.c.id)


def newest_of_user(
    connection: Connection,
    user_id: int,
    until: Until | None,
    limit: int,
    known_at: datetime | None = None,
) -> tuple[MoneyLine, ...]:
    """The same, the newest first; `known_at`: only lines recorded by then."""
    theirs = _theirs(literal(user_id), known_at)
    id_ = by_bytes(connection, theirs.c.id)
    asked = select(theirs).where(*older(theirs.c.at, id_, until))
    newest = asked.order_by(theirs.c.at.desc(), id_.desc())
    return _read(connection, newest.limit(limit))


def _theirs(user_id: ColumnElement[int], known_at: datetime | None = None) -> Subquery:
    """Both ways to be somebody's apart: PostgreSQL reads the whole table for an OR of them."""
    mine = select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == user_id)
    merged = select(users.c.user_id).where(users.c.successor_id == user_id)
    accounts = select(user_id).union_all(merged)
    lines = money_lines.c
    asked = select(*(lines[name] for name in _MONEY)).where(is_ours(money_lines))
    if known_at is not None:
        asked = asked.where(lines.recorded_at <= known_at)
    by_hand = asked.where(lines.customer_id.is_(None), lines.user_id.in_(accounts))
    return asked.where(lines.customer_id.in_(mine)).union_all(by_hand).subquery()


def _read(
    connection: Connection, asked: Select[Any], told: Mapping[str, Any] | None = None
) -> tuple[MoneyLine, ...]:
    # By position, without names, because there may be thousands.
    rows = connection.execute(asked, told).all()
    return tuple(MoneyLine(*(*row[:-1], _parts(row[-1]))) for row in rows)


def since(
    connection: Connection, user_ids: Collection[int], at: datetime
) -> dict[int, list[MoneyLine]]:
    """User -> their lines since a moment, the oldest first, from Stripe and by hand."""
    of = customers.c
    mine = select(of.customer_id, of.user_id).where(is_own(customers), of.user_id.in_(user_ids))
    owners = {row.customer_id: row.user_id for row in connection.execute(mine)}
    lines = money_lines.c
    rows = connection.execute(
        select(*(lines[name] for name in _MONEY))
        .where(is_ours(money_lines), lines.at >= at)
        .where(or_(lines.customer_id.in_(list(owners)), lines.user_id.in_(user_ids)))
        .order_by(lines.at, lines.id)
    ).all()
    found: dict[int, list[MoneyLine]] = {user_id: [] for user_id in user_ids}
    for row in rows:
        one = MoneyLine(*(*row[:-1], _parts(row[-1])))
        found[owners.get(one.customer_id or "", one.user_id or 0)].append(one)
    return found


def last_paid_of(
    connection: Connection, customer_ids: Collection[str], subscription_ids: Collection[str]
) -> dict[str, MoneyLine]:
    """Subscription -> its last payment, of those of these customers."""
    lines = money_lines.c
    asked = select(*(lines[name] for name in _MONEY)).where(
        is_own(money_lines),
        lines.customer_id.in_(customer_ids),
        lines.subscription_id.in_(subscription_ids),
        lines.kind == "paid",
    )
    found = _read(connection, asked.order_by(lines.at, lines.id))
    return {one.subscription_id: one for one in found if one.subscription_id}


def line(connection: Connection, line_id: str) -> MoneyLine | None:
    """The line of this id."""
    return _among(connection, [line_id]).get(line_id)


def among(connection: Connection, line_ids: Collection[str]) -> set[str]:
    """The ids among these that have a line."""
    asked = select(money_lines.c.id).where(
        is_ours(money_lines), money_lines.c.id.in_(list(line_ids))
    )
    return set(connection.scalars(asked))


def known(connection: Connection, line_ids: Collection[str]) -> set[str]:
    """The lines among these that were recorded."""
    asked = select(money_lines.c.id).where(is_own(money_lines), money_lines.c.id.in_(line_ids))
    return set(connection.scalars(asked))


def by_hand(connection: Connection) -> tuple[MoneyLine, ...]:
    """Every line that somebody recorded by hand, the oldest first."""
    lines = money_lines.c
    asked = select(*(lines[name] for name in _MONEY)).where(
        is_of(money_lines, MANUAL), lines.recorded_by.is_not(None)
    )
    return _read(connection, asked.order_by(lines.at, lines.id))


def _parts(stored: Sequence[Mapping[str, Any]] | None) -> tuple[MoneyPart, ...]:
    return tuple(MoneyPart(**part) for part in stored) if stored else ()
