"""Orders begun on the bridge's pages; a repeated click finds the row that the first one made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.schema.buying import checkouts
from bridge.store.schema.people import customers

Seen = Literal["open", "expired", "pending", "paid"]


class Ordered(NamedTuple):
    """One line of an order: what, how many, and the amount where the buyer set it."""

    price_id: str
    quantity: int = 1
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """An order and the address of its Stripe page; `return_to`: the post in which it began.

    `looks`: how often Stripe was asked about it since the buyer came back, `looked_at`: when last,
    `seen`: what it said. `pending`: Stripe's page is done with, and the money on its way.
    """

    id: str
    user_id: int
    price_id: str
    return_to: str | None
    session_id: str | None
    url: str | None
    created_at: datetime
    expires_at: datetime | None
    completed_at: datetime | None
    looks: int
    looked_at: datetime | None
    seen: Seen | None
    lines: list[tuple[str, int, int | None]] | None

    @property
    def ordered(self) -> tuple[Ordered, ...]:
        """What is bought; orders from before there were lines have only their price."""
        return tuple(Ordered(*line) for line in self.lines or [(self.price_id, 1, None)])


_COLUMNS = tuple(checkouts.c[field.name] for field in fields(Checkout))


def begin(
    connection: Connection,
    checkout_id: str,
    *,
    user_id: int,
    ordered: Sequence[Ordered],
    return_to: str | None,
    now: datetime,
    open_for: str | None = None,
) -> Checkout | None:
    """This checkout, new or from an earlier click; None if it is somebody else's.

    Where another one is `open_for` the same, that one: the caller compares the ids.
    """
    connection.execute(
        insert_for(connection)(checkouts)
        .values(
            id=checkout_id,
            user_id=user_id,
            price_id=ordered[0].price_id,
            lines=list(ordered),
            return_to=return_to,
            created_at=now,
            open_for=open_for,
            looks=0,
        )
        .on_conflict_do_nothing()
    )
    row = get(connection, checkout_id)
    if row is not None:
        return row if (row.user_id, row.ordered) == (user_id, tuple(ordered)) else None
    return _one(connection, checkouts.c.open_for == open_for)


def save_session(
    connection: Connection, checkout_id: str, session_id: str, url: str, expires_at: datetime | None
) -> None:
    """Store the address of Stripe's page for this checkout, for the next click on the button."""
    connection.execute(
        update(checkouts)
        .where(checkouts.c.id == checkout_id)
        .values(session_id=session_id, url=url, expires_at=expires_at)
    )


def note_countries(
    connection: Connection, checkout_id: str, ip: str | None, said: str | None
) -> None:
    """Store what was known about the buyer's country when they went to Stripe (A72)."""
    row = {"country_ip": ip, "country_said": said}
    connection.execute(update(checkouts).where(checkouts.c.id == checkout_id).values(**row))


def get(connection: Connection, checkout_id: str) -> Checkout | None:
    """A checkout of any user: the caller compares the user."""
    return _one(connection, checkouts.c.id == checkout_id)


def _one(connection: Connection, about: ColumnElement[bool]) -> Checkout | None:
    row = connection.execute(select(*_COLUMNS).where(about)).one_or_none()
    return Checkout(*row) if row else None


def complete(connection: Connection, checkout_id: str, now: datetime) -> bool:
    """Note that the buyer came back from Stripe; True the first time."""
    done = connection.execute(
        update(checkouts)
        .where(checkouts.c.id == checkout_id, checkouts.c.completed_at.is_(None))
        .values(completed_at=now, open_for=None)
    )
    return done.rowcount == 1


def came_back_since(
    connection: Connection, customer_ids: Collection[str], since: datetime
) -> list[str]:
    """The customers among these whose user has come back from Stripe's page since then."""
    told = {"b_customers": list(customer_ids), "b_since": since}
    return sorted(connection.scalars(_CAME_BACK, told))


_CAME_BACK = (
    select(customers.c.customer_id)
    .join(checkouts, checkouts.c.user_id == customers.c.user_id)
    .where(
        is_own(customers),
        customers.c.customer_id.in_(bindparam("b_customers", expanding=True)),
        checkouts.c.looked_at >= bindparam("b_since"),
    )
    .distinct()
)


def count_look(connection: Connection, order: Checkout, now: datetime) -> bool:
    """Count that Stripe is asked about an order; False if somebody else has started to."""
    done = connection.execute(
        update(checkouts)
        .where(checkouts.c.id == order.id, checkouts.c.looks == order.looks)
        .values(looks=order.looks + 1, looked_at=now)
    )
    return done.rowcount == 1


def note_seen(connection: Connection, checkout_id: str, seen: Seen) -> None:
    """Store the state of an order as Stripe reported it."""
    connection.execute(update(checkouts).where(checkouts.c.id == checkout_id).values(seen=seen))


def close(connection: Connection, checkout_id: str) -> None:
    """Allow another order in its place: this one can no longer be paid."""
    connection.execute(update(checkouts).where(checkouts.c.id == checkout_id).values(open_for=None))
