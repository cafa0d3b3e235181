"""Terms that follow each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.rights.terms import follow, of_stays
from bridge.core.rules.values import Term
from tests.unit.core.shop import judged, patrons, purchase

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds without a zone are what it asks for


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("term", "start", "ends"),
    [
        ("1mo", noon(2026, 1, 31), [noon(2026, 2, 28), noon(2026, 3, 31), noon(2026, 4, 30)]),
        ("1mo", noon(2028, 1, 30), [noon(2028, 2, 29), noon(2028, 3, 30), noon(2028, 4, 30)]),
        ("3mo", noon(2026, 11, 30), [noon(2027, 2, 28), noon(2027, 5, 30), noon(2027, 8, 30)]),
        ("1y", noon(2028, 2, 29), [noon(2029, 2, 28), noon(2030, 2, 28), noon(2031, 2, 28)]),
        ("30d", noon(2026, 1, 31), [noon(2026, 3, 2), noon(2026, 4, 1), noon(2026, 5, 1)]),
    ],
)
def test_A109_terms_that_stack_follow_the_calendar_from_the_first_start(
    term: str, start: datetime, ends: list[datetime]
) -> None:
    passes = [purchase(f"cs_{number}:1", start + timedelta(number)) for number in range(3)]
    found = judged(*passes, rules=patrons(term=term), now=start)
    assert [grant.until_at for grant in found] == ends


def test_A109_what_was_given_back_is_no_month_of_the_calendar() -> None:
    start = noon(2026, 1, 31)
    first, gone, third = (purchase(f"cs_{n}:1", start + timedelta(n)) for n in range(3))
    gone = replace(gone, refunded_minor=5000)
    found = judged(first, gone, third, rules=patrons(term="1mo"), now=start)
    assert found[-1].until_at == noon(2026, 3, 31)


def test_A109_after_a_gap_or_a_term_of_days_the_calendar_begins_again() -> None:
    month, days = Term(months=1), Term(days=30)
    first = follow(None, month, noon(2026, 1, 31))
    assert follow(first, month, noon(2026, 3, 1)).end_at == noon(2026, 4, 1)
    mixed = follow(follow(first, days, noon(2026, 2, 1)), month, noon(2026, 2, 2))
    assert mixed.end_at == noon(2026, 4, 30)


@given(MOMENTS, st.integers(1, 40))
def test_A109_any_number_of_months_ends_as_one_term_of_that_length(
    at: datetime, count: int
) -> None:
    series = None
    for _ in range(count):
        series = follow(series, Term(months=1), at)
    assert series is not None
    assert series.end_at == Term(months=count).end(at)


@given(MOMENTS, st.lists(st.integers(1, 13).map(lambda n: Term(months=n)), min_size=1, max_size=6))
def test_A109_what_is_known_of_stays_alone_continues_the_same_calendar(
    at: datetime, terms: list[Term]
) -> None:
    series, stays = None, []
    for term in terms:
        series = follow(series, term, at)
        stays.append((at, series.end_at))
    found = of_stays(stays)
    assert found == series
