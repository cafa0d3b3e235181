"""Gathers the facts for a decision about a user from the tables of what was last read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    CompoundSelect,
    Connection,
    Select,
    Table,
    bindparam,
    null,
    or_,
    select,
    type_coerce,
    union,
    union_all,
)

from bridge.core.model.rights import Facts, Seat
from bridge.core.model.stripe import Purchase, Subscription
from bridge.store import hand_grants, links, messages, shares
from bridge.store.links import Customer
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.columns import UtcTime
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases, subscriptions


def facts_of(connection: Connection, user_id: int) -> tuple[Facts, datetime | None]:
    """Everything that a decision about a user needs, and the time of its oldest complete reading.

    What a user bought for others does not count for them; what others bought for them does.
    """
    around = customers_around(connection, user_id)
    return facts_around(connection, user_id, around), oldest_reading(around)


def customers_around(connection: Connection, user_id: int) -> list[Customer]:
    """A user's customers in the order of their links, then those of the people who pay for them.

    `linked_at` is of whoever they are linked to.
    """
    rows = [Customer(*row) for row in connection.execute(_around(), {"b_user": user_id})]
    givers: list[Customer] = []
    mine: list[Customer] = []
    for row in sorted(rows, key=lambda row: row.customer_id):
        (mine if row.user_id == user_id else givers).append(row)
    mine.sort(key=lambda row: row.since)
    return [*mine, *givers]


@cache
def _around() -> Select[Any]:
    own = select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == _USER)
    concerned = union(own, *shares.paying_for(_USER))
    return links.CUSTOMERS.where(customers.c.customer_id.in_(concerned))


def facts_around(connection: Connection, user_id: int, around: Sequence[Customer]) -> Facts:
    """The facts for a decision; `around`: the customers (`customers_around`)."""
    own = frozenset(row.customer_id for row in around if row.user_id == user_id)
    paid, gifts, seats = _subscriptions_of(connection, user_id, own)
    orders, gift_orders = _orders_of(connection, user_id, own)
    kept, given = kept_and_given(paid, user_id)
    bought, given_purchases = kept_and_given(orders, user_id)
    asked = [row for row in around if row.entitlements_at]
    by_hand, steps = hand_grants.with_steps(connection, user_id)
    running = (*kept, *gifts, *given, *(seat.subscription for seat in seats))
    return Facts(
        subscriptions=(*kept, *gifts),
        purchases=(*bought, *gift_orders),
        hand_grants=by_hand,
        deleted_customer_ids=frozenset(row.customer_id for row in around if row.deleted_at),
        given=given,
        given_purchases=given_purchases,
        seats=seats,
        notices=messages.notices(connection, running),
        entitlements={row.customer_id: frozenset(row.entitlements or ()) for row in asked},
        steps=steps,
    )


def oldest_reading(around: Iterable[Customer]) -> datetime | None:
    """The time of the oldest complete reading of these customers; None if one was never read."""
    live = [row for row in around if row.deleted_at is None]
    # A list of all subscriptions proves nothing about entitlements.
    read = [row.read_at for row in live]
    read += [row.entitlements_at for row in live if row.entitlements_at]
    return None if None in read else min((at for at in read if at), default=None)


T = TypeVar("T", Subscription, Purchase)


def kept_and_given(bought: Iterable[T], user_id: int) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """What a user bought for themselves, and what for others; a gift to oneself is not a gift."""
    things = tuple(bought)
    mine = (None, user_id)
    return (
        tuple(replace(one, beneficiary_id=None) for one in things if one.beneficiary_id in mine),
        tuple(one for one in things if one.beneficiary_id not in mine),
    )


def _subscriptions_of(
    connection: Connection, user_id: int, own: Collection[str]
) -> tuple[tuple[Subscription, ...], tuple[Subscription, ...], tuple[Seat, ...]]:
    """What a user's customers pay for, what others pay for the user, and seats; one statement."""
    paid: list[Subscription] = []
    gifts: list[Subscription] = []
    seats: list[Seat] = []
    for row in connection.execute(_subscriptions(), {"b_user": user_id, "b_own": list(own)}):
        found = CONVERTER.structure(row.data, Subscription)
        if row.assigned_at is not None:
            seats.append(Seat(found, row.assigned_at, row.over_since))
        else:
            (paid if row.customer_id in own else gifts).append(found)
    return tuple(paid), tuple(gifts), tuple(seats)


@cache
def _subscriptions() -> CompoundSelect[Any]:
    # Two selects, not one with OR over both tables: so each finds its rows by an index.
    paid_for = _bought_by_or_for(subscriptions).add_columns(
        type_coerce(null(), UtcTime).label("assigned_at"),
        type_coerce(null(), UtcTime).label("over_since"),
    )
    return union_all(paid_for, shares.seats_of(_USER)).order_by("id")


@cache
def _orders() -> Select[Any]:
    return _bought_by_or_for(purchases).order_by(purchases.c.id)


_USER: BindParameter[int] = bindparam("b_user", type_=BigInteger)


def _bought_by_or_for(table: Table) -> Select[Any]:
    own: BindParameter[str] = bindparam("b_own", expanding=True)
    return select(table.c.id, table.c.customer_id, table.c.data).where(
        is_own(table),
        or_(table.c.customer_id.in_(own), table.c.beneficiary_id == _USER),
    )


def _orders_of(
    connection: Connection, user_id: int, own: Collection[str]
) -> tuple[tuple[Purchase, ...], tuple[Purchase, ...]]:
    """What a user's customers bought once, and what others bought for the user."""
    things = [
        (row.customer_id in own, CONVERTER.structure(row.data, Purchase))
        for row in connection.execute(_orders(), {"b_user": user_id, "b_own": list(own)})
    ]
    return (
        tuple(thing for is_own, thing in things if is_own),
        tuple(thing for is_own, thing in things if not is_own),
    )
