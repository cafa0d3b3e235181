"""Customers at Stripe who are linked to nobody: shown to operators, never guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, Text, cast, or_, select

from bridge.core.model.stripe import Purchase, Subscription
from bridge.store.figures import GOES_ON
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema import customers, purchases, subscriptions

NOT_LINKED = (
    is_own(customers),
    customers.c.user_id.is_(None),
    customers.c.deleted_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A customer without a user, with everything that was ever read for them."""

    customer_id: str
    first_seen_at: datetime
    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] = ()

    @property
    def bought(self) -> Iterator[tuple[str, str]]:
        """The price and the product of each item and each order."""
        for subscription in self.subscriptions:
            for item in subscription.items:
                yield item.price_id, item.product_id
        for purchase in self.purchases:
            yield purchase.price_id, purchase.product_id


def orphans(connection: Connection) -> list[Orphan]:
    """All of them that still exist at Stripe, the longest known first."""
    rows = connection.execute(
        select(customers.c.customer_id, customers.c.first_seen_at)
        .where(*NOT_LINKED)
        .order_by(customers.c.first_seen_at, customers.c.customer_id)
    ).all()
    running = _by_customer(connection.execute(_of_nobody(subscriptions)))
    bought = _by_customer(connection.execute(_of_nobody(purchases)))
    return [
        Orphan(
            row.customer_id,
            row.first_seen_at,
            tuple(CONVERTER.structure(one, Subscription) for one in running[row.customer_id]),
            tuple(CONVERTER.structure(one, Purchase) for one in bought[row.customer_id]),
        )
        for row in rows
    ]


def paying_orphans(connection: Connection, stripe_ids: Collection[str]) -> list[Orphan]:
    """Those with a subscription that goes on or an order, of these prices or products.

    An account may have many customers of something else: they are left out by the database. What
    is a gift to a member is not looked for either: it counts for that member already.
    """
    if not stripe_ids:
        return []
    running = connection.execute(
        _of_nobody(subscriptions).where(GOES_ON, _about(subscriptions, stripe_ids))
    )
    bought = connection.execute(_of_nobody(purchases).where(_about(purchases, stripe_ids)))
    found: dict[str, Orphan] = {}
    for row in (*running, *bought):
        before = found.get(row.customer_id, Orphan(row.customer_id, row.first_seen_at))
        is_order = "paid_at" in row.data
        found[row.customer_id] = Orphan(
            row.customer_id,
            row.first_seen_at,
            before.subscriptions
            if is_order
            else (*before.subscriptions, CONVERTER.structure(row.data, Subscription)),
            (*before.purchases, CONVERTER.structure(row.data, Purchase))
            if is_order
            else before.purchases,
        )
    return list(found.values())


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
