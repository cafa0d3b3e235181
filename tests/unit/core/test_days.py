"""Typed days: one way to write them, and only days of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bridge.core.model.days import day_of, through
from bridge.errors import Permanent


def test_a_day_lasts_until_its_last_second_in_utc() -> None:
    assert day_of("2028-02-29") == date(2028, 2, 29)
    assert through("2028-02-29") == datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "give a day"),
        ("tomorrow", "not a day"),
        ("31.03.2027", "not a day"),
        ("03/31/2027", "not a day"),
        ("20270331", "not a day"),
        ("2027-W13-3", "not a day"),
        ("2027-3-31", "not a day"),
        ("2027-03-31T23:00:00+02:00", "not a day"),
        ("2027-03-31 ", "not a day"),
        ("\u0662\u0660\u0662\u0667-\u0660\u0663-\u0663\u0661", "not a day"),
        ("2" * 10_000, "not a day"),
        ("2027-02-29", "the calendar has no day 2027-02-29"),
        ("2027-13-01", "the calendar has no day"),
        ("2027-04-31", "the calendar has no day"),
        ("0000-01-01", "the calendar has no day"),
    ],
)
def test_what_is_no_day_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(Permanent, match=says) as refused:
        day_of(text)
    assert len(str(refused.value)) < 120
