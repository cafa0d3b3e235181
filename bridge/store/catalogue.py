"""Products and prices as last read from Stripe, also deleted ones: subscriptions may use them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select, update

from bridge.core.model.stripe import Feature, Price, Product
from bridge.store import readings
from bridge.store.inserts import insert_for
from bridge.store.own import OWNED_ID, is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.rights import catalogue as catalogue_table
from bridge.store.schema.rights import purchases, subscriptions


def save(
    connection: Connection, found: Iterable[Product | Price | Feature], now: datetime
) -> frozenset[str]:
    """Remember products, prices, features; returns the ids of those that are new or changed."""
    changed = set()
    for read in found:
        kind = readings.NAMES[type(read)]
        known = connection.execute(_KNOWN, {"b_id": read.id}).one_or_none()
        thing = _with_currencies(read, known.data if known else None)
        data = CONVERTER.unstructure(thing)
        if known is None or known.data != data or known.deleted_at is not None:
            changed.add(thing.id)
            readings.note(connection, thing, now)
            row = {"kind": kind, "data": data, "read_at": now, "deleted_at": None}
            connection.execute(
                insert_for(connection)(catalogue_table)
                .values(id=thing.id, **row)
                .on_conflict_do_update(index_elements=OWNED_ID, set_=row)
            )
    return frozenset(changed)


_KNOWN = select(catalogue_table.c.data, catalogue_table.c.deleted_at).where(
    is_own(catalogue_table), catalogue_table.c.id == bindparam("b_id")
)


def _with_currencies(
    read: Product | Price | Feature, known: dict[str, Any] | None
) -> Product | Price | Feature:
    """A price within a subscription or an order does not say what it costs in other currencies."""
    if not isinstance(read, Price) or read.currency_options is not None or not known:
        return read
    return replace(read, currency_options=known.get("currency_options"))


def drop(connection: Connection, thing_id: str, now: datetime) -> None:
    """Remember that a product or price was deleted; purchases of it keep their rule."""
    connection.execute(
        update(catalogue_table)
        .where(is_own(catalogue_table), catalogue_table.c.id == thing_id)
        .values(deleted_at=now)
    )


def load(connection: Connection) -> tuple[tuple[Product, ...], tuple[Price, ...]]:
    """All products and prices ever read, also deleted ones: subscriptions may still use them."""
    rows = connection.execute(
        select(catalogue_table.c.kind, catalogue_table.c.data)
        .where(is_own(catalogue_table))
        .order_by(catalogue_table.c.id)
    )
    everything = [(row.kind, row.data) for row in rows]
    return (
        tuple(CONVERTER.structure(data, Product) for kind, data in everything if kind == "product"),
        tuple(CONVERTER.structure(data, Price) for kind, data in everything if kind == "price"),
    )


def on_sale(connection: Connection) -> tuple[list[Product], list[Price]]:
    """Products and prices that Stripe still has; each says whether it is active."""
    rows = connection.execute(
        select(catalogue_table.c.kind, catalogue_table.c.data)
        .where(is_own(catalogue_table), catalogue_table.c.deleted_at.is_(None))
        .order_by(catalogue_table.c.id)
    ).all()
    return (
        [CONVERTER.structure(row.data, Product) for row in rows if row.kind == "product"],
        [CONVERTER.structure(row.data, Price) for row in rows if row.kind == "price"],
    )


def load_features(connection: Connection) -> tuple[Feature, ...]:
    """All features ever read, archived ones too."""
    asked = select(catalogue_table.c.data).where(
        is_own(catalogue_table), catalogue_table.c.kind == "feature"
    )
    rows = connection.scalars(asked.order_by(catalogue_table.c.id))
    return tuple(CONVERTER.structure(data, Feature) for data in rows)


def load_of(
    connection: Connection, ids: Iterable[str | None]
) -> tuple[tuple[Product, ...], tuple[Price, ...]]:
    """The products and prices of these ids."""
    rows = connection.execute(
        select(catalogue_table.c.kind, catalogue_table.c.data).where(
            is_own(catalogue_table), catalogue_table.c.id.in_({id_ for id_ in ids if id_})
        )
    ).all()
    return (
        tuple(CONVERTER.structure(r.data, Product) for r in rows if r.kind == "product"),
        tuple(CONVERTER.structure(r.data, Price) for r in rows if r.kind == "price"),
    )


def known(connection: Connection, ids: Iterable[str]) -> frozenset[str]:
    """The ids among these that were read before."""
    return frozenset(
        connection.scalars(
            select(catalogue_table.c.id).where(
                is_own(catalogue_table), catalogue_table.c.id.in_(list(ids))
            )
        )
    )


def customers_on(connection: Connection, catalogue_ids: Iterable[str]) -> frozenset[str]:
    """Customers who have any of these products or prices, according to the stored readings."""
    ids = set(catalogue_ids)
    found = set()
    for row in connection.execute(_of_all(subscriptions)):
        if any(i["price_id"] in ids or i["product_id"] in ids for i in row.data["items"]):
            found.add(row.customer_id)
    for row in connection.execute(_of_all(purchases)):
        if row.data["price_id"] in ids or row.data["product_id"] in ids:
            found.add(row.customer_id)
    return frozenset(found)


def _of_all(table: Table) -> Select[tuple[str, Any]]:
    return select(table.c.customer_id, table.c.data).where(is_own(table))
