"""The moderators' digest: its content, when it is due, and when it is empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.rules.policy import parse_policy
from bridge.core.telling.digest import Counted, digest, is_due
from bridge.errors import WrongConfig

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
GROUPS = {1: "supporters", 2: "patrons"}


def test_what_waits_who_came_and_went_and_what_was_decided_each_have_their_place() -> None:
    happened = [
        Counted("added", 1, by_person=False, count=4),
        Counted("added", 2, by_person=True, count=1),
        Counted("removed", 1, by_person=False, count=2),
        Counted("removed_by_others", 1, by_person=False, count=1),
        Counted("wanted", 1, by_person=False, count=9),
        Counted("wanted", 2, by_person=True, count=1),
        Counted("intent_add", 2, by_person=True, count=1),
        Counted("granted", 2, by_person=True, count=1),
        Counted("linked", None, by_person=True, count=1),
        Counted("linked", None, by_person=False, count=5),
    ]
    told = digest(NOW - DAY, NOW, {"failed": 1, "held": 2, "dead": 0}, happened, GROUPS)
    assert [(one.what, one.path) for one in told.waiting] == [
        ("1 failed payment", "/moderate/lists/failed"),
        ("2 changes that wait for your decision", "/moderate/lists/held"),
    ]
    assert [(one.what, one.path) for one in told.moved] == [
        ("patrons: 1 joined, 0 left", "/moderate/log?group=2"),
        ("supporters: 4 joined, 3 left", "/moderate/log?group=1"),
    ]
    assert [(one.what, one.path) for one in told.decided] == [
        ("Given by hand: 1", "/moderate/log?kind=granted"),
        ("Customer linked: 1", "/moderate/log?kind=linked"),
    ]


def test_readings_and_decisions_of_the_bridge_itself_are_no_news() -> None:
    happened = [
        Counted("wanted", 1, by_person=False, count=9),
        Counted("told", None, by_person=False, count=3),
    ]
    assert digest(NOW - DAY, NOW, {"held": 0}, happened, GROUPS).is_silent


@pytest.mark.parametrize(
    ("period", "ago", "due"),
    [
        ("daily", None, False),
        ("daily", DAY - timedelta(seconds=1), False),
        ("daily", DAY, True),
        ("weekly", 6 * DAY, False),
        ("weekly", 7 * DAY, True),
        ("weekly", 30 * DAY, True),
    ],
)
def test_it_is_due_a_whole_period_after_the_last(
    period: str, ago: timedelta | None, *, due: bool
) -> None:
    assert is_due(period, None if ago is None else NOW - ago, NOW) is due


@pytest.mark.parametrize("said", ["off", "daily", "weekly"])
def test_the_site_says_how_often(said: str) -> None:
    assert parse_policy({"console": {"digest": said}}).digest == said


@pytest.mark.parametrize("said", ["hourly", "", True, 7])
def test_another_word_is_refused_with_those_that_are_taken(said: object) -> None:
    with pytest.raises(WrongConfig, match="`off`, `daily`, `weekly`"):
        parse_policy({"console": {"digest": said}})
