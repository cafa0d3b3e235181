"""The country of each sale, with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bridge.core.rights.buyers import Whereabouts
from bridge.store.inserts import insert_for
from bridge.store.own import OWNED_ID, is_own
from bridge.store.schema.buying import checkouts
from bridge.store.schema.buying import sale_countries as table


@dataclass(frozen=True, slots=True)
class SaleCountry:
    """The country to which an order was sold, with the evidence."""

    order_id: str
    at: datetime
    customer_id: str
    country: str
    billing: str | None
    card: str | None
    ip: str | None
    said: str | None


def note(
    connection: Connection,
    order_id: str,
    customer_id: str,
    *,
    billing: str | None,
    card: str | None,
    now: datetime,
) -> Whereabouts:
    """Store the country of an order; evidence that only an earlier look found stays."""
    asked = select(checkouts.c.country_ip, checkouts.c.country_said)
    begun = connection.execute(asked.where(checkouts.c.session_id == order_id)).first()
    known = connection.execute(
        select(table.c.billing, table.c.card).where(is_own(table), table.c.id == order_id)
    ).one_or_none()
    found = Whereabouts(
        billing or (known.billing if known else None),
        card or (known.card if known else None),
        begun.country_ip if begun else None,
        begun.country_said if begun else None,
    )
    is_known = known is not None and (known.billing, known.card) == (found.billing, found.card)
    if found.country is None or is_known:
        return found
    row = {
        "customer_id": customer_id,
        "country": found.country,
        "billing": found.billing,
        "card": found.card,
        "ip": found.ip,
        "said": found.said,
    }
    insert = insert_for(connection)(table).values(id=order_id, at=now, **row)
    connection.execute(insert.on_conflict_do_update(index_elements=OWNED_ID, set_=row))
    return found


def latest(connection: Connection, customer_ids: Collection[str]) -> str | None:
    """The country of the newest sale to any of these customers."""
    mine = is_own(table), table.c.customer_id.in_(list(customer_ids))
    return connection.scalar(
        select(table.c.country).where(*mine).order_by(table.c.at.desc()).limit(1)
    )


def read(
    connection: Connection, since: datetime | None, until: datetime | None
) -> Iterator[SaleCountry]:
    """The sales of a period, oldest first."""
    asked = select(table).where(is_own(table)).order_by(table.c.at, table.c.id)
    if since is not None:
        asked = asked.where(table.c.at >= since)
    if until is not None:
        asked = asked.where(table.c.at < until)
    for row in connection.execute(asked):
        yield SaleCountry(
            row.id, row.at, row.customer_id, row.country, row.billing, row.card, row.ip, row.said
        )
