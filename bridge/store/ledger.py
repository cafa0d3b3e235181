"""The ledger's lines, built from the objects that move money, and the seals that prove them.

One process at a time writes lines (`LEASE`), so that the chain of seals has one order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from bridge.core.ledger import seals
from bridge.core.ledger.line import Line, entry_of
from bridge.core.ledger.share_register import CLASSES, BookedShare
from bridge.core.model.account import Account
from bridge.store import seal_chain
from bridge.store.inserts import insert_for
from bridge.store.own import columns, is_of, is_own
from bridge.store.schema.columns import moment
from bridge.store.schema.ledger import ledger_lines, ledger_seals, money_objects
from bridge.store.schema.people import customers, users

LEASE = "ledger"
AT_ONCE = 1000
MOST_DIGITS = 9
SHARES = tuple(CLASSES)
_FIELDS = tuple(field.name for field in fields(Line))
# A line's fields without its id, in order; the account is called `book` here.
_COLUMNS = tuple(
    ledger_lines.c["book" if name == "account" else name] for name in _FIELDS if name != "id"
)


Made = Mapping[str, Sequence[Line]]
"""Lines by the family to which they belong."""


def write_lines(
    connection: Connection, account: Account, made: Made, sealed: seal_chain.Sealed, now: datetime
) -> int:
    """Append the lines that are missing, and seal the new ones; returns how many were missing."""
    rows: list[dict[str, Any]] = []
    fresh: list[dict[str, Any]] = []
    for family, lines in made.items():
        known = sealed.get(family, {})
        of = {**columns(account), "family": family}
        for line in lines:
            rows.append(of | _row(line))
            if line.id not in known:
                fresh.append(of | {"line_id": line.id, "digest": seals.digest(line), "at": now})
    seal_chain.append(connection, fresh)
    return _append(connection, rows)


def _append(connection: Connection, rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    new = insert_for(connection)(ledger_lines).on_conflict_do_nothing()
    return connection.execute(new, rows).rowcount


def _row(line: Line) -> dict[str, Any]:
    row = {name: getattr(line, name) for name in _FIELDS if name not in ("id", "account")}
    return row | {"number": int(line.id.rpartition("#")[2]), "book": line.account}


def lines_of_entries(
    connection: Connection, account: Account, entry_ids: Collection[str]
) -> list[Line]:
    """The lines of these entries as they are now, entry by entry."""
    ids = sorted(entry_ids)
    found: list[Line] = []
    for first in range(0, len(ids), AT_ONCE):
        some = ledger_lines.c.entry_id.in_(ids[first : first + AT_ONCE])
        found += _lines(connection, is_of(ledger_lines, account), some)
    return found


def drop_lines(
    connection: Connection, account: Account, families: Collection[str], kept: Collection[str]
) -> None:
    """Delete the lines of these families that are about to be made again, all but some entries."""
    of = ledger_lines.c
    theirs = and_(is_of(ledger_lines, account), of.family.in_(families))
    connection.execute(delete(ledger_lines).where(theirs, of.entry_id.not_in(sorted(kept))))


def families_without_objects(connection: Connection) -> list[str]:
    """Families with lines that nothing read from Stripe explains any more."""
    o, of = money_objects.c, ledger_lines.c
    same = and_(o.provider == of.provider, o.account == of.account, o.family == of.family)
    wanted = select(of.family).where(is_own(ledger_lines), ~exists().where(same))
    return list(connection.scalars(wanted.distinct().order_by(of.family)))


def _customers_of(user_id: int) -> Select[tuple[str]]:
    return select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == user_id)


def _of_user(user_id: int) -> ColumnElement[bool]:
    """Of accounts that were merged into this one, too."""
    of, same = ledger_lines.c, select(users.c.user_id).where(users.c.successor_id == user_id)
    mine = or_(of.user_id == user_id, of.user_id.in_(same))
    return or_(mine, of.customer_id.in_(_customers_of(user_id)))


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the site's chain and of its family's, and the line as it is now, if any."""

    number: int
    line_id: str
    family: str
    digest: str
    chain: str
    family_chain: str
    line: Line | None


def read_seals(connection: Connection, after: int = 0, limit: int = AT_ONCE) -> list[Seal]:
    """The next seals of the chain, each with its line as it is now."""
    rows = connection.execute(
        select(ledger_seals)
        .where(ledger_seals.c.number > after)
        .order_by(ledger_seals.c.number)
        .limit(limit)
    ).all()
    entries = {entry_of(row.line_id) for row in rows}
    now = {
        line.id: line for line in _lines(connection, ledger_lines.c.entry_id.in_(sorted(entries)))
    }
    return [
        Seal(
            number=row.number,
            line_id=row.line_id,
            family=row.family,
            digest=row.digest,
            chain=row.chain,
            family_chain=row.family_chain,
            line=now.get(row.line_id),
        )
        for row in rows
    ]


def read_lines(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    user_id: int | None = None,
    books: Sequence[str] = (),
) -> Iterator[Line]:
    """Lines in order of their time and entry, streamed; of a period, a member, some accounts."""
    of = ledger_lines.c
    about = _within(since, until)
    if books:
        about.append(of.book.in_(books))
    if user_id is not None:
        about.append(_of_user(user_id))
    return _lines(connection, *about)


def lines_by_account(
    connection: Connection, since: datetime | None, until: datetime | None
) -> Iterator[tuple[Account, Line]]:
    """The lines of a period, in the same order, each with the provider and account it is from."""
    return _with_account(connection, *_within(since, until))


def _within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    at = ledger_lines.c.at
    after = [] if since is None else [at >= since]
    return after if until is None else [*after, at < until]


def newest_of_user(
    connection: Connection, user_id: int, before: str | None, limit: int
) -> list[Line]:
    """A member's lines, the newest entry first, older than the line `before`."""
    of = ledger_lines.c
    about = _of_user(user_id)
    if before is not None:
        last = line_of_user(connection, user_id, before)
        if last is None:
            return []
        place = tuple_(of.at, of.entry_id, of.number)
        known = moment(last.at), literal(last.entry_id), literal(_number_of(before))
        about = and_(about, place < tuple_(*known))
    rows = connection.execute(
        select(of.number, *_COLUMNS)
        .where(about)
        .order_by(of.at.desc(), of.entry_id.desc(), of.number.desc())
        .limit(limit)
    )
    return [Line(f"{row.entry_id}#{row.number}", *row[1:]) for row in rows]


def _number_of(line_id: str) -> int:
    """The last part of a line's id; 0, which no line has, for an invalid id."""
    said = line_id.rpartition("#")[2]
    return int(said) if said.isascii() and said.isdecimal() and len(said) < MOST_DIGITS else 0


def line_of_user(connection: Connection, user_id: int, line_id: str) -> Line | None:
    """A line of this id, if it is about this member."""
    of = ledger_lines.c
    its = and_(of.entry_id == entry_of(line_id), of.number == _number_of(line_id))
    row = connection.execute(
        select(of.number, *_COLUMNS).where(its, _of_user(user_id)).limit(1)
    ).one_or_none()
    return None if row is None else Line(f"{row.entry_id}#{row.number}", *row[1:])


def _lines(connection: Connection, *about: ColumnElement[bool]) -> Iterator[Line]:
    return (line for _, line in _with_account(connection, *about))


def _with_account(
    connection: Connection, *about: ColumnElement[bool]
) -> Iterator[tuple[Account, Line]]:
    of = ledger_lines.c
    rows = connection.execute(
        select(of.provider, of.account, of.number, *_COLUMNS)
        .where(*about)
        .order_by(of.at, of.entry_id, of.number)
        .execution_options(yield_per=AT_ONCE)
    )
    for row in rows:
        yield Account(*row[:2]), Line(f"{row.entry_id}#{row.number}", *row[3:])


def booked_shares(connection: Connection) -> Iterator[BookedShare]:
    """Lines on the accounts of shares, in the order in which they were first booked."""
    of, seal = ledger_lines.c, ledger_seals.c
    its = and_(
        seal.provider == of.provider,
        seal.account == of.account,
        seal.line_id == of.entry_id + "#" + cast(of.number, String),
    )
    # Looked up for each line, not joined: SQLite would go through all lines for each seal.
    known_at = select(seal.at).where(its).correlate(ledger_lines).scalar_subquery()
    place = select(seal.number).where(its).correlate(ledger_lines).scalar_subquery()
    rows = connection.execute(
        select(known_at.label("known_at"), of.number, *_COLUMNS)
        .where(of.book.in_(SHARES), place.is_not(None))
        .order_by(place)
        .execution_options(yield_per=AT_ONCE)
    )
    for row in rows:
        yield BookedShare(row.known_at, Line(f"{row.entry_id}#{row.number}", *row[2:]))


def balances(connection: Connection, until: datetime | None = None) -> dict[tuple[str, str], int]:
    """The balance of each account of the books, by currency."""
    of = ledger_lines.c
    asked = select(of.book, of.currency, func.sum(of.amount_minor).label("amount"))
    if until is not None:
        asked = asked.where(of.at < until)
    rows = connection.execute(asked.group_by(of.book, of.currency))
    return {(row.book, row.currency): int(row.amount) for row in rows if row.amount}


def accounts(connection: Connection) -> list[str]:
    """Every account that has lines."""
    return list(
        connection.scalars(select(ledger_lines.c.book).distinct().order_by(ledger_lines.c.book))
    )


def currencies(connection: Connection) -> list[str]:
    """Every currency that has lines."""
    currency = ledger_lines.c.currency
    return list(connection.scalars(select(currency).distinct().order_by(currency)))


def first_day(connection: Connection) -> datetime | None:
    """The time of the oldest line."""
    oldest = select(ledger_lines.c.at).order_by(ledger_lines.c.at).limit(1)
    return connection.scalar(oldest)
