"""The ledger's tables: objects that move money, the lines made of them, and their seals.

One process at a time writes lines (`LEASE`), so that the chain of seals has one order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from cattrs.preconf.json import make_converter
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from bridge.core.ledger import seals
from bridge.core.ledger.line import Line
from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditMove,
    CreditNote,
    Dispute,
    Invoice,
    ManualPayment,
    MoneyObject,
    Order,
    Payout,
    Refund,
)
from bridge.core.ledger.share_register import CLASSES
from bridge.store.schema import customers, ledger_lines, ledger_seals, money_objects
from bridge.store.work import insert_for

LEASE = "ledger"
AT_ONCE = 1000
SHARES = tuple(CLASSES)
# Objects of Stripe's are of the site's own account; what moderators record is of none.
STRIPE, OWN = "stripe", "own"
CONVERTER = make_converter(omit_if_default=True)

KINDS: dict[str, type[MoneyObject]] = {
    "invoice": Invoice,
    "order": Order,
    "charge": Charge,
    "refund": Refund,
    "dispute": Dispute,
    "credit_note": CreditNote,
    "credit_move": CreditMove,
    "balance_move": BalanceMove,
    "payout": Payout,
    "manual": ManualPayment,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_FIELDS = tuple(field.name for field in fields(Line))


# --- objects --------------------------------------------------------------------------------------


def save_objects(connection: Connection, objects: Iterable[MoneyObject], now: datetime) -> int:
    """Keep what was read; returns how many are new or have changed."""
    changed = 0
    for one in objects:
        data = CONVERTER.unstructure(one)
        key = _key(one)
        known = connection.scalar(select(money_objects.c.data).where(_is(key)))
        if known == data:
            continue
        changed += 1
        family, refers_to = _family(one)
        row = {
            "kind": _NAMES[type(one)],
            "family": family,
            "refers_to": refers_to,
            "data": data,
            "read_at": now,
            "pending": True,
        }
        connection.execute(
            insert_for(connection)(money_objects)
            .values(**key, **row)
            .on_conflict_do_update(index_elements=["provider", "account", "id"], set_=row)
        )
    return changed


def _key(one: MoneyObject) -> dict[str, str]:
    provider = "manual" if isinstance(one, ManualPayment) else STRIPE
    return {"provider": provider, "account": OWN, "id": one.id}


def _is(key: dict[str, str]) -> ColumnElement[bool]:
    return and_(*(money_objects.c[name] == value for name, value in key.items()))


def _family(one: MoneyObject) -> tuple[str | None, str | None]:
    """Whose lines an object is told with, or the object that knows: a charge, an invoice."""
    family: str | None = None
    refers_to: str | None = None
    match one:
        case ManualPayment():
            family = f"user:{one.user_id}"
        case Refund() | Dispute():
            refers_to = one.charge_id
        case BalanceMove():
            family, refers_to = (None if one.source_id else one.id), one.source_id
        case Payout():
            family = one.id
        case Order() | Charge():
            family = one.customer_id or one.payment_id
        case _:
            family = one.customer_id
    return family, refers_to


def find_families(connection: Connection) -> None:
    """Give what refers to a charge, refund, dispute or payout the family of that."""
    to = money_objects.alias()
    found = (
        select(to.c.family)
        .where(
            to.c.id == money_objects.c.refers_to,
            to.c.provider == money_objects.c.provider,
            to.c.account == money_objects.c.account,
        )
        .scalar_subquery()
    )
    # A balance transaction refers to a refund, which refers to a charge: two rounds.
    for _ in range(2):
        connection.execute(
            update(money_objects)
            .where(money_objects.c.family.is_(None), money_objects.c.refers_to.is_not(None))
            .values(family=found)
        )
    # What refers to something that is not an object of ours, such as a top-up, is its own family.
    connection.execute(
        update(money_objects)
        .where(money_objects.c.family.is_(None), money_objects.c.kind == "balance_move")
        .values(family=money_objects.c.id)
    )


def pending_families(connection: Connection, limit: int = AT_ONCE) -> list[tuple[str, str, str]]:
    """Provider, account and family of what has no lines yet, or has changed since."""
    columns = (money_objects.c.provider, money_objects.c.account, money_objects.c.family)
    rows = connection.execute(
        select(*columns)
        .where(money_objects.c.pending, money_objects.c.family.is_not(None))
        .distinct()
        .order_by(*columns)
        .limit(limit)
    )
    return [(row.provider, row.account, row.family) for row in rows]


def objects_of(
    connection: Connection, provider: str, account: str, family: str
) -> list[MoneyObject]:
    """All objects of a family."""
    rows = connection.execute(
        select(money_objects.c.kind, money_objects.c.data)
        .where(_of_family(provider, account, family))
        .order_by(money_objects.c.id)
    )
    return [CONVERTER.structure(row.data, KINDS[row.kind]) for row in rows]


def payouts(connection: Connection) -> list[Payout]:
    """All payouts, the oldest first."""
    rows = connection.scalars(
        select(money_objects.c.data)
        .where(money_objects.c.kind == "payout")
        .order_by(money_objects.c.id)
    )
    found = [CONVERTER.structure(data, Payout) for data in rows]
    return sorted(found, key=lambda one: (one.at, one.id))


def moves(connection: Connection, ids: Sequence[str]) -> list[BalanceMove]:
    """The balance transactions of these ids."""
    rows = connection.scalars(select(money_objects.c.data).where(money_objects.c.id.in_(ids)))
    return [CONVERTER.structure(data, BalanceMove) for data in rows]


def _of_family(provider: str, account: str, family: str) -> ColumnElement[bool]:
    columns = money_objects.c
    return and_(columns.provider == provider, columns.account == account, columns.family == family)


# --- lines and seals ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing a family's lines. `differing`: lines that are sealed otherwise."""

    new: int
    differing: tuple[str, ...]


def write_lines(
    connection: Connection,
    provider: str,
    account: str,
    family: str,
    lines: Sequence[Line],
    now: datetime,
) -> Written:
    """Append the lines that are not there, and seal those that were never seen."""
    sealed = _sealed(connection, provider, account, family)
    differing = tuple(
        line.id for line in lines if sealed.get(line.id, seals.digest(line)) != seals.digest(line)
    )
    new = 0
    for line in lines:
        if line.id in differing:
            continue  # what was shown stays; the difference is a finding
        done = connection.execute(
            insert_for(connection)(ledger_lines)
            .values(_row(provider, account, family, line))
            .on_conflict_do_nothing()
        )
        new += done.rowcount
    fresh = [line for line in lines if line.id not in sealed]
    _seal(connection, provider, account, family, fresh, now)
    connection.execute(
        update(money_objects).where(_of_family(provider, account, family)).values(pending=False)
    )
    return Written(new, differing)


def _row(provider: str, account: str, family: str, line: Line) -> dict[str, Any]:
    row = {name: getattr(line, name) for name in _FIELDS if name not in ("id", "account")}
    number = int(line.id.rpartition("#")[2])
    return row | {
        "provider": provider,
        "account": account,
        "family": family,
        "number": number,
        "book": line.account,
    }


def _sealed(connection: Connection, provider: str, account: str, family: str) -> dict[str, str]:
    of = ledger_seals.c
    rows = connection.execute(
        select(of.line_id, of.digest).where(
            of.provider == provider, of.account == account, of.family == family
        )
    )
    return {row.line_id: row.digest for row in rows}


def _seal(
    connection: Connection,
    provider: str,
    account: str,
    family: str,
    lines: Sequence[Line],
    now: datetime,
) -> None:
    of = ledger_seals.c
    chain = site_chain(connection)
    mine = of.family == family
    latest = select(of.family_chain).where(mine).order_by(of.number.desc()).limit(1)
    of_family = connection.scalar(latest) or seals.START
    rows = []
    for line in lines:
        digest = seals.digest(line)
        chain, of_family = seals.link(chain, digest), seals.link(of_family, digest)
        rows.append(
            {
                "provider": provider,
                "account": account,
                "line_id": line.id,
                "family": family,
                "digest": digest,
                "chain": chain,
                "family_chain": of_family,
                "at": now,
            }
        )
    if rows:
        connection.execute(insert(ledger_seals), rows)


def site_chain(connection: Connection) -> str:
    """The head of the site's chain."""
    newest = select(ledger_seals.c.chain).order_by(ledger_seals.c.number.desc()).limit(1)
    return connection.scalar(newest) or seals.START


def member_code(connection: Connection, user_id: int) -> str | None:
    """The short code over all lines of a member, as it stands on their statement."""
    of = ledger_seals.c
    theirs = select(customers.c.customer_id).where(customers.c.user_id == user_id)
    newest = (
        select(func.max(of.number))
        .where(or_(of.family.in_(theirs), of.family == f"user:{user_id}"))
        .group_by(of.family)
    )
    return seals.code_of_member(
        connection.scalars(select(of.family_chain).where(of.number.in_(newest)))
    )


@dataclass(frozen=True, slots=True)
class Seal:
    """One line of the chain, and the digest of the line that is in the ledger now, if any."""

    number: int
    line_id: str
    digest: str
    chain: str
    at: datetime
    line: Line | None


def read_seals(connection: Connection, after: int = 0, limit: int = AT_ONCE) -> list[Seal]:
    """The next seals of the chain, each with its line as it is now."""
    rows = connection.execute(
        select(ledger_seals)
        .where(ledger_seals.c.number > after)
        .order_by(ledger_seals.c.number)
        .limit(limit)
    ).all()
    entries = {row.line_id.rpartition("#")[0] for row in rows}
    now = {
        line.id: line for line in _lines(connection, ledger_lines.c.entry_id.in_(sorted(entries)))
    }
    return [
        Seal(row.number, row.line_id, row.digest, row.chain, row.at, now.get(row.line_id))
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
    about: list[ColumnElement[bool]] = []
    if since is not None:
        about.append(of.at >= since)
    if until is not None:
        about.append(of.at < until)
    if books:
        about.append(of.book.in_(books))
    if user_id is not None:
        theirs = select(customers.c.customer_id).where(customers.c.user_id == user_id)
        about.append(or_(of.user_id == user_id, of.customer_id.in_(theirs)))
    return _lines(connection, *about)


def _lines(connection: Connection, *about: ColumnElement[bool]) -> Iterator[Line]:
    of = ledger_lines.c
    rows = connection.execution_options(yield_per=AT_ONCE).execute(
        select(ledger_lines).where(*about).order_by(of.at, of.entry_id, of.number)
    )
    for row in rows:
        found = {name: getattr(row, name) for name in _FIELDS if name not in ("id", "account")}
        yield Line(id=f"{row.entry_id}#{row.number}", account=row.book, **found)


def balances(connection: Connection, until: datetime | None = None) -> dict[tuple[str, str], int]:
    """What stands on each account of the books, by currency."""
    of = ledger_lines.c
    asked = select(of.book, of.currency, func.sum(of.amount_minor).label("amount"))
    if until is not None:
        asked = asked.where(of.at < until)
    rows = connection.execute(asked.group_by(of.book, of.currency))
    return {(row.book, row.currency): int(row.amount) for row in rows if row.amount}


def accounts(connection: Connection) -> list[str]:
    """Every account of the books that occurs."""
    return list(
        connection.scalars(select(ledger_lines.c.book).distinct().order_by(ledger_lines.c.book))
    )


def currencies(connection: Connection) -> list[str]:
    """Every currency that occurs."""
    currency = ledger_lines.c.currency
    return list(connection.scalars(select(currency).distinct().order_by(currency)))


def first_day(connection: Connection) -> datetime | None:
    """The time of the oldest line."""
    oldest = select(ledger_lines.c.at).order_by(ledger_lines.c.at).limit(1)
    return connection.scalar(oldest)


def drop(connection: Connection) -> None:
    """Forget all lines, and what was read of Stripe; payments by hand and the seals stay."""
    connection.execute(delete(ledger_lines))
    connection.execute(delete(money_objects).where(money_objects.c.provider == STRIPE))
    connection.execute(update(money_objects).values(pending=True))
