"""Objects that move money, as last read: invoices, charges, payouts and all between.

Each belongs to a family, whose lines are made together: a customer, a member, or itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cattrs.preconf.json import make_converter
from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

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
from bridge.core.model.account import MANUAL, OWN
from bridge.store.own import columns, is_own
from bridge.store.schema import money_objects
from bridge.store.work import insert_for

AT_ONCE = 1000
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
    return {**columns(MANUAL if isinstance(one, ManualPayment) else OWN), "id": one.id}


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
        .limit(AT_ONCE)
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


def _of_family(provider: str, account: str, family: str) -> ColumnElement[bool]:
    columns = money_objects.c
    return and_(columns.provider == provider, columns.account == account, columns.family == family)


def booked(connection: Connection, provider: str, account: str, family: str) -> None:
    """The lines of a family are made."""
    mine = _of_family(provider, account, family)
    connection.execute(update(money_objects).where(mine).values(pending=False))


def drop(connection: Connection) -> None:
    """Forget what was read of Stripe; payments by hand stay, and wait for their lines."""
    connection.execute(delete(money_objects).where(money_objects.c.provider == OWN.provider))
    connection.execute(update(money_objects).values(pending=True))
