"""Finds people by a name, an id, a receipt, an amount or a card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, or_, select

from bridge.core.model.people import fold
from bridge.core.telling.asked import Amount
from bridge.store.own import is_ours, is_own
from bridge.store.schema.buying import checkouts
from bridge.store.schema.ledger import ledger_lines, money_lines, money_objects
from bridge.store.schema.people import customers, users
from bridge.store.schema.rights import purchases, subscriptions

MOST = 20
LAST_MOMENT = timedelta(days=1) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Hit:
    """A person who was found, and by what; without a user: a customer linked to nobody."""

    user_id: int | None
    username: str | None
    customer_id: str | None
    by: str


def by_name(connection: Connection, text: str) -> list[Hit]:
    """Users whose name is or begins with this."""
    name = fold(text)
    rows = connection.execute(
        select(users.c.user_id, users.c.username)
        .where(users.c.username.is_not(None), users.c.username.istartswith(name, autoescape=True))
        .order_by(users.c.username)
        .limit(MOST)
    )
    hits = [Hit(row.user_id, row.username, None, "name") for row in rows]
    return sorted(hits, key=lambda hit: (fold(hit.username or "") != name, hit.username or ""))


def by_user_id(connection: Connection, user_id: int) -> list[Hit]:
    """The user with this id, if the bridge knows them."""
    asked = select(users.c.user_id, users.c.username).where(users.c.user_id == user_id)
    return [Hit(row.user_id, row.username, None, "id") for row in connection.execute(asked)]


def by_customers(connection: Connection, ids: list[str], by: str) -> list[Hit]:
    """The users of these customers."""
    return _hits(connection, customers.c.customer_id.in_(ids), by)


def by_stripe_id(connection: Connection, id_: str) -> list[Hit]:
    """The owner of a Stripe object; for a payout, some of the people whose payments it contains."""
    if id_.startswith("cus_"):
        return by_customers(connection, [id_], "customer")
    of, lines = money_lines.c, ledger_lines.c
    sources = _paid_out(connection, id_) if id_.startswith("po_") else [id_]
    # Columns that are empty in most lines are asked only for the ids that they hold: where they
    # are all empty, SQLite would read the whole table for them, or for an account beside them. A
    # line's customer says whose account it is.
    column = {"in": "invoice_id", "pi": "payment_id"}.get(id_.partition("_")[0])
    named = (
        select(subscriptions.c.customer_id).where(is_own(subscriptions), subscriptions.c.id == id_),
        select(of.customer_id).where(of.id == id_),
        select(lines.customer_id).where(or_(lines.source_id.in_(sources), lines.entry_id == id_)),
        select(purchases.c.customer_id).where(
            is_own(purchases), or_(purchases.c.id == id_, purchases.c.id.startswith(f"{id_}:"))
        ),
        *(select(one.customer_id).where(one[column] == id_) for one in (of, lines) if column),
    )
    found = {one for asked in named for one in connection.scalars(asked.limit(MOST)) if one}
    hits = by_customers(connection, sorted(found), "Stripe id") if found else []
    if id_.startswith("cs_"):
        begun = select(checkouts.c.user_id).where(checkouts.c.session_id == id_).limit(MOST)
        for user_id in connection.scalars(begun):
            known = by_user_id(connection, user_id)
            hits += [Hit(one.user_id, one.username, None, "order") for one in known]
    return hits


def _paid_out(connection: Connection, payout_id: str) -> list[str]:
    """What some of the balance transactions of a payout are about."""
    data = connection.scalar(
        select(money_objects.c.data).where(
            is_own(money_objects),
            money_objects.c.id == payout_id,
            money_objects.c.kind == "payout",
        )
    )
    ids = list((data or {}).get("move_ids", ()))[:MOST]
    moves = connection.scalars(
        select(money_objects.c.data).where(is_own(money_objects), money_objects.c.id.in_(ids))
    )
    return [one["source_id"] for one in moves if one.get("source_id")]


def by_amount(connection: Connection, amount: Amount) -> list[Hit]:
    """People who paid exactly this amount, the latest first; on that day, in that currency."""
    of = money_lines.c
    asked: Select[tuple[str | None, int | None]] = (
        select(of.customer_id, of.user_id)
        .where(is_ours(money_lines), of.amount_minor == amount.minor)
        .order_by(of.at.desc())
        .limit(MOST)
    )
    if amount.currency is not None:
        asked = asked.where(of.currency == amount.currency)
    if amount.day is not None:
        begin = datetime.combine(amount.day, time.min, tzinfo=UTC)
        asked = asked.where(of.at.between(begin, begin + LAST_MOMENT))
    rows = connection.execute(asked).all()
    hits = by_customers(connection, [row.customer_id for row in rows if row.customer_id], "amount")
    by_hand = {row.user_id for row in rows if row.user_id is not None}
    if by_hand:
        known = select(users.c.user_id, users.c.username).where(users.c.user_id.in_(by_hand))
        hits += [
            Hit(row.user_id, row.username, None, "amount") for row in connection.execute(known)
        ]
    return list(dict.fromkeys(hits))


def by_receipt(connection: Connection, number: str) -> list[Hit]:
    """The person whose payment by hand has the receipt of this number."""
    of = money_lines.c
    asked = (
        select(users.c.user_id, users.c.username)
        .join(money_lines, of.user_id == users.c.user_id)
        .where(is_ours(money_lines), of.receipt_number == number)
    )
    return [Hit(row.user_id, row.username, None, "receipt") for row in connection.execute(asked)]


def by_card(connection: Connection, last4: str) -> list[Hit]:
    """People who pay with a card or bank account whose number ends like this."""
    return _hits(connection, cast(customers.c.billing, Text).like(f'%"last4": "{last4}"%'), "card")


def _hits(connection: Connection, where: ColumnElement[bool], by: str) -> list[Hit]:
    rows = connection.execute(
        select(customers.c.customer_id, customers.c.user_id, users.c.username)
        .outerjoin(users, users.c.user_id == customers.c.user_id)
        .where(is_own(customers), where)
        .limit(MOST)
    )
    return [Hit(row.user_id, row.username, row.customer_id, by) for row in rows]
