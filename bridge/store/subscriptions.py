"""Subscriptions as last read from Stripe.

Only complete readings are kept: a customer's subscriptions are read as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, select, update

from bridge.core.model.stripe import Billing, Entitlements, PendingPayment, Subscription
from bridge.store import links, readings
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.people import customers
from bridge.store.schema.rights import subscriptions

ENDED = ("canceled", "incomplete_expired")


def _is(subscription_id: str) -> ColumnElement[bool]:
    return and_(subscriptions.c.id == subscription_id, is_own(subscriptions))


def save_all(
    connection: Connection,
    customer_id: str,
    found: Sequence[Subscription],
    read_at: datetime,
    *,
    with_payments: bool,
    entitlements: tuple[str, ...] | None = None,
    billing: Billing | None = None,
) -> tuple[frozenset[PendingPayment], bool]:
    """Keep a complete reading of a customer's subscriptions, and of their entitlements if asked.

    Returns which pending payments came or went, and whether another payment is announced now.

    One that was there before and is missing now is kept as it was: Stripe never forgets one, so
    its silence proves nothing (`vanished`). `with_payments`: refunds and disputes of the last
    payments were read too.
    """
    links.see_customer(connection, customer_id, read_at)
    known = {one.id: one for one in of_customers(connection, [customer_id])}
    for subscription in found:
        # Of one that ended nothing is asked any more; what is known of its payment stays known.
        was_asked = with_payments and (subscription.status != "canceled" or subscription.cancel_at)
        kept = subscription if was_asked else with_known_fate(subscription, known)
        save(connection, kept, read_at)
    if entitlements is not None:
        _note_entitlements(connection, customer_id, entitlements, read_at)
    connection.execute(
        update(customers)
        .where(customers.c.customer_id == customer_id, is_own(customers))
        .values(
            read_at=read_at,
            deleted_at=None,  # what can be read whole is there, whatever was heard before
            entitlements=entitlements,
            entitlements_at=None if entitlements is None else read_at,
            billing=CONVERTER.unstructure(billing),
        )
    )
    before = [known[one.id] for one in found if one.id in known]
    announced = {one.id: one.next_charge for one in found} != {b.id: b.next_charge for b in before}
    return _pending_in(found) ^ _pending_in(before), announced


def billing_of(data: object) -> Billing:
    """The cards and refusals that a customer's row keeps."""
    return CONVERTER.structure(data or {}, Billing)


def _pending_in(found: Iterable[Subscription]) -> frozenset[PendingPayment]:
    return frozenset(payment for one in found for payment in one.pending)


def _note_entitlements(
    connection: Connection, customer_id: str, found: tuple[str, ...], read_at: datetime
) -> None:
    (row,) = links.customers_among(connection, [customer_id])
    if row.entitlements_at is None or tuple(row.entitlements or ()) != found:
        now = Entitlements(customer_id, found)
        readings.note(connection, now, read_at, customer_id=customer_id)


def save(
    connection: Connection,
    subscription: Subscription,
    read_at: datetime,
    known_at: datetime | None = None,
) -> None:
    """Keep one subscription of a listing that is not whole yet.

    `known_at`: when it came in, where that is long after the listing began.
    """
    customer_id = subscription.customer_id
    readings.keep(connection, subscriptions, subscription, customer_id, read_at, known_at)


def with_known_fate(subscription: Subscription, known: Mapping[str, Subscription]) -> Subscription:
    """A reading that did not ask after refunds and disputes must not forget what one found out."""
    before = known[subscription.id].last_payment if subscription.id in known else None
    now = subscription.last_payment
    if before is None or (now is not None and before.invoice_id != now.invoice_id):
        return subscription
    return replace(subscription, last_payment=before)


def read_the_same(connection: Connection, subscription_id: str, read_at: datetime) -> None:
    """Keep that a subscription was read again and is as it was."""
    connection.execute(update(subscriptions).where(_is(subscription_id)).values(read_at=read_at))


@dataclass(frozen=True, slots=True)
class Stored:
    """A subscription as it was last read, and when that reading began."""

    subscription: Subscription
    read_at: datetime


def stored(connection: Connection, subscription_id: str) -> Stored | None:
    """What was last read of one subscription."""
    asked = select(subscriptions.c.data, subscriptions.c.read_at)
    row = connection.execute(asked.where(_is(subscription_id))).one_or_none()
    return Stored(CONVERTER.structure(row.data, Subscription), row.read_at) if row else None


def last_read(connection: Connection, subscription_id: str) -> Subscription | None:
    """A subscription as last read."""
    data = connection.scalar(select(subscriptions.c.data).where(_is(subscription_id)))
    return CONVERTER.structure(data, Subscription) if data else None


def known(connection: Connection, ids: Collection[str]) -> dict[str, Subscription]:
    """The subscriptions among these that were read, by id."""
    mine = is_own(subscriptions), subscriptions.c.id.in_(list(ids))
    rows = connection.scalars(select(subscriptions.c.data).where(*mine))
    found = [CONVERTER.structure(data, Subscription) for data in rows]
    return {one.id: one for one in found}


def of_customers(connection: Connection, customer_ids: Sequence[str]) -> tuple[Subscription, ...]:
    """The stored subscriptions of customers."""
    return tuple(
        CONVERTER.structure(data, Subscription)
        for data in connection.scalars(_OF_CUSTOMERS, {"b_customers": list(customer_ids)})
    )


_OF_CUSTOMERS = (
    select(subscriptions.c.data)
    .where(
        is_own(subscriptions),
        subscriptions.c.customer_id.in_(bindparam("b_customers", expanding=True)),
    )
    .order_by(subscriptions.c.id)
)


def ids_of(connection: Connection, customer_ids: Collection[str]) -> set[str]:
    """The ids of all subscriptions that were ever read of these customers."""
    asked = select(subscriptions.c.id).where(
        is_own(subscriptions), subscriptions.c.customer_id.in_(customer_ids)
    )
    return set(connection.scalars(asked))


def customer_of(connection: Connection, subscription_id: str) -> str | None:
    """The customer of a subscription that was read before."""
    return connection.scalar(select(subscriptions.c.customer_id).where(_is(subscription_id)))


def vanished(connection: Connection, customer_ids: Sequence[str]) -> frozenset[str]:
    """Subscriptions that were missing in the last complete reading of their customer."""
    asked = _with_customers(
        subscriptions.c.id,
        subscriptions.c.customer_id.in_(customer_ids),
        subscriptions.c.read_at < customers.c.read_at,
        customers.c.deleted_at.is_(None),
    )
    return frozenset(connection.scalars(asked))


def customers_with_vanished(connection: Connection) -> list[str]:
    """Linked customers with a stored subscription that the last whole reading did not show."""
    asked = _with_customers(
        subscriptions.c.customer_id,
        subscriptions.c.read_at < customers.c.read_at,
        customers.c.deleted_at.is_(None),
        customers.c.user_id.is_not(None),
    )
    return list(connection.scalars(asked.distinct()))


def customers_alive_after_all(connection: Connection, since: datetime) -> list[str]:
    """Customers recorded as deleted that have had a running subscription since then."""
    asked = _with_customers(
        subscriptions.c.customer_id,
        customers.c.deleted_at.is_not(None),
        subscriptions.c.read_at >= since,
        subscriptions.c.status.not_in(ENDED),
    )
    return list(connection.scalars(asked.distinct()))


def _with_customers(column: ColumnElement[str], *where: ColumnElement[bool]) -> Select[str]:
    """A column of the site's own subscriptions, joined with their customers."""
    return (
        select(column)
        .join(customers, customers.c.customer_id == subscriptions.c.customer_id)
        .where(is_own(subscriptions), is_own(customers), *where)
    )
