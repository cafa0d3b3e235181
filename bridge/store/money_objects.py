"""Objects that move money, as last read: invoices, charges, payouts and all between.

Each belongs to a family whose lines are made together: a customer, a member, or the object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from cattrs.preconf.json import make_converter
from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditMove,
    CreditNote,
    Dispute,
    Gift,
    Invoice,
    ManualPayment,
    MoneyObject,
    Order,
    Payout,
    Refund,
)
from bridge.core.model.account import MANUAL, OWN, Account
from bridge.store.inserts import insert_for
from bridge.store.own import columns, is_of, is_own
from bridge.store.schema.ledger import money_objects

AT_ONCE = 1000
# Their lines are written in one transaction, and other writers wait for it.
FAMILIES_AT_ONCE = 100
# Their lines are looked up together, and SQLite takes 32,766 values in a statement.
DOCUMENTS_AT_ONCE = 200
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
    "gift": Gift,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_KEY = ["provider", "account", "id"]
_Key = tuple[Account, str]


def save_objects(connection: Connection, objects: Iterable[MoneyObject], now: datetime) -> int:
    """Store what was read; returns how many objects are new or have changed."""
    rows = {(account_of(one), one.id): _row(one, now) for one in objects}
    known = _data_of(connection, rows)
    # In a fixed order, because readings of members and ledger passes write the same invoices.
    changed = [rows[key] for key in sorted(rows) if known.get(key) != rows[key]["data"]]
    if changed:
        new = insert_for(connection)(money_objects)
        said = {name: new.excluded[name] for name in changed[0] if name not in _KEY}
        connection.execute(new.on_conflict_do_update(index_elements=_KEY, set_=said), changed)
    return len(changed)


def account_of(one: MoneyObject) -> Account:
    """Whose object it is: Stripe's account's, or the moderators' own records."""
    return MANUAL if isinstance(one, ManualPayment) else OWN


def _row(one: MoneyObject, now: datetime) -> dict[str, Any]:
    family, refers_to = _family(one)
    return {
        **columns(account_of(one)),
        "id": one.id,
        "kind": _NAMES[type(one)],
        "family": family,
        "refers_to": refers_to,
        "data": CONVERTER.unstructure(one),
        "read_at": now,
        "pending": True,
    }


def _data_of(connection: Connection, keys: Iterable[_Key]) -> dict[_Key, Any]:
    """The stored data of these objects, as far as they are known."""
    o = money_objects.c
    found: dict[_Key, Any] = {}
    for account, of_account in groupby(sorted(keys), key=lambda key: key[0]):
        ids = [id_ for _, id_ in of_account]
        for first in range(0, len(ids), AT_ONCE):
            some = o.id.in_(ids[first : first + AT_ONCE])
            rows = connection.execute(
                select(o.id, o.data).where(is_of(money_objects, account), some)
            )
            found |= {(account, row.id): row.data for row in rows}
    return found


def _family(one: MoneyObject) -> tuple[str | None, str | None]:
    """The family of an object, or the object that determines it: a charge, an invoice."""
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
        case Order() | Charge() | Gift():
            family = one.customer_id or one.payment_id
        case _:
            family = one.customer_id
    return family, refers_to


def known(connection: Connection, ids: Collection[str]) -> set[str]:
    """The Stripe ids among these that were ever read."""
    mine = (money_objects.c.provider == OWN.provider, money_objects.c.id.in_(list(ids)))
    return set(connection.scalars(select(money_objects.c.id).where(*mine)))


def gifts(connection: Connection, ids: Collection[str]) -> dict[str, Gift]:
    """The gifts of these ids that are recorded."""
    some = is_own(money_objects), money_objects.c.id.in_(list(ids))
    rows = connection.execute(select(money_objects.c.id, money_objects.c.data).where(*some))
    return {row.id: CONVERTER.structure(row.data, Gift) for row in rows}


def recorded_gifts(connection: Connection) -> set[str]:
    """The ids of all gifts that are recorded."""
    o = money_objects.c
    by_name = is_own(money_objects), o.id >= "gift:", o.id < "gift;"
    return set(connection.scalars(select(o.id).where(*by_name)))


def is_gift_waiting(connection: Connection, since: datetime) -> bool:
    """Whether a gift that was recorded before a time is not in the books yet."""
    o = money_objects.c
    waits = select(o.id).where(o.pending, o.kind == "gift", o.read_at <= since)
    return connection.execute(waits.limit(1)).first() is not None


def around(connection: Connection, found: Iterable[MoneyObject]) -> list[MoneyObject]:
    """The families that new objects belong to or refer to, as far as they are known."""
    read = list(found)
    placed = [_family(one) for one in read]
    refers_to = [to for _, to in placed if to]
    families = {family for family, _ in placed if family}
    families |= set(
        connection.scalars(
            select(money_objects.c.family).where(
                money_objects.c.provider == OWN.provider,
                money_objects.c.id.in_(refers_to),
                money_objects.c.family.is_not(None),
            )
        )
    )
    rows = connection.execute(
        select(money_objects.c.kind, money_objects.c.data).where(
            money_objects.c.provider == OWN.provider, money_objects.c.family.in_(families)
        )
    )
    return [CONVERTER.structure(row.data, KINDS[row.kind]) for row in rows]


def that_moved_credit(
    connection: Connection, customer_ids: Iterable[str]
) -> dict[str, list[MoneyObject]]:
    """What is known about customers' credit: movements, and invoices and notes that name some."""
    found: dict[str, list[MoneyObject]] = {}
    for row in connection.execute(_moved_credit(), {"b_customers": list(customer_ids)}):
        found.setdefault(row.family, []).append(CONVERTER.structure(row.data, KINDS[row.kind]))
    return found


@cache
def _moved_credit() -> Select[Any]:
    o = money_objects.c
    names_credit = or_(
        o.kind == "credit_move",
        and_(o.kind == "invoice", o.data["credit_minor"].as_string().is_not(None)),
        and_(o.kind == "credit_note", o.data["credit_id"].as_string().is_not(None)),
    )
    theirs: BindParameter[str] = bindparam("b_customers", expanding=True)
    return select(o.family, o.kind, o.data).where(
        is_own(money_objects), o.family.in_(theirs), names_credit
    )


def find_families(connection: Connection, *, is_whole: bool = True) -> None:
    """Give objects that refer to a charge, refund, dispute or payout the family of that object.

    `is_whole`: everything was read, so an object that is missing is not ours.
    """
    # A balance transaction refers to a refund, which refers to a charge: two rounds.
    for _ in range(2):
        connection.execute(_FAMILY_OF_THE_OTHER)
    if is_whole:
        connection.execute(_OWN_FAMILY)


_TO = money_objects.alias()
# Payments by hand have one. With the account, it is found by an index.
_HAS_NONE = and_(is_own(money_objects), money_objects.c.family.is_(None))
_FAMILY_OF_THE_OTHER = (
    update(money_objects)
    .where(_HAS_NONE, money_objects.c.refers_to.is_not(None))
    .values(
        family=select(_TO.c.family)
        .where(
            _TO.c.id == money_objects.c.refers_to,
            _TO.c.provider == money_objects.c.provider,
            _TO.c.account == money_objects.c.account,
        )
        .scalar_subquery()
    )
)
# An object that refers to something that is not ours, such as a top-up, is its own family.
_OWN_FAMILY = (
    update(money_objects)
    .where(_HAS_NONE, money_objects.c.kind == "balance_move")
    .values(family=money_objects.c.id)
)


Family = tuple[Account, str]
"""An account, and the family's own name."""


def pending_families(
    connection: Connection,
    after: Family | None = None,
    limit: int = FAMILIES_AT_ONCE,
    *,
    of: Account | None = None,
) -> list[Family]:
    """Families without lines, or changed since; in order, after the one named; `of` an account."""
    columns = (money_objects.c.provider, money_objects.c.account, money_objects.c.family)
    wanted = select(*columns).where(money_objects.c.pending, money_objects.c.family.is_not(None))
    if of is not None:
        wanted = wanted.where(is_of(money_objects, of))
    if after is not None:
        account, family = after
        wanted = wanted.where(tuple_(*columns) > (*account, family))
    rows = connection.execute(wanted.distinct().order_by(*columns).limit(limit))
    return [(Account(row.provider, row.account), row.family) for row in rows]


def objects_of(
    connection: Connection, account: Account, families: Sequence[str]
) -> dict[str, list[MoneyObject]]:
    """All objects of some families, locked until this transaction ends."""
    o = money_objects.c
    rows = connection.execute(
        select(o.kind, o.family, o.data)
        .where(is_of(money_objects, account), o.family.in_(families))
        # By its id alone, SQLite would go through all objects of the account for each family.
        .order_by(o.family, o.id)
        .with_for_update()
    )
    found: dict[str, list[MoneyObject]] = {}
    for row in rows:
        found.setdefault(row.family, []).append(CONVERTER.structure(row.data, KINDS[row.kind]))
    return found


@dataclass(frozen=True, slots=True)
class Documents:
    """A page of invoices and orders, with the charges that may have paid the orders."""

    objects: tuple[MoneyObject, ...]
    last_id: str


def documents(
    connection: Connection, *, after: str = "", among: Sequence[str] | None = None
) -> Documents | None:
    """The next page of invoices and orders by their ids, or those of these ids; None: no more."""
    o = money_objects.c
    which = o.id > after if among is None else o.id.in_(among)
    rows = connection.execute(
        select(o.id, o.kind, o.family, o.data)
        .where(is_own(money_objects), o.kind.in_(("invoice", "order")), which)
        .order_by(o.id)
        .limit(DOCUMENTS_AT_ONCE)
    ).all()
    if not rows:
        return None
    payers = {row.family for row in rows if row.kind == "order"}
    charges = connection.scalars(
        select(o.data).where(is_own(money_objects), o.kind == "charge", o.family.in_(payers))
    )
    objects: list[MoneyObject] = [CONVERTER.structure(data, Charge) for data in charges]
    objects += [
        CONVERTER.structure(row.data, KINDS[row.kind])
        for row in rows
        if row.kind == "order" or row.data["status"] == "paid"
    ]
    return Documents(tuple(objects), rows[-1].id)


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


def booked(connection: Connection, account: Account, ids: Sequence[str]) -> None:
    """Mark these objects' lines as made; objects that arrived meanwhile still wait."""
    mine = is_of(money_objects, account)
    for first in range(0, len(ids), AT_ONCE):
        some = money_objects.c.id.in_(ids[first : first + AT_ONCE])
        connection.execute(update(money_objects).where(mine, some).values(pending=False))


def drop(connection: Connection) -> None:
    """Delete what was read from Stripe, so that all of it waits to be read and booked again.

    Payments by hand and the receivers of gifts stay: they are the bridge's own records. So do moves
    of credit: Stripe never changes them, and does not list those of a customer who was deleted.
    """
    o = money_objects.c
    read_again = and_(o.provider == OWN.provider, o.kind.not_in(("credit_move", "gift")))
    connection.execute(delete(money_objects).where(read_again))
    connection.execute(update(money_objects).values(pending=True))
