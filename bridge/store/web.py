"""What the pages need of the record: sign-in numbers, checkouts, a member's own standing."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, literal, select, update

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price, Product
from bridge.store import names
from bridge.store.changes import log
from bridge.store.links import see_customer, user_of
from bridge.store.readings import CONVERTER
from bridge.store.schema import (
    UtcTime,
    catalogue,
    checkouts,
    customers,
    groups,
    memberships,
    nonces,
    users,
    work,
)
from bridge.store.work import insert_for

NONCE_LIFE = timedelta(minutes=10)
KEEP_USED = timedelta(days=1)  # long enough to tell "used" from "never ours"


# --- signing in ---------------------------------------------------------------------------------


def make_nonce(
    connection: Connection, purpose: str, browser: str, payload: Mapping[str, str], now: datetime
) -> str:
    """A number for one sign-in of one browser; old ones are swept out on the way."""
    connection.execute(delete(nonces).where(nonces.c.expires_at < now - KEEP_USED))
    nonce = secrets.token_urlsafe(24)
    connection.execute(
        insert(nonces).values(
            nonce=nonce,
            purpose=purpose,
            browser=browser,
            payload=dict(payload),
            expires_at=now + NONCE_LIFE,
        )
    )
    return nonce


@dataclass(frozen=True, slots=True)
class Nonce:
    """A number that came back. Only `fresh` may sign somebody in, and it is that only once.

    `stale`: ours and this browser's, but expired or used. None of both: another browser's or none.
    """

    fresh: bool
    stale: bool
    payload: Mapping[str, str]


def use_nonce(
    connection: Connection, nonce: str, purpose: str, browser: str | None, now: datetime
) -> Nonce:
    """Use up a number: the one statement that does it decides who was first."""
    mine = and_(
        nonces.c.nonce == nonce, nonces.c.purpose == purpose, nonces.c.browser == (browser or "")
    )
    used = connection.execute(
        update(nonces)
        .where(mine, nonces.c.used_at.is_(None), nonces.c.expires_at > now)
        .values(used_at=now)
    )
    payload = connection.scalar(select(nonces.c.payload).where(mine))
    fresh = used.rowcount == 1
    return Nonce(fresh=fresh, stale=payload is not None and not fresh, payload=payload or {})


def see_user(connection: Connection, user_id: int, username: str, now: datetime) -> None:
    """Keep the name that the forum just told for a user."""
    connection.execute(
        insert_for(connection)(users)
        .values(
            user_id=user_id, username=username, state="active", seen_at=now, statement_attempts=0
        )
        .on_conflict_do_update(
            index_elements=[users.c.user_id], set_={"username": username, "seen_at": now}
        )
    )
    names.heard(connection, user_id, username, now)


# --- the shop -----------------------------------------------------------------------------------


def on_sale(connection: Connection) -> tuple[list[Product], list[Price]]:
    """Products and prices that Stripe still has; whether they are active is theirs to say."""
    rows = connection.execute(
        select(catalogue.c.kind, catalogue.c.data)
        .where(catalogue.c.deleted_at.is_(None))
        .order_by(catalogue.c.id)
    ).all()
    return (
        [CONVERTER.structure(row.data, Product) for row in rows if row.kind == "product"],
        [CONVERTER.structure(row.data, Price) for row in rows if row.kind == "price"],
    )


# --- buying -------------------------------------------------------------------------------------


def begin_checkout(
    connection: Connection,
    checkout_id: str,
    *,
    user_id: int,
    price_id: str,
    return_to: str | None,
    now: datetime,
) -> Row[Any] | None:
    """The row of this checkout, made now or by an earlier click; None if it is somebody else's."""
    connection.execute(
        insert_for(connection)(checkouts)
        .values(
            id=checkout_id,
            user_id=user_id,
            price_id=price_id,
            return_to=return_to,
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    return connection.execute(
        select(checkouts).where(
            checkouts.c.id == checkout_id,
            checkouts.c.user_id == user_id,
            checkouts.c.price_id == price_id,
        )
    ).one_or_none()


def save_session(
    connection: Connection, checkout_id: str, session_id: str, url: str, expires_at: datetime | None
) -> None:
    """Keep where Stripe's page for this checkout is, for the next click on the same button."""
    connection.execute(
        update(checkouts)
        .where(checkouts.c.id == checkout_id)
        .values(session_id=session_id, url=url, expires_at=expires_at)
    )


def checkout(connection: Connection, checkout_id: str) -> Row[Any] | None:
    """A checkout, whosever it is: the caller compares the user."""
    return connection.execute(select(checkouts).where(checkouts.c.id == checkout_id)).one_or_none()


def complete_checkout(connection: Connection, checkout_id: str, now: datetime) -> bool:
    """Note that the buyer came back from Stripe; True the first time."""
    done = connection.execute(
        update(checkouts)
        .where(checkouts.c.id == checkout_id, checkouts.c.completed_at.is_(None))
        .values(completed_at=now)
    )
    return done.rowcount == 1


def live_customers_of(connection: Connection, user_id: int) -> tuple[str, ...]:
    """The user's customers that are not deleted at Stripe, the one last used first."""
    return tuple(
        connection.scalars(
            select(customers.c.customer_id)
            .where(customers.c.user_id == user_id, customers.c.deleted_at.is_(None))
            .order_by(customers.c.linked_at.desc(), customers.c.customer_id)
        )
    )


def adopt_customer(connection: Connection, customer_id: str, user_id: int, now: datetime) -> bool:
    """Link a customer that was just made for this user; False if it is another's.

    It has nothing yet, which is a complete reading: Stripe need not be asked about it.
    """
    see_customer(connection, customer_id, now)
    linked = connection.execute(
        update(customers)
        .where(customers.c.customer_id == customer_id, customers.c.user_id.is_(None))
        .values(
            user_id=user_id,
            proof="made for them",
            linked_by="join",
            linked_at=now,
            read_at=func.coalesce(customers.c.read_at, literal(now, UtcTime())),
        )
    )
    if linked.rowcount:
        connection.execute(update(work).where(work.c.key == customer_id).values(user_id=user_id))
        log(
            connection,
            "linked",
            now=now,
            user_id=user_id,
            customer_id=customer_id,
            cause="join",
            outcome="made for them",
        )
    return user_of(connection, customer_id) == user_id


# --- standing -----------------------------------------------------------------------------------


def memberships_of(
    connection: Connection, user_id: int, group_ids: Collection[int]
) -> dict[int, Row[Any]]:
    """What is wanted and actual for a user in these groups."""
    rows = connection.execute(
        select(memberships).where(
            memberships.c.user_id == user_id, memberships.c.group_id.in_(list(group_ids))
        )
    )
    return {row.group_id: row for row in rows}


def steps_of(connection: Connection, user_id: int) -> dict[str, int]:
    """The step on which a user stands now, for each ladder."""
    rows = connection.execute(
        select(memberships.c.ladder, memberships.c.group_id).where(
            memberships.c.user_id == user_id,
            memberships.c.ladder.is_not(None),
            memberships.c.wanted,
            memberships.c.actual,
        )
    )
    return {row.ladder: row.group_id for row in rows}


def groups_by_id(connection: Connection, group_ids: Collection[int]) -> dict[int, Group]:
    """The groups as last read, for their names."""
    rows = connection.execute(select(groups).where(groups.c.id.in_(list(group_ids))))
    return {
        row.id: Group(row.id, row.name, row.full_name, row.automatic, row.user_count)
        for row in rows
    }
