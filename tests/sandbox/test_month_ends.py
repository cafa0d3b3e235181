"""Periods of subscriptions that begin at the end of a month."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sandbox.stripe.calendar import period_around
from bridge.sandbox.stripe.timeline import advance
from tests.sandbox.stripe_shop import DAY, Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def begin_on(shop: Shop, day: str) -> None:
    advance(shop.world, at(f"{day}T12:00:00") - shop.now)


def periods(shop: Shop, subscription: Any) -> list[tuple[str, str, int]]:
    """The periods that were invoiced, oldest first, with their amounts."""
    found = shop.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data[::-1]
    lines = [line for invoice in found for line in invoice.lines.data]
    return [(_day(line.period.start), _day(line.period.end), line.amount) for line in lines]


def _day(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).date().isoformat()


def test_A112_a_renewal_in_a_short_month_is_billed_in_full(shop: Shop) -> None:
    begin_on(shop, "2026-12-30")
    subscription = shop.subscribe(shop.price(500))
    shop.advance(95)
    assert periods(shop, subscription) == [
        ("2026-12-30", "2027-01-30", 500),
        ("2027-01-30", "2027-02-28", 500),
        ("2027-02-28", "2027-03-30", 500),
        ("2027-03-30", "2027-04-30", 500),
    ]


@pytest.mark.parametrize("day", ["2027-12-29", "2027-12-30", "2027-12-31", "2028-02-29"])
@pytest.mark.parametrize(
    ("interval", "count", "days"), [("month", 1, 130), ("month", 3, 400), ("year", 1, 1500)]
)
def test_A112_whole_periods_cost_the_whole_price(
    shop: Shop, day: str, interval: str, count: int, days: int
) -> None:
    begin_on(shop, day)
    price = shop.price(700, recurring={"interval": interval, "interval_count": count})
    subscription = shop.subscribe(price)
    shop.advance(days)
    billed = periods(shop, subscription)
    assert len(billed) > 2
    assert {amount for _, _, amount in billed} == {700}
    assert all(one[1] == other[0] for one, other in pairwise(billed))


def test_A112_an_anchor_on_the_31st_that_is_asked_for_in_february_comes_back(shop: Shop) -> None:
    begin_on(shop, "2027-02-10")
    wanted = {"day_of_month": 31, "hour": 12, "minute": 0, "second": 0}
    subscription = shop.subscribe(
        shop.price(2800), billing_cycle_anchor_config=wanted, proration_behavior="none"
    )
    shop.advance(85)
    assert [p[:2] for p in periods(shop, subscription)][-3:] == [
        ("2027-02-28", "2027-03-31"),
        ("2027-03-31", "2027-04-30"),
        ("2027-04-30", "2027-05-31"),
    ]
    assert {p[2] for p in periods(shop, subscription)[-3:]} == {2800}


def test_A112_a_preview_of_the_short_month_is_whole_and_a_change_in_it_exact(shop: Shop) -> None:
    begin_on(shop, "2027-01-30")
    subscription = shop.subscribe(shop.price(2900))
    shop.advance(1)
    preview = shop.v1.invoices.create_preview({"subscription": subscription.id})
    assert preview.total == 2900
    dearer = shop.price(5800)
    items = [{"id": subscription["items"].data[0].id, "price": dearer}]
    shop.v1.subscriptions.update(
        subscription.id, {"items": items, "proration_behavior": "always_invoice"}
    )
    # 28 of the 29 days from 30 January to 28 February are left.
    assert [line.amount for line in shop.last_invoice(subscription).lines.data] == [-2800, 5600]


INTERVALS = st.sampled_from(["day", "week", "month", "year"])
ANCHORS = st.integers(at("2024-01-01T00:00:00") // 60, at("2029-01-01T00:00:00") // 60).map(
    lambda minutes: minutes * 60
)


@settings(deadline=None)
@given(ANCHORS, INTERVALS, st.integers(1, 12), st.integers(-800, 2500))
def test_A112_periods_meet_without_gap_and_fall_on_the_anchors_day_or_the_months_last(
    anchor: int, interval: str, count: int, days: int
) -> None:
    moment = anchor + days * DAY
    start, end = period_around(anchor, moment, interval, count)
    assert start <= moment < end
    assert period_around(anchor, start, interval, count) == (start, end)
    assert period_around(anchor, end, interval, count)[0] == end
    assert period_around(anchor, start - 1, interval, count)[1] == start
    wanted = datetime.fromtimestamp(anchor, UTC)
    for point in (datetime.fromtimestamp(p, UTC) for p in (start, end)):
        assert point.time() == wanted.time()
        if interval in ("month", "year"):
            last = calendar.monthrange(point.year, point.month)[1]
            assert point.day == min(wanted.day, last)
