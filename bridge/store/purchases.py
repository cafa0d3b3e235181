"""One-off purchases as last read from Stripe, and orders whose payment is on its way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from bridge.core.model.stripe import PendingPayment, Purchase, is_guest
from bridge.store import readings
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases


def save(
    connection: Connection,
    customer_id: str,
    found: Sequence[Purchase],
    pending: Sequence[PendingPayment],
    read_at: datetime,
) -> frozenset[PendingPayment]:
    """Replace a customer's one-off purchases by a complete reading.

    `pending`: orders that are not paid yet. Returns those that appeared or ended.
    """
    gone = and_(
        is_own(purchases),
        purchases.c.customer_id == customer_id,
        purchases.c.id.not_in([p.id for p in found]),
    )
    for purchase_id in connection.scalars(select(purchases.c.id).where(gone)).all():
        readings.note_gone(connection, "purchase", purchase_id, read_at, customer_id=customer_id)
    connection.execute(delete(purchases).where(gone))
    for purchase in found:
        readings.keep(connection, purchases, purchase, customer_id, read_at)
    is_customer = and_(customers.c.customer_id == customer_id, is_own(customers))
    before = connection.scalar(select(customers.c.pending).where(is_customer))
    waiting = CONVERTER.unstructure(pending) or None
    # Read pending orders with the customer, because the event of their end may be lost.
    row = {"has_purchases": bool(found or pending), "pending": waiting}
    connection.execute(update(customers).where(is_customer).values(**row))
    return frozenset(pending) ^ frozenset(pending_of(before))


def known(connection: Connection, ids: Collection[str]) -> dict[str, Purchase]:
    """The purchases among these that were read, by id."""
    mine = is_own(purchases), purchases.c.id.in_(list(ids))
    rows = connection.scalars(select(purchases.c.data).where(*mine))
    found = [CONVERTER.structure(data, Purchase) for data in rows]
    return {one.id: one for one in found}


def orders_of(connection: Connection, customer_ids: Collection[str]) -> set[str]:
    """The Checkout Sessions and invoices by which these customers bought something once."""
    asked = select(purchases.c.id).where(
        is_own(purchases), purchases.c.customer_id.in_(list(customer_ids))
    )
    return {id_.partition(":")[0] for id_ in connection.scalars(asked)}


def orders_of_guests(connection: Connection, payment_ids: Collection[str]) -> set[str]:
    """The orders without a customer that these payments paid, as far as they were read."""
    paid = connection.scalars(_PAID_BY, {"b_payments": list(payment_ids)})
    return {one for one in paid if is_guest(one)}


_PAID_BY = (
    select(purchases.c.customer_id)
    .where(
        is_own(purchases),
        purchases.c.data["payment_id"].as_string().in_(bindparam("b_payments", expanding=True)),
    )
    .distinct()
)


def pending_of(data: object) -> list[PendingPayment]:
    """The pending payments stored with a customer."""
    return CONVERTER.structure(data or [], list[PendingPayment])
