"""Typed days: one way to write them, and only days of the calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from click import BadParameter

from bridge.commands.common import Moment
from bridge.core.model.days import LAST_SECOND, day_of, through
from bridge.core.model.stripe import Product
from bridge.core.rules.amending import amendment
from bridge.core.rules.policy import parse_policy
from bridge.errors import Permanent, WrongConfig
from bridge.web.api.calls import Refused, moment_of
from tests.unit.core.catalogue import rules_of

MAPPED = {"discourse_groups": "patrons"}


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


def _of_metadata(day: str) -> str:
    product = Product("prod_1", "S", metadata={**MAPPED, "discourse_approval": day})
    return rules_of(product).problems[0].message


def _of_the_form(day: str) -> str:
    with pytest.raises(Permanent) as refused:
        amendment("prod_1", "approval", day)
    return str(refused.value)


def _of_the_file(day: str) -> str:
    with pytest.raises(WrongConfig) as refused:
        parse_policy({"defaults": {"approval": day}})
    return refused.value.problems[0].message


def _of_a_command(day: str) -> str:
    with pytest.raises(BadParameter) as refused:
        Moment(LAST_SECOND).convert(day, None, None)
    return refused.value.message


def _of_the_api(day: str) -> str:
    with pytest.raises(Refused) as refused:
        moment_of({"until": f"{day}T12:00:00Z"}, "until")
    return str(refused.value)


@pytest.mark.parametrize(
    "asked", [_of_metadata, _of_the_form, _of_the_file, _of_a_command, _of_the_api]
)
def test_a_day_that_no_calendar_has_is_refused_in_the_same_words_everywhere(
    asked: Callable[[str], str],
) -> None:
    for day in ("2027-02-29", "2027-04-31", "2027-13-01"):
        assert f"the calendar has no day {day}: check month and day" in asked(day)


@pytest.mark.parametrize("asked", [_of_metadata, _of_the_form, _of_the_file])
def test_a_setting_that_is_no_day_at_all_is_told_that_it_may_also_be_no(
    asked: Callable[[str], str],
) -> None:
    assert "it takes a day: " in asked("soon")
