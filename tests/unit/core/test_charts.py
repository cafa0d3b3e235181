"""The console's charts: sums of months, and where their bars stand."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.telling.charts import (
    CAME,
    HEIGHT,
    LOST,
    MOST_SERIES,
    NOBODY,
    OTHER,
    RECOVERED,
    WENT,
    WIDTH,
    Chart,
    Series,
    Sum,
    by_month,
    by_product,
    charts,
    months_until,
)

NOW = datetime(2028, 1, 31, 23, tzinfo=UTC)
MONTHS = months_until(NOW)
NUMBERS = st.lists(
    st.lists(st.integers(-(10**9), 10**9), min_size=12, max_size=12), min_size=1, max_size=4
)


def test_a_chart_has_twelve_months_across_the_turn_of_the_year() -> None:
    assert MONTHS[0] == date(2027, 2, 1)
    assert MONTHS[-1] == date(2028, 1, 1)
    assert len(MONTHS) == 12


def test_days_are_added_up_to_their_months_and_currencies_stay_apart() -> None:
    days = [
        (date(2028, 1, 1), "prod_1", "eur", 500),
        (date(2028, 1, 31), "prod_1", "eur", -200),
        (date(2028, 1, 31), "prod_1", "usd", 7),
        (date(2027, 12, 31), "prod_1", "eur", 1),
    ]
    assert by_month("money", days) == [
        Sum("money", "2027-12", "prod_1", "eur", 1),
        Sum("money", "2028-01", "prod_1", "eur", 300),
        Sum("money", "2028-01", "prod_1", "usd", 7),
    ]


@given(NUMBERS)
def test_each_bar_is_as_high_as_its_value_and_stays_in_the_picture(rows: list[list[int]]) -> None:
    series = tuple(Series(f"s{n}", tuple(values)) for n, values in enumerate(rows))
    chart = Chart("k", "t", "s", MONTHS, series)
    scale = HEIGHT / ((chart.highest - chart.lowest) or 1)
    drawn = {(bar.month, bar.series): bar for bar in chart.bars}
    for bar in chart.bars:
        assert -1 <= bar.y <= HEIGHT + 1
        assert bar.y + bar.height <= HEIGHT + 1
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
    for number, one in enumerate(series):
        for month, value in enumerate(one.values):
            height = drawn[month, number].height if (month, number) in drawn else 0
            assert abs(height - abs(value) * scale) <= 0.1


@given(st.lists(st.integers(0, 100), min_size=1, max_size=9))
def test_the_largest_have_bars_of_their_own_and_nobody_is_left_out(counts: list[int]) -> None:
    sums = [Sum("members", "2028-01", str(n), "", count) for n, count in enumerate(counts)]
    found = charts([*sums, Sum("members", "2028-01", NOBODY, "", 0)], NOW, {"0": "Patrons"})
    if not any(counts):
        assert found == ()
        return
    (chart,) = found
    assert len(chart.series) == min(len(counts), MOST_SERIES)
    assert sum(one.values[-1] for one in chart.series) == sum(counts)
    assert chart.says.startswith(f"{sum(counts):,} on 31 January, 23:00 UTC, ")


def test_money_is_a_chart_for_each_currency_and_read_as_money() -> None:
    sums = [
        Sum("money", "2028-01", "prod_1", "eur", 1250),
        Sum("money", "2027-12", "prod_1", "jpy", 500),
    ]
    euro, yen = charts(sums, NOW, {"prod_1": "Supporter"})
    assert (euro.key, yen.key) == ("money-eur", "money-jpy")
    assert euro.series[0].name == "Supporter"
    assert "12.50" in euro.says
    assert "¥500" in yen.says


def test_coming_is_above_the_line_and_going_below() -> None:
    sums = [Sum("moved", "2028-01", CAME, "", 6), Sum("moved", "2028-01", WENT, "", 2)]
    (chart,) = charts(sums, NOW, {})
    above, below = chart.bars
    assert above.y + above.height == below.y == round(chart.line_at, 1)
    assert above.height == 3 * below.height
    assert "6 joined a group and 2 left one" in chart.says


def test_what_was_paid_after_all_is_part_of_what_failed() -> None:
    sums = [Sum("failed", "2028-01", RECOVERED, "", 2), Sum("failed", "2028-01", LOST, "", 1)]
    (chart,) = charts(sums, NOW, {})
    assert "3 failed, and 2 of them were paid since" in chart.says


def test_every_third_month_is_named_below_its_own_bar_and_the_last_one_too() -> None:
    (chart,) = charts([Sum("moved", "2028-01", CAME, "", 1)], NOW, {})
    assert [month.month for _, month in chart.named_months] == [4, 7, 10, 1]
    (bar,) = chart.bars
    assert chart.named_months[-1][0] == bar.x + bar.width / 2


def test_members_are_counted_by_product_each_once_whatever_groups_it_gives() -> None:
    granted = [
        (1, "price:p_month"),
        (1, "price:p_year"),
        (2, "price:p_month"),
        (2, "product:prod_b"),
        (3, "hand"),
        (4, "price:unknown"),
    ]
    sums = by_product("2028-01", granted, {"p_month": "prod_a", "p_year": "prod_a"})
    assert [(one.name, one.value) for one in sums if one.name] == [
        (OTHER, 1),
        ("prod_a", 2),
        ("prod_b", 1),
        ("unknown", 1),
    ]
    assert any(one.name == NOBODY for one in sums), "that the month was counted"
    (chart,) = charts(sums, NOW, {"prod_a": "Patron", OTHER: "No product"})
    assert chart.title == "Members by product"
    assert {one.name for one in chart.series} == {"Patron", "No product", "prod_b", "unknown"}
