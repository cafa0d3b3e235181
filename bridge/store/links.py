"""Customers and their users: a link with its proof, an orphan, or a deleted customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, or_, select, update

from bridge.store import users
from bridge.store.changes import log
from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.schema.forum import changes
from bridge.store.schema.people import customers
from bridge.store.schema.work import work
from bridge.store.work import is_key, mark_dirty

# These prove who gets a purchase, not who paid.
OF_ANYBODY = ("reference", "claim", "invitation")


def _is(customer_id: str) -> ColumnElement[bool]:
    return and_(customers.c.customer_id == customer_id, is_own(customers))


def see_customer(connection: Connection, customer_id: str, now: datetime) -> None:
    """Remember that a customer exists; without a link it is an orphan."""
    connection.execute(
        insert_for(connection)(customers)
        .values(customer_id=customer_id, first_seen_at=now, has_purchases=False)
        .on_conflict_do_nothing()
    )


def user_of(connection: Connection, customer_id: str) -> int | None:
    """The user a customer is linked to."""
    return connection.scalar(_USER_OF, {"b_customer": customer_id})


_USER_OF = select(customers.c.user_id).where(
    customers.c.customer_id == bindparam("b_customer"), is_own(customers)
)


def owners_of(connection: Connection, customer_ids: Collection[str]) -> dict[str, int | None]:
    """Customer -> user, or None for one without, for those of these that are known."""
    of = customers.c
    asked = select(of.customer_id, of.user_id)
    rows = connection.execute(asked.where(is_own(customers), of.customer_id.in_(customer_ids)))
    return {row.customer_id: row.user_id for row in rows}


def users_of_all(connection: Connection) -> dict[str, int]:
    """Customer -> user, for every linked customer."""
    rows = connection.execute(
        select(customers.c.customer_id, customers.c.user_id).where(
            is_own(customers), customers.c.user_id.is_not(None)
        )
    )
    return {row.customer_id: row.user_id for row in rows}


def customers_of(connection: Connection, user_id: int) -> tuple[str, ...]:
    """All customers linked to a user, deleted ones too."""
    return tuple(connection.scalars(_CUSTOMERS_OF, {"b_user": user_id}))


_CUSTOMERS_OF = (
    select(customers.c.customer_id)
    .where(is_own(customers), customers.c.user_id == bindparam("b_user"))
    .order_by(customers.c.linked_at, customers.c.customer_id)
)


def live_customers_of(connection: Connection, user_id: int) -> dict[str, bool]:
    """The user's customers that are not deleted at Stripe, the most recently used first.

    Without guests' orders, which have no customer. False: linked only by a signed reference or a
    claim, so somebody else may have paid.
    """
    rows = connection.execute(
        select(customers.c.customer_id, customers.c.proof)
        .where(is_own(customers), customers.c.user_id == user_id, customers.c.deleted_at.is_(None))
        .where(customers.c.customer_id.not_like("cs\\_%", escape="\\"))
        .order_by(customers.c.linked_at.desc(), customers.c.customer_id)
    )
    return {row.customer_id: row.proof not in OF_ANYBODY for row in rows}


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer at Stripe: its user and the proof, when it was read, whether it is deleted.

    `pending`: orders whose payment is on its way. `entitlements`: features by Stripe's word.
    `billing`: cards and refusals, for their own page.
    """

    customer_id: str
    user_id: int | None
    proof: str | None
    linked_by: str | None
    linked_at: datetime | None
    first_seen_at: datetime
    deleted_at: datetime | None
    read_at: datetime | None
    has_purchases: bool
    pending: Sequence[Mapping[str, Any]] | None
    entitlements: Sequence[str] | None
    entitlements_at: datetime | None
    billing: Mapping[str, Any] | None

    @property
    def since(self) -> datetime:
        """When the customer was linked, or for an orphan, first seen."""
        return self.linked_at or self.first_seen_at


def customers_among(connection: Connection, ids: Collection[str]) -> list[Customer]:
    """The stored rows of these customers."""
    return [Customer(*row) for row in connection.execute(_AMONG, {"b_ids": list(ids)})]


CUSTOMERS = select(*(customers.c[field.name] for field in fields(Customer))).where(
    is_own(customers)
)
"""SQL: all customers as rows for `Customer`."""
_AMONG = CUSTOMERS.where(customers.c.customer_id.in_(bindparam("b_ids", expanding=True)))


def link(  # noqa: PLR0913 - what a link is known by
    connection: Connection,
    customer_id: str,
    user_id: int,
    *,
    proof: str,
    actor: str,
    now: datetime,
    has_nothing: bool = False,
    reason: str | None = None,
) -> bool:
    """Link a customer to a user; False if the customer is linked to somebody else.

    `has_nothing`: the customer was created just now, so there is nothing to read at Stripe. A
    customer that has a user keeps it: `unlink` comes first. For an account that was merged into
    another, the other account is linked.
    """
    user_id = users.present_account(connection, user_id)
    see_customer(connection, customer_id, now)
    owner = user_of(connection, customer_id)
    if owner is not None:
        return owner == user_id
    of_user = {"user_id": user_id, "proof": proof, "linked_by": actor, "linked_at": now}
    if not _take(connection, customer_id, of_user):  # somebody was quicker
        return user_of(connection, customer_id) == user_id
    log(
        connection,
        "linked",
        now=now,
        user_id=user_id,
        customer_id=customer_id,
        cause=actor,
        outcome=proof,
        detail={"reason": reason} if reason else None,
    )
    if has_nothing:
        _mark_read(connection, customer_id, now)
    else:
        needs, cause = ("read", "purchases", "money"), f"link by {actor}"
        mark_dirty(connection, customer_id, now=now, due_at=now, cause=cause, needs=needs)
    return True


def _take(connection: Connection, customer_id: str, of_user: Mapping[str, Any]) -> bool:
    """Give a customer and its work to a user, unless it has one."""
    free = _is(customer_id), customers.c.user_id.is_(None)
    if not connection.execute(update(customers).where(*free).values(of_user)).rowcount:
        return False
    mine = is_key(customer_id)
    connection.execute(update(work).where(mine).values(user_id=of_user["user_id"]))
    return True


def _mark_read(connection: Connection, customer_id: str, now: datetime) -> None:
    never_read = and_(_is(customer_id), customers.c.read_at.is_(None))
    connection.execute(update(customers).where(never_read).values(read_at=now))


def confirm(connection: Connection, customer_id: str, *, proof: str) -> None:
    """Store a better proof of a link that had only a reference or a claim."""
    connection.execute(
        update(customers)
        .where(_is(customer_id), customers.c.proof.in_(OF_ANYBODY))
        .values(proof=proof)
    )


def unlink(
    connection: Connection,
    customer_id: str,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> int | None:
    """Undo a link, and mark the user dirty."""
    user_id = user_of(connection, customer_id)
    if user_id is None:
        return None
    connection.execute(
        update(customers)
        .where(_is(customer_id))
        .values(user_id=None, proof=None, linked_by=None, linked_at=None)
    )
    connection.execute(update(work).where(is_key(customer_id)).values(user_id=None))
    log(
        connection,
        "unlinked",
        now=now,
        user_id=user_id,
        customer_id=customer_id,
        cause=actor,
        outcome=reason,
    )
    mark_dirty(
        connection,
        f"user:{user_id}",
        now=now,
        due_at=now,
        cause=f"unlink by {actor}",
        needs=["read"],
    )
    return user_id


def was_unlinked(connection: Connection, customer_id: str) -> bool:
    """Whether somebody undid a link of this customer: an old reference must not bring it back."""
    unlinked = changes.c.customer_id == customer_id, changes.c.action == "unlinked"
    return bool(connection.scalar(select(exists().where(*unlinked))))


def forget(connection: Connection, customer_id: str, now: datetime) -> None:
    """Record that a customer was deleted at Stripe: its subscriptions end, its past stays."""
    see_customer(connection, customer_id, now)
    connection.execute(
        update(customers)
        .where(_is(customer_id), customers.c.deleted_at.is_(None))
        .values(deleted_at=now)
    )


def note_unknown(connection: Connection, customer_id: str, read_at: datetime) -> None:
    """Record that Stripe has no such customer; an unknown customer is not stored."""
    connection.execute(
        update(customers)
        .where(_is(customer_id), customers.c.deleted_at.is_(None))
        .values(read_at=read_at)
    )


def count_orphans(connection: Connection) -> int:
    """Customers that nobody is linked to."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(customers)
            .where(is_own(customers), customers.c.user_id.is_(None))
        )
        or 0
    )


def everybody_was_read(connection: Connection, began_at: datetime) -> None:
    """Record a complete reading of everybody's subscriptions."""
    connection.execute(
        update(customers)
        .where(
            is_own(customers), or_(customers.c.read_at.is_(None), customers.c.read_at < began_at)
        )
        .values(read_at=began_at)
    )
