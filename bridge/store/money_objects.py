"""Objects that move money, as last read: invoices, charges, payouts and all between.

Each belongs to a family, whose lines are made together: a customer, a member, or itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cattrs.preconf.json import make_converter
from sqlalchemy import ColumnElement, Connection, and_, delete, select, tuple_, update

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
from bridge.store.schema.ledger import money_objects
from bridge.store.work import insert_for

AT_ONCE = 1000
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
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def save_objects(connection: Connection, objects: Iterable[MoneyObject], now: datetime) -> int:
    """Keep what was read; returns how many are new or have changed."""
    changed = 0
    # In one order: the readings of members and the passes of the ledger write the same invoices.
    for one in sorted(objects, key=lambda one: one.id):
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


def known(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of these ids of Stripe's that were ever read."""
    mine = (money_objects.c.provider == OWN.provider, money_objects.c.id.in_(list(ids)))
    return set(connection.scalars(select(money_objects.c.id).where(*mine)))


def around(connection: Connection, found: Iterable[MoneyObject]) -> list[MoneyObject]:
    """What is known of the families that new objects belong to, or refer to."""
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


def credit_of(connection: Connection, customer_id: str) -> int:
    """What the known moves of a customer's credit add up to, in whichever currency it is."""
    rows = connection.scalars(
        select(money_objects.c.data).where(
            _of_family(*OWN, customer_id), money_objects.c.kind == "credit_move"
        )
    )
    return sum(int(data["amount_minor"]) for data in rows)


def find_families(connection: Connection, *, is_whole: bool = True) -> None:
    """Give what refers to a charge, refund, dispute or payout the family of that.

    `is_whole`: everything was read, so what is not there is no object of ours.
    """
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
    if not is_whole:
        return
    # What refers to something that is not an object of ours, such as a top-up, is its own family.
    connection.execute(
        update(money_objects)
        .where(money_objects.c.family.is_(None), money_objects.c.kind == "balance_move")
        .values(family=money_objects.c.id)
    )


Family = tuple[str, str, str]
"""Provider, account, and the family's own name."""


def pending_families(
    connection: Connection, after: Family | None = None, limit: int = AT_ONCE
) -> list[Family]:
    """What has no lines yet, or has changed since; in order, after the one that is named."""
    columns = (money_objects.c.provider, money_objects.c.account, money_objects.c.family)
    wanted = select(*columns).where(money_objects.c.pending, money_objects.c.family.is_not(None))
    if after is not None:
        wanted = wanted.where(tuple_(*columns) > after)
    rows = connection.execute(wanted.distinct().order_by(*columns).limit(limit))
    return [(row.provider, row.account, row.family) for row in rows]


def objects_of(
    connection: Connection, provider: str, account: str, family: str
) -> list[MoneyObject]:
    """All objects of a family; nobody changes them until this transaction ends."""
    rows = connection.execute(
        select(money_objects.c.kind, money_objects.c.data)
        .where(_of_family(provider, account, family))
        .order_by(money_objects.c.id)
        .with_for_update()
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


def _of_family(provider: str, account: str, family: str) -> ColumnElement[bool]:
    columns = money_objects.c
    return and_(columns.provider == provider, columns.account == account, columns.family == family)


def booked(connection: Connection, provider: str, account: str, ids: Sequence[str]) -> None:
    """The lines of these objects are made; one that came in meanwhile still waits for its own."""
    columns = money_objects.c
    mine = (columns.provider == provider, columns.account == account)
    for first in range(0, len(ids), AT_ONCE):
        some = columns.id.in_(ids[first : first + AT_ONCE])
        connection.execute(update(money_objects).where(*mine, some).values(pending=False))


def drop(connection: Connection) -> None:
    """Forget what was read of Stripe; payments by hand stay, and wait for their lines."""
    connection.execute(delete(money_objects).where(money_objects.c.provider == OWN.provider))
    connection.execute(update(money_objects).values(pending=True))
