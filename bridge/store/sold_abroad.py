"""What was paid from a country to which it is not sold: only Stripe's page could tell (A95)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from bridge.core.model.alerts import Finding, Kind
from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.rights.buyers import Whereabouts, always_allowed, not_sold_to
from bridge.core.rights.switching import OVER
from bridge.core.rules.compiled import Rules
from bridge.core.rules.paying import country_name
from bridge.store.naming import Names
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.buying import checkouts, sale_countries
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases, subscriptions

S = sale_countries.c
LASTS = timedelta(days=30)
# So long after a purchase its country may be noted: the full reading looks back as far.
NOTED_WITHIN = timedelta(days=36)
# A mistake in `discourse_countries` concerns everybody, and shows in these as well.
MOST = 50


def findings(connection: Connection, rules: Rules, now: datetime) -> Iterator[Finding]:
    """Each of them, until it is given back or has ended, or for thirty days."""
    allowed = always_allowed(rules)
    if allowed is None:
        return
    asked = (
        select(sale_countries, customers.c.user_id)
        .outerjoin(customers, and_(customers.c.customer_id == S.customer_id, is_own(customers)))
        .where(is_own(sale_countries), S.at > now - LASTS, S.country.not_in(sorted(allowed)))
        .order_by(S.at.desc(), S.id)
        .limit(MOST)
    )
    names = Names(connection)
    for row in connection.execute(asked):
        outside = not_sold_to(_bought(connection, row), row.country, rules)
        if outside:
            yield Finding(Kind.SOLD_ABROAD, row.id, row.at, _told(row, outside, names))


def _told(row: Row[Any], outside: tuple[str, ...], names: Names) -> dict[str, Any]:
    evidence = Whereabouts(row.billing, row.card, row.ip, row.said)
    told = {
        "who": row.customer_id if row.user_id is None else names.user(row.user_id),
        "what": names.products(outside),
        "country": row.country,
        "where": country_name(row.country),
        "evidence": evidence.told,
        "order": row.id,
    }
    return told if row.user_id is None else told | {"user_id": row.user_id}


def _bought(connection: Connection, sale: Row[Any]) -> Iterator[tuple[str, str]]:
    """Price and product of what this order brought and is not given back, nor over."""
    once = is_own(purchases), purchases.c.customer_id == sale.customer_id
    for data in connection.scalars(select(purchases.c.data).where(*once)):
        one = CONVERTER.structure(data, Purchase)
        if one.id.partition(":")[0] == sale.id and not one.is_given_back:
            yield one.price_id, one.product_id
    begun = select(checkouts.c.price_id, checkouts.c.lines).where(checkouts.c.session_id == sale.id)
    order = connection.execute(begun).first()
    ordered = {price_id for price_id, *_ in order.lines} if order and order.lines else set()
    ordered |= {order.price_id} if order else set()
    running = is_own(subscriptions), subscriptions.c.customer_id == sale.customer_id
    for data in connection.scalars(select(subscriptions.c.data).where(*running)):
        found = CONVERTER.structure(data, Subscription)
        is_of_it = timedelta() <= sale.at - found.created_at <= NOTED_WITHIN
        if found.status in OVER or not is_of_it:
            continue
        for item in found.items:
            if not ordered or item.price_id in ordered:
                yield item.price_id, item.product_id
