"""Customers at Stripe without a user: shown to operators, never matched by a guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    and_,
    cast,
    or_,
    select,
    update,
)

from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.telling.unlinked import Orphan
from bridge.store.figures import GOES_ON
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases, subscriptions

NOT_LINKED = (
    is_own(customers),
    customers.c.user_id.is_(None),
    customers.c.deleted_at.is_(None),
)
WAITS = (*NOT_LINKED, customers.c.set_aside.is_(None))
"""SQL: they wait for a moderator; nobody has set them aside."""
SET_ASIDE = (*NOT_LINKED, customers.c.set_aside.is_not(None))
"""SQL: a moderator has set them aside."""


def orphans(
    connection: Connection,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int | None = None,
    set_aside: bool = False,
) -> list[Orphan]:
    """Customers that still exist at Stripe, the longest known first; all without a limit."""
    seen, id_ = customers.c.first_seen_at, customers.c.customer_id
    which = SET_ASIDE if set_aside else WAITS
    asked = select(id_, seen, customers.c.set_aside).where(*which).order_by(seen, id_).limit(limit)
    if after:
        asked = asked.where(or_(seen > after[0], and_(seen == after[0], id_ > after[1])))
    rows = connection.execute(asked).all()
    theirs = [id_.in_([row.customer_id for row in rows])] if limit else []
    running = _by_customer(connection.execute(_of_nobody(subscriptions).where(*theirs)))
    bought = _by_customer(connection.execute(_of_nobody(purchases).where(*theirs)))
    return [
        Orphan(
            row.customer_id,
            row.first_seen_at,
            tuple(CONVERTER.structure(one, Subscription) for one in running[row.customer_id]),
            tuple(CONVERTER.structure(one, Purchase) for one in bought[row.customer_id]),
            row.set_aside,
        )
        for row in rows
    ]


def payer(connection: Connection, customer_id: str) -> tuple[Orphan, int | None] | None:
    """A customer with everything that was read for them, and their user; None if never seen."""
    of = customers.c
    asked = select(of.first_seen_at, of.set_aside, of.user_id)
    row = connection.execute(
        asked.where(is_own(customers), of.customer_id == customer_id)
    ).one_or_none()
    if row is None:
        return None

    def theirs(table: Table) -> Sequence[Any]:
        mine = (is_own(table), table.c.customer_id == customer_id)
        return connection.scalars(select(table.c.data).where(*mine).order_by(table.c.id)).all()

    found = Orphan(
        customer_id,
        row.first_seen_at,
        tuple(CONVERTER.structure(one, Subscription) for one in theirs(subscriptions)),
        tuple(CONVERTER.structure(one, Purchase) for one in theirs(purchases)),
        row.set_aside,
    )
    return found, row.user_id


def waits(connection: Connection, customer_id: str, *, is_aside: bool) -> bool:
    """Whether a customer waits to be linked, or was set aside."""
    which = SET_ASIDE if is_aside else WAITS
    asked = select(customers.c.customer_id).where(customers.c.customer_id == customer_id, *which)
    return connection.scalar(asked) is not None


def set_aside(connection: Connection, customer_id: str, why: str | None) -> bool:
    """Set a payer aside for a reason, or put them back on the list; False if nothing changed."""
    is_so = customers.c.set_aside.is_not(None) if why is None else customers.c.set_aside.is_(None)
    done = connection.execute(
        update(customers)
        .where(customers.c.customer_id == customer_id, *NOT_LINKED, is_so)
        .values(set_aside=why)
    )
    return bool(done.rowcount)


def paying_orphans(connection: Connection, stripe_ids: Collection[str]) -> list[Orphan]:
    """Customers with a continuing subscription or a valid order for these prices or products.

    The database leaves out customers of other things, because there may be many, and gifts to a
    member, because they already count for that member.
    """
    if not stripe_ids:
        return []
    waits = customers.c.set_aside.is_(None)
    running = connection.execute(
        _of_nobody(subscriptions).where(waits, GOES_ON, _about(subscriptions, stripe_ids))
    )
    bought = connection.execute(_of_nobody(purchases).where(waits, _about(purchases, stripe_ids)))
    found: dict[str, Orphan] = {}
    for row in running:
        one = found.setdefault(row.customer_id, Orphan(row.customer_id, row.first_seen_at))
        more = CONVERTER.structure(row.data, Subscription)
        found[row.customer_id] = replace(one, subscriptions=(*one.subscriptions, more))
    for row in bought:
        order = CONVERTER.structure(row.data, Purchase)
        if not order.is_given_back:
            one = found.setdefault(row.customer_id, Orphan(row.customer_id, row.first_seen_at))
            found[row.customer_id] = replace(one, purchases=(*one.purchases, order))
    return list(found.values())


@cache
def _of_nobody(table: Table) -> Select[Any]:
    return (
        select(customers.c.customer_id, customers.c.first_seen_at, table.c.data)
        .join(table, table.c.customer_id == customers.c.customer_id)
        .where(*NOT_LINKED, is_own(table), table.c.beneficiary_id.is_(None))
        .order_by(customers.c.first_seen_at, table.c.id)
    )


def _about(table: Table, stripe_ids: Collection[str]) -> ColumnElement[bool]:
    text = cast(table.c.data, Text)
    return or_(*(text.contains(f'"{one}"', autoescape=True) for one in sorted(stripe_ids)))


def _by_customer(rows: Iterable[Row[Any]]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.customer_id].append(row.data)
    return found
