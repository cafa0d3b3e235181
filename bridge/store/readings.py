"""What was known at a time: each reading that differed from the one before, kept for good.

It is written with the current reading, in the same transaction, and only if something changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cattrs.preconf.json import make_converter
from sqlalchemy import Connection, Table, insert, or_, select

from bridge.core.model.account import OWN, SITE
from bridge.core.model.stripe import Entitlements, Feature, Price, Product, Purchase, Subscription
from bridge.core.rights.ahead import coming_at
from bridge.core.rules.policy import Policy
from bridge.store import gifts
from bridge.store.inserts import insert_for
from bridge.store.own import OWNED_ID, columns, is_of, is_ours, is_own
from bridge.store.schema.rights import readings

CONVERTER = make_converter()
# Values that are always the same are not stored a thousand times.
COMPACT = make_converter(omit_if_default=True)

KINDS: dict[str, type[Any]] = {
    "subscription": Subscription,
    "purchase": Purchase,
    "product": Product,
    "price": Price,
    "feature": Feature,
    "entitlements": Entitlements,
    "policy": Policy,
}
NAMES = {kind: name for name, kind in KINDS.items()}
CATALOGUE = ("product", "price", "feature")
POLICY_ID = "bridge.toml"

Thing = Subscription | Purchase | Product | Price | Feature | Entitlements


def note(
    connection: Connection, thing: Thing, at: datetime, *, customer_id: str | None = None
) -> None:
    """Append a reading of an object, valid from now on."""
    data = COMPACT.unstructure(thing)
    _append(connection, NAMES[type(thing)], thing.id, at, customer_id, data)


def keep(
    connection: Connection,
    table: Table,
    thing: Subscription | Purchase,
    customer_id: str,
    at: datetime,
    known_at: datetime | None = None,
) -> None:
    """Store an object's last reading in its table, and append it here if it changed.

    `known_at`: when it arrived, if that is long after the reading began.
    """
    data = CONVERTER.unstructure(thing)
    before = connection.scalar(select(table.c.data).where(table.c.id == thing.id, is_own(table)))
    # A reading by an earlier version has not changed only because it lacks newer fields.
    if before is None or (before != data and CONVERTER.structure(before, type(thing)) != thing):
        note(connection, thing, known_at or at, customer_id=customer_id)
    had = (before or {}).get("beneficiary_id")
    if had != thing.beneficiary_id:
        gifts.note(connection, thing, known_at or at, was_own=before is not None and had is None)
    row = {
        "customer_id": customer_id,
        "beneficiary_id": thing.beneficiary_id,
        "data": data,
        "read_at": at,
        **(listed_by(thing) if isinstance(thing, Subscription) else {}),
    }
    connection.execute(
        insert_for(connection)(table)
        .values(id=thing.id, **row)
        .on_conflict_do_update(index_elements=OWNED_ID, set_=row)
    )


def listed_by(subscription: Subscription) -> dict[str, Any]:
    """The columns that lists of subscriptions are made by."""
    return {
        "status": subscription.status[:30],
        "renews_at": coming_at(subscription, "renewals"),
        "trial_ends_at": coming_at(subscription, "trials"),
        "gift_ends_at": coming_at(subscription, "gifts"),
    }


def note_gone(
    connection: Connection, kind: str, object_id: str, at: datetime, *, customer_id: str | None
) -> None:
    """Append that an object no longer exists."""
    _append(connection, kind, object_id, at, customer_id, None)


def note_policy(connection: Connection, policy: Policy, at: datetime) -> None:
    """Append the policy, if it differs from the last one."""
    data = COMPACT.unstructure(policy)
    last = connection.scalar(
        select(readings.c.data)
        .where(is_of(readings, SITE), readings.c.kind == "policy")
        .order_by(readings.c.id.desc())
        .limit(1)
    )
    if last != data:
        _append(connection, "policy", POLICY_ID, at, None, data)


def of_customers(
    connection: Connection, customer_ids: Iterable[str], of_others: Iterable[str] = ()
) -> list[tuple[datetime, str, Any | None]]:
    """All readings of customers, the oldest first: when, of what, and what it was.

    `of_others`: subscriptions and purchases of other customers to include.
    """
    theirs = readings.c.customer_id.in_(list(customer_ids))
    others = readings.c.object_id.in_(list(of_others))
    rows = connection.execute(
        select(readings)
        .where(is_own(readings), or_(theirs, others))
        .order_by(readings.c.at, readings.c.id)
    )
    return list(_things(rows))


def entitlements_of(
    connection: Connection, customer_ids: Iterable[str]
) -> dict[str, list[tuple[datetime, frozenset[str]]]]:
    """Customer -> their entitlements according to Stripe, and when, the oldest first."""
    ids = list(customer_ids)
    if not ids:
        return {}
    rows = connection.execute(
        select(readings)
        .where(
            is_own(readings),
            readings.c.customer_id.in_(ids),
            readings.c.kind == "entitlements",
        )
        .order_by(readings.c.id)
    )
    found: dict[str, list[tuple[datetime, frozenset[str]]]] = {}
    for when, customer_id, thing in _things(rows):
        features = frozenset(thing.features) if thing else frozenset()
        found.setdefault(customer_id, []).append((when, features))
    return found


def gifts_to(connection: Connection, user_id: int) -> set[str]:
    """The subscriptions and purchases that were ever read as a gift to a user."""
    asked = select(readings.c.object_id).where(
        is_own(readings), readings.c.beneficiary_id == user_id
    )
    return set(connection.scalars(asked.distinct()))


def payers_of(connection: Connection, object_ids: Iterable[str]) -> set[str]:
    """The customers of these subscriptions and purchases."""
    ids = list(object_ids)
    if not ids:
        return set()
    asked = select(readings.c.customer_id).where(is_own(readings), readings.c.object_id.in_(ids))
    return {one for one in connection.scalars(asked.distinct()) if one}


def of_kinds(
    connection: Connection, kinds: Iterable[str]
) -> list[tuple[datetime, str, Any | None]]:
    """All readings of products and prices, or of the policy, the oldest first."""
    rows = connection.execute(
        select(readings)
        .where(is_ours(readings), readings.c.kind.in_(list(kinds)))
        .order_by(readings.c.id)
    )
    return list(_things(rows))


def _things(rows: Iterable[Any]) -> Iterator[tuple[datetime, str, Any | None]]:
    for row in rows:
        thing = COMPACT.structure(row.data, KINDS[row.kind]) if row.data is not None else None
        yield row.at, row.object_id, thing


def _append(
    connection: Connection,
    kind: str,
    object_id: str,
    at: datetime,
    customer_id: str | None,
    data: Any,
) -> None:
    reading = {
        **columns(SITE if kind == "policy" else OWN),
        "at": at,
        "kind": kind,
        "object_id": object_id,
        "customer_id": customer_id,
        "beneficiary_id": (data or {}).get("beneficiary_id"),
        "data": data,
    }
    connection.execute(_READING, reading)


_READING = insert(readings)
