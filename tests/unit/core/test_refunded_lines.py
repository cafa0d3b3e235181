"""Which lines of an order its refunds are of (A107)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.refunded_lines import LineRefund, MoneyBack, PaidLine, refunds_of_lines
from tests.unit.core.shop import NOW

HOUR = timedelta(hours=1)


def lines(**totals: int) -> list[PaidLine]:
    """A line for each, named after its price; `a2` has the same price as `a`."""
    return [PaidLine(name, total, name[0]) for name, total in totals.items()]


def back(*amounts: int | MoneyBack) -> list[MoneyBack]:
    return [
        one if isinstance(one, MoneyBack) else MoneyBack(one, NOW + number * HOUR)
        for number, one in enumerate(amounts)
    ]


def by_note(amount: int, **of: int) -> MoneyBack:
    return MoneyBack(amount, NOW, of)


def refunded(
    order: list[PaidLine], *amounts: int | MoneyBack, paid: int | None = None
) -> dict[str, LineRefund]:
    whole = sum(line.total_minor for line in order) if paid is None else paid
    return refunds_of_lines(order, whole, back(*amounts))


def amounts(found: Mapping[str, LineRefund]) -> dict[str, int]:
    return {name: one.refunded_minor for name, one in found.items()}


def doubts(found: Mapping[str, LineRefund]) -> dict[str, tuple[str, ...]]:
    return {name: one.may_be_of for name, one in found.items() if one.may_be_of}


@pytest.mark.parametrize(
    ("given_back", "expected"),
    [
        ([6000], {"a": 6000, "b": 0, "c": 0}),
        ([1000], {"a": 0, "b": 1000, "c": 0}),
        ([7000], {"a": 6000, "b": 1000, "c": 0}),
        ([1000, 300], {"a": 0, "b": 1000, "c": 300}),
        ([7300], {"a": 6000, "b": 1000, "c": 300}),
        ([3650, 3650], {"a": 6000, "b": 1000, "c": 300}),
        ([by_note(500, a=500)], {"a": 500, "b": 0, "c": 0}),
        ([by_note(1000, a=1000)], {"a": 1000, "b": 0, "c": 0}),
        ([by_note(1300, a=1000, c=300)], {"a": 1000, "b": 0, "c": 300}),
        ([by_note(1500, a=500)], {"a": 500, "b": 1000, "c": 0}),
    ],
)
def test_A107_a_refund_is_of_the_lines_it_names_or_whose_total_it_equals(
    given_back: list[int | MoneyBack], expected: dict[str, int]
) -> None:
    found = refunded(lines(a=6000, b=1000, c=300), *given_back)
    assert amounts(found) == expected
    assert doubts(found) == {}


def test_A107_any_other_refund_is_a_share_of_each_line_and_may_be_of_any() -> None:
    found = refunded(lines(a=6000, b=2000), 4000)
    assert amounts(found) == {"a": 3000, "b": 1000}
    assert doubts(found) == {"a": ("a", "b"), "b": ("a", "b")}
    only_b_is_left = refunded(lines(a=6000, b=2000), 6000, 500)
    assert amounts(only_b_is_left) == {"a": 6000, "b": 500}
    assert doubts(only_b_is_left) == {}


def test_A107_of_equal_lines_of_different_prices_it_may_be_either_until_more_is_refunded() -> None:
    order = lines(a=1000, b=1000, c=3000)
    found = refunded(order, 1000)
    assert doubts(found) == {"a": ("a", "b"), "b": ("a", "b")}
    assert {(one.least_minor, one.most_minor) for one in (found["a"], found["b"])} == {(0, 1000)}
    assert (found["c"].refunded_minor, found["c"].may_be_of) == (0, ())
    both = refunded(order, 1000, 1000)
    assert (amounts(both), doubts(both)) == ({"a": 1000, "b": 1000, "c": 0}, {})


def test_A107_of_equal_lines_of_one_price_it_is_the_first() -> None:
    found = refunded(lines(a=1000, a2=1000, b=500), 1000)
    assert (amounts(found), doubts(found)) == ({"a": 1000, "a2": 0, "b": 0}, {})


def test_A107_each_line_has_the_time_of_its_own_refund() -> None:
    found = refunded(lines(a=6000, b=1000), 1000, 6000)
    assert (found["b"].at, found["a"].at) == (NOW, NOW + HOUR)


def test_A107_what_no_line_tells_of_is_a_line_as_shipping_is() -> None:
    order = lines(a=1000, b=2000)
    assert amounts(refunded(order, 490, paid=3490)) == {"a": 0, "b": 0}
    assert amounts(refunded(order, 1490, paid=3490)) == {"a": 1000, "b": 0}
    assert amounts(refunded(order, 3490, paid=3490)) == {"a": 1000, "b": 2000}


def test_A107_where_credit_paid_a_part_the_price_of_a_line_names_it_too() -> None:
    order = lines(a=1000, b=6000)
    assert amounts(refunded(order, 1000, paid=3500)) == {"a": 500, "b": 0}
    assert amounts(refunded(order, 500, paid=3500)) == {"a": 500, "b": 0}
    assert amounts(refunded(order, 3500, paid=3500)) == {"a": 500, "b": 3000}


def test_A107_a_free_line_goes_with_the_whole_order_and_with_no_part() -> None:
    order = lines(a=1000, b=2000, f=0)
    part, whole = refunded(order, 1000)["f"], refunded(order, 1000, 2000)["f"]
    assert (part.refunded_minor, part.paid_minor) == (0, 3000)
    assert (whole.refunded_minor, whole.paid_minor) == (3000, 3000)


def test_A107_an_order_of_very_many_lines_is_read_at_once() -> None:
    many = [PaidLine(f"l{n}", 100 + n, f"p{n}") for n in range(200)]
    found = refunded(many, 130)
    assert [name for name, one in found.items() if one.refunded_minor] == ["l30"]


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.lists(st.integers(1, 60), max_size=4),
    st.integers(1, 200),
)
def test_A107_no_line_gets_more_back_than_was_paid_and_together_it_is_what_was_refunded(
    totals: list[int], given_back: list[int], paid: int
) -> None:
    order = [PaidLine(f"l{n}", total, f"p{n % 3}") for n, total in enumerate(totals)]
    found = refunds_of_lines(order, paid, back(*given_back))
    whole = sum(given_back) >= paid
    for line in order:
        one = found[line.id]
        assert 0 <= one.least_minor <= one.refunded_minor <= one.most_minor <= one.paid_minor
        assert whole <= (one.refunded_minor == one.paid_minor)
        assert not (whole and one.may_be_of)
        assert (one.least_minor == one.most_minor) or line.id in one.may_be_of
    costly = [found[line.id] for line in order if line.total_minor]
    assert sum(one.refunded_minor for one in costly) <= max(sum(given_back), 0)
    if sum(totals) == paid and not whole:
        assert sum(one.refunded_minor for one in costly) == sum(given_back)
