"""Finds people by what a moderator knows: a name, an id, an amount."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from bridge.core.model.people import fold
from bridge.store.own import is_ours, is_own
from bridge.store.schema import customers, ledger_lines, money_lines, subscriptions, users

MOST = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody who was found, and by what; without a user, a customer who is linked to nobody."""

    user_id: int | None
    username: str | None
    customer_id: str | None
    by: str


def by_name(connection: Connection, text: str) -> list[Hit]:
    """Users whose name is this one, or begins with it."""
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
    """Whose these customers are."""
    return _hits(connection, customers.c.customer_id.in_(ids), by)


def by_stripe_id(connection: Connection, id_: str) -> list[Hit]:
    """Whose an object of Stripe's is: a subscription, invoice, payment, refund or dispute."""
    of, lines = money_lines.c, ledger_lines.c
    named = (
        select(subscriptions.c.customer_id).where(is_own(subscriptions), subscriptions.c.id == id_),
        select(of.customer_id).where(
            is_ours(money_lines), or_(of.id == id_, of.invoice_id == id_, of.payment_id == id_)
        ),
        select(lines.customer_id).where(
            is_ours(ledger_lines),
            or_(
                lines.source_id == id_,
                lines.invoice_id == id_,
                lines.payment_id == id_,
                lines.entry_id == id_,
            ),
        ),
    )
    found = {one for asked in named for one in connection.scalars(asked.limit(MOST)) if one}
    return by_customers(connection, sorted(found), "Stripe id") if found else []


def by_amount(connection: Connection, amount_minor: int) -> list[Hit]:
    """Who paid exactly this, the latest first."""
    asked: Select[tuple[str | None, int | None]] = (
        select(money_lines.c.customer_id, money_lines.c.user_id)
        .where(is_ours(money_lines), money_lines.c.amount_minor == amount_minor)
        .order_by(money_lines.c.at.desc())
        .limit(MOST)
    )
    rows = connection.execute(asked).all()
    hits = by_customers(connection, [row.customer_id for row in rows if row.customer_id], "amount")
    for row in rows:
        if row.user_id is not None:
            hits += [
                Hit(one.user_id, one.username, None, "amount")
                for one in by_user_id(connection, row.user_id)
            ]
    return list(dict.fromkeys(hits))


def _hits(connection: Connection, where: ColumnElement[bool], by: str) -> list[Hit]:
    rows = connection.execute(
        select(customers.c.customer_id, customers.c.user_id, users.c.username)
        .outerjoin(users, users.c.user_id == customers.c.user_id)
        .where(is_own(customers), where)
        .limit(MOST)
    )
    return [Hit(row.user_id, row.username, row.customer_id, by) for row in rows]
