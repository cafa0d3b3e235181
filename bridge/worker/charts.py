"""Periodically counts the figures of the console's charts, so that no page has to."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from bridge.core.telling.charts import Sum, by_product, month_code, months_until, nobody
from bridge.store import charts
from bridge.wiring import Bridge

OF_MEMBERS = frozenset({"members", "payers"})
"""What the log tells of a moment, and is not counted again."""


def count(bridge: Bridge) -> None:
    """Count the last year again; the members at the end of a past month are counted only once."""
    now = bridge.clock.now()
    months = months_until(now)
    codes = [month_code(one) for one in months]
    since = _begin(months[0])
    with bridge.store.read() as connection:
        known, counted_at = charts.kept(connection)
        begins_at = charts.begins_at(connection)
        found = [
            *charts.money(connection, since),
            *charts.moved(connection, since),
            *charts.failed(connection, since),
        ]
    # The log is append-only, so counts after a month's end never change.
    members = {
        code: [one for one in known if one.kind in OF_MEMBERS and one.month == code]
        for code, following in zip(codes, months[1:], strict=False)
        if counted_at is not None and _begin(following) <= counted_at
    }
    for code, following in zip(codes, [*months[1:], None], strict=True):
        if {one.kind for one in members.get(code, ())} != OF_MEMBERS:
            at = _begin(following) if following else now
            is_before = begins_at is None or begins_at >= at
            members[code] = nobody(code) if is_before else _members(bridge, code, at)
    found += [one for of_month in members.values() for one in of_month]
    with bridge.store.write() as connection:
        charts.keep(connection, found, now)


def _members(bridge: Bridge, code: str, at: datetime) -> list[Sum]:
    with bridge.store.read() as connection:
        prices = bridge.rulebook.law(connection).catalogue.prices
        product_of = {one.id: one.product_id for one in prices.values()}
        granted = charts.granted(connection, at)
        return [*charts.members(connection, code, at), *by_product(code, granted, product_of)]


def _begin(month: date) -> datetime:
    return datetime.combine(month, time.min, tzinfo=UTC)
