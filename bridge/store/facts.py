"""What was last read of Stripe: customers and whose they are, subscriptions, purchases, money.

Only complete readings are kept: a customer's subscriptions are replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, and_, delete, or_, select, union, update

from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Entitlements, PendingPayment, Purchase, Subscription
from bridge.store import hand_grants, links, readings, shares
from bridge.store.readings import CONVERTER
from bridge.store.schema import (
    customers,
    money_lines,
    purchases,
    subscriptions,
    users,
)
from bridge.store.work import insert_for

ENDED = ("canceled", "incomplete_expired")


def save_subscriptions(
    connection: Connection,
    customer_id: str,
    found: Sequence[Subscription],
    read_at: datetime,
    *,
    with_payments: bool,
    entitlements: tuple[str, ...] | None = None,
) -> tuple[frozenset[PendingPayment], bool]:
    """Keep a complete reading of a customer's subscriptions, and of their entitlements if asked.

    Returns which pending payments came or went, and whether another payment is announced now.

    One that was there before and is missing now is kept as it was: Stripe never forgets one, so
    its silence proves nothing (`vanished`). `with_payments`: refunds and disputes of the last
    payments were read too.
    """
    links.see_customer(connection, customer_id, read_at)
    known = {one.id: one for one in subscriptions_of(connection, [customer_id])}
    for subscription in found:
        # Of one that ended nothing is asked any more; what is known of its payment stays known.
        was_asked = with_payments and (subscription.status != "canceled" or subscription.cancel_at)
        kept = subscription if was_asked else with_known_fate(subscription, known)
        save_subscription(connection, kept, read_at)
    if entitlements is not None:
        _note_entitlements(connection, customer_id, entitlements, read_at)
    connection.execute(
        update(customers)
        .where(customers.c.customer_id == customer_id)
        .values(
            read_at=read_at,
            deleted_at=None,  # what can be read whole is there, whatever was heard before
            entitlements=entitlements,
            entitlements_at=None if entitlements is None else read_at,
        )
    )
    before = [known[one.id] for one in found if one.id in known]
    announced = {one.id: one.next_charge for one in found} != {b.id: b.next_charge for b in before}
    return _pending_in(found) ^ _pending_in(before), announced


def _pending_in(found: Iterable[Subscription]) -> frozenset[PendingPayment]:
    return frozenset(payment for one in found for payment in one.pending)


def _note_entitlements(
    connection: Connection, customer_id: str, found: tuple[str, ...], read_at: datetime
) -> None:
    (row,) = links.customer_rows(connection, [customer_id])
    if row.entitlements_at is None or tuple(row.entitlements) != found:
        now = Entitlements(customer_id, found)
        readings.note(connection, now, read_at, customer_id=customer_id)


def save_subscription(
    connection: Connection,
    subscription: Subscription,
    read_at: datetime,
    known_at: datetime | None = None,
) -> None:
    """Keep one subscription of a listing that is not whole yet.

    `known_at`: when it came in, where that is long after the listing began.
    """
    customer_id = subscription.customer_id
    _upsert_reading(connection, subscriptions, subscription, customer_id, read_at, known_at)


@dataclass(frozen=True, slots=True)
class Stored:
    """A subscription as it was last read, and when that reading began."""

    subscription: Subscription
    read_at: datetime


def stored_subscription(connection: Connection, subscription_id: str) -> Stored | None:
    """What was last read of one subscription."""
    asked = select(subscriptions.c.data, subscriptions.c.read_at)
    row = connection.execute(asked.where(subscriptions.c.id == subscription_id)).one_or_none()
    return Stored(CONVERTER.structure(row.data, Subscription), row.read_at) if row else None


def read_the_same(connection: Connection, subscription_id: str, read_at: datetime) -> None:
    """Keep that a subscription was read again and is as it was."""
    mine = subscriptions.c.id == subscription_id
    connection.execute(update(subscriptions).where(mine).values(read_at=read_at))


def subscription_ids_of(connection: Connection, customer_ids: Collection[str]) -> set[str]:
    """The ids of all subscriptions that were ever read of these customers."""
    asked = select(subscriptions.c.id).where(subscriptions.c.customer_id.in_(customer_ids))
    return set(connection.scalars(asked))


def with_known_fate(subscription: Subscription, known: Mapping[str, Subscription]) -> Subscription:
    """A reading that did not ask after refunds and disputes must not forget what one found out."""
    before = known[subscription.id].last_payment if subscription.id in known else None
    now = subscription.last_payment
    if before is None or (now is not None and before.invoice_id != now.invoice_id):
        return subscription
    return replace(subscription, last_payment=before)


def save_purchases(
    connection: Connection,
    customer_id: str,
    found: Sequence[Purchase],
    pending: Sequence[PendingPayment],
    read_at: datetime,
) -> frozenset[PendingPayment]:
    """Replace what was known of a customer's one-off purchases by a complete reading.

    `pending` are orders that are not paid yet; which of them came or went.
    """
    gone = and_(
        purchases.c.customer_id == customer_id, purchases.c.id.not_in([p.id for p in found])
    )
    for purchase_id in connection.scalars(select(purchases.c.id).where(gone)).all():
        readings.note_gone(connection, "purchase", purchase_id, read_at, customer_id=customer_id)
    connection.execute(delete(purchases).where(gone))
    for purchase in found:
        _upsert_reading(connection, purchases, purchase, customer_id, read_at)
    is_customer = customers.c.customer_id == customer_id
    before = connection.scalar(select(customers.c.pending).where(is_customer))
    waiting = CONVERTER.unstructure(pending) or None
    # What is under way is looked at whenever the customer is: the news of its end may be lost.
    row = {"has_purchases": bool(found or pending), "pending": waiting}
    connection.execute(update(customers).where(is_customer).values(**row))
    return frozenset(pending) ^ frozenset(pending_of(before))


def save_money(
    connection: Connection, lines: Iterable[MoneyLine], now: datetime
) -> tuple[MoneyLine, ...]:
    """Append lines; those recorded before stay as they are. Returns the new ones."""
    new = []
    for line in lines:
        row = asdict(line)
        row["parts"] = row["parts"] or None
        done = connection.execute(
            insert_for(connection)(money_lines)
            .values(**row, recorded_at=now)
            .on_conflict_do_nothing()
        )
        if done.rowcount:
            new.append(line)
    return tuple(new)


def money_of(connection: Connection, user_id: int) -> tuple[MoneyLine, ...]:
    """All money lines of a user, the oldest first: their customers', and those recorded by hand.

    Of accounts that were merged into this one too.
    """
    same = select(users.c.user_id).where(users.c.successor_id == user_id)
    mine = select(customers.c.customer_id).where(customers.c.user_id == user_id)
    lines = money_lines.c
    rows = connection.execute(
        select(*(lines[name] for name in _MONEY))
        .where(or_(lines.customer_id.in_(mine), lines.user_id == user_id, lines.user_id.in_(same)))
        .order_by(lines.at, lines.id)
    ).all()
    # By place and without their names: there may be thousands.
    return tuple(MoneyLine(*(*row[:-1], _parts(row[-1]))) for row in rows)


def money_line(connection: Connection, line_id: str) -> MoneyLine | None:
    """The line of this id."""
    row = connection.execute(
        select(*(money_lines.c[name] for name in _MONEY)).where(money_lines.c.id == line_id)
    ).one_or_none()
    return None if row is None else MoneyLine(*(*row[:-1], _parts(row[-1])))


def money_by_hand(connection: Connection) -> tuple[MoneyLine, ...]:
    """Every line that somebody recorded by hand, the oldest first."""
    lines = money_lines.c
    rows = connection.execute(
        select(*(lines[name] for name in _MONEY))
        .where(lines.recorded_by.is_not(None))
        .order_by(lines.at, lines.id)
    ).all()
    return tuple(MoneyLine(*(*row[:-1], _parts(row[-1]))) for row in rows)


def _parts(stored: Sequence[Mapping[str, Any]] | None) -> tuple[MoneyPart, ...]:
    return tuple(MoneyPart(**part) for part in stored) if stored else ()


_MONEY = tuple(MoneyLine.__dataclass_fields__)


def pending_of(data: object) -> list[PendingPayment]:
    """The payments on their way that a customer's row keeps."""
    return CONVERTER.structure(data or [], list[PendingPayment])


def facts_of(connection: Connection, user_id: int) -> tuple[Facts, datetime | None]:
    """Everything a decision about a user rests on, and the time of its oldest complete reading.

    What a user bought for others is not theirs; what others bought for them is.
    """
    around = customers_around(connection, user_id)
    return facts_around(connection, user_id, around), oldest_reading(around)


def customers_around(connection: Connection, user_id: int) -> list[Row[Any]]:
    """A user's customers in the order in which they were linked, then those of their givers.

    `linked_at` is of whoever they are linked to.
    """
    own = select(customers.c.customer_id).where(customers.c.user_id == user_id)
    concerned = union(own, *shares.paying_for(user_id))
    rows = connection.execute(select(customers).where(customers.c.customer_id.in_(concerned)))
    givers: list[Row[Any]] = []
    mine: list[Row[Any]] = []
    for row in sorted(rows, key=lambda row: str(row.customer_id)):
        (mine if row.user_id == user_id else givers).append(row)
    mine.sort(key=lambda row: row.linked_at)
    return [*mine, *givers]


def facts_around(connection: Connection, user_id: int, around: Sequence[Row[Any]]) -> Facts:
    """What a decision rests on; `around`: the customers (`customers_around`)."""
    own = frozenset(row.customer_id for row in around if row.user_id == user_id)
    paid, gifts = _own_and_given(connection, subscriptions, Subscription, user_id, own)
    orders, gift_orders = _own_and_given(connection, purchases, Purchase, user_id, own)
    kept, given = _kept_and_given(paid, user_id)
    bought, given_purchases = _kept_and_given(orders, user_id)
    asked = [row for row in around if row.entitlements_at]
    return Facts(
        subscriptions=(*kept, *gifts),
        purchases=(*bought, *gift_orders),
        hand_grants=hand_grants.in_force(connection, user_id),
        deleted_customer_ids=frozenset(row.customer_id for row in around if row.deleted_at),
        given=given,
        given_purchases=given_purchases,
        seats=shares.seats_of_user(connection, user_id),
        entitlements={row.customer_id: frozenset(row.entitlements) for row in asked},
    )


def oldest_reading(around: Iterable[Row[Any]]) -> datetime | None:
    """The time of the oldest complete reading of these customers; None if one was never read."""
    live = [row for row in around if row.deleted_at is None]
    # A listing of everybody's subscriptions proves nothing about entitlements.
    read = [row.read_at for row in live]
    read += [row.entitlements_at for row in live if row.entitlements_at]
    return None if None in read else min((at for at in read if at), default=None)


T = TypeVar("T", Subscription, Purchase)


def _kept_and_given(bought: Iterable[T], user_id: int) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """What a user bought for themselves, and what for others; a gift to oneself is none."""
    things = tuple(bought)
    mine = (None, user_id)
    return (
        tuple(replace(one, beneficiary_id=None) for one in things if one.beneficiary_id in mine),
        tuple(one for one in things if one.beneficiary_id not in mine),
    )


def _own_and_given(
    connection: Connection, table: Table, kind: type[T], user_id: int, own: Collection[str]
) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """What a user's customers bought, and what others bought for the user."""
    rows = connection.execute(
        select(table.c.customer_id, table.c.data)
        .where(or_(table.c.customer_id.in_(own), table.c.beneficiary_id == user_id))
        .order_by(table.c.id)
    )
    things = [(row.customer_id in own, CONVERTER.structure(row.data, kind)) for row in rows]
    return (
        tuple(thing for is_own, thing in things if is_own),
        tuple(thing for is_own, thing in things if not is_own),
    )


def subscriptions_of(
    connection: Connection, customer_ids: Sequence[str]
) -> tuple[Subscription, ...]:
    """The stored subscriptions of customers."""
    return tuple(
        CONVERTER.structure(data, Subscription)
        for data in connection.scalars(
            select(subscriptions.c.data)
            .where(subscriptions.c.customer_id.in_(customer_ids))
            .order_by(subscriptions.c.id)
        )
    )


def subscription(connection: Connection, subscription_id: str) -> Subscription | None:
    """A subscription as last read."""
    data = connection.scalar(
        select(subscriptions.c.data).where(subscriptions.c.id == subscription_id)
    )
    return CONVERTER.structure(data, Subscription) if data else None


def vanished(connection: Connection, customer_ids: Sequence[str]) -> frozenset[str]:
    """Subscriptions that the last complete reading of their customer did not have any more."""
    return frozenset(
        connection.scalars(
            select(subscriptions.c.id)
            .join(customers, customers.c.customer_id == subscriptions.c.customer_id)
            .where(
                subscriptions.c.customer_id.in_(customer_ids),
                subscriptions.c.read_at < customers.c.read_at,
                customers.c.deleted_at.is_(None),
            )
        )
    )


def customers_alive_after_all(connection: Connection, since: datetime) -> list[str]:
    """Customers that were said to be deleted, of whom a subscription was seen to run since."""
    runs = subscriptions.c.data["status"].as_string().not_in(ENDED)
    return list(
        connection.scalars(
            select(subscriptions.c.customer_id)
            .join(customers, customers.c.customer_id == subscriptions.c.customer_id)
            .where(customers.c.deleted_at.is_not(None), subscriptions.c.read_at >= since, runs)
            .distinct()
        )
    )


def customers_with_vanished(connection: Connection) -> list[str]:
    """Linked customers of whom a stored subscription was not seen in the last whole reading."""
    return list(
        connection.scalars(
            select(subscriptions.c.customer_id)
            .join(customers, customers.c.customer_id == subscriptions.c.customer_id)
            .where(
                subscriptions.c.read_at < customers.c.read_at,
                customers.c.deleted_at.is_(None),
                customers.c.user_id.is_not(None),
            )
            .distinct()
        )
    )


def subscription_customer(connection: Connection, subscription_id: str) -> str | None:
    """The customer of a subscription that was read before."""
    return connection.scalar(
        select(subscriptions.c.customer_id).where(subscriptions.c.id == subscription_id)
    )


def _upsert_reading(
    connection: Connection,
    table: Table,
    thing: Subscription | Purchase,
    customer_id: str,
    at: datetime,
    known_at: datetime | None = None,
) -> None:
    data = CONVERTER.unstructure(thing)
    before = connection.scalar(select(table.c.data).where(table.c.id == thing.id))
    # What an earlier version wrote has not changed for lacking what this one reads besides.
    if before is None or (before != data and CONVERTER.structure(before, type(thing)) != thing):
        readings.note(connection, thing, known_at or at, customer_id=customer_id)
    row = {
        "customer_id": customer_id,
        "beneficiary_id": thing.beneficiary_id,
        "data": data,
        "read_at": at,
    }
    connection.execute(
        insert_for(connection)(table)
        .values(id=thing.id, **row)
        .on_conflict_do_update(index_elements=["id"], set_=row)
    )
