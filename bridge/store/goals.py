"""The figures behind goals: members of groups, and payments for a product."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Table, Text, cast, distinct, func, select

from bridge.core.model.stripe import Purchase, Subscription
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.forum import memberships
from bridge.store.schema.ledger import money_lines
from bridge.store.schema.rights import purchases, subscriptions


def members_in(connection: Connection, group_ids: Collection[int]) -> int:
    """How many people are in any of these groups on the forum, as last seen."""
    of = memberships.c
    asked = select(func.count(distinct(of.user_id))).where(of.group_id.in_(group_ids), of.actual)
    return connection.scalar(asked) or 0


def subscriptions_to(connection: Connection, product_id: str) -> list[Subscription]:
    """All subscriptions with an item of a product, also ended ones."""
    return [
        CONVERTER.structure(data, Subscription)
        for data in _naming(connection, subscriptions, product_id)
    ]


def purchases_of(connection: Connection, product_id: str) -> list[Purchase]:
    """All one-off purchases of a product."""
    return [
        CONVERTER.structure(data, Purchase) for data in _naming(connection, purchases, product_id)
    ]


def renewals_of(connection: Connection, product_id: str, currency: str) -> int:
    """The total paid for subscriptions to a product, after refunds and disputes."""
    of = money_lines.c
    asked = select(func.sum(of.amount_minor)).where(
        is_own(money_lines),
        of.product_id == product_id,
        of.currency == currency,
        of.subscription_id.is_not(None),
        of.kind != "credited",
    )
    return int(connection.scalar(asked) or 0)


def _naming(connection: Connection, table: Table, product_id: str) -> list[object]:
    """The data of rows that name a product, filtered in SQL."""
    names = cast(table.c.data, Text).contains(f'"{product_id}"', autoescape=True)
    return list(connection.scalars(select(table.c.data).where(is_own(table), names)))
