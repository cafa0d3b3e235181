"""What needs a person, and when removals wait for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest

from bridge.core.telling import alerts
from bridge.core.telling.alerts import Alert, Kind, is_news_missed, removals_wait

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("missed_hours_ago", "arrived_hours_ago", "fails"),
    [
        ([], None, False),
        ([1, 1], None, False),  # an accident, or two
        ([1, 1, 1], None, True),
        ([1, 9, 20], None, True),
        ([1, 9, 25], None, False),  # not within a day
        ([3, 3, 3], 4, True),  # what arrived before says nothing
        ([3, 3, 3], 2.5, True),  # some arrives, some may not: the list was not read since
        ([3, 3, 3], 2, False),  # an hour later news arrives by itself again
    ],
)
def test_A37_the_endpoint_fails_when_failures_mount_until_news_arrives_again(
    missed_hours_ago: list[float], arrived_hours_ago: float | None, *, fails: bool
) -> None:
    missed = [NOW - timedelta(hours=hours) for hours in missed_hours_ago]
    arrived_at = None if arrived_hours_ago is None else NOW - arrived_hours_ago * HOUR
    assert is_news_missed(missed, arrived_at, NOW) is fails


def news(since: timedelta, told: timedelta | None = None, *, gone: bool = False) -> Alert:
    at = NOW - since
    told_at = NOW - told if told is not None else None
    gone_at = NOW if gone else None
    return Alert(Kind.NEWS_MISSED, "stripe", at, at, {"count": 3}, told_at, gone_at)


@pytest.mark.parametrize(
    ("alert", "anybody", "waits"),
    [
        (news(timedelta()), True, True),
        (news(23 * HOUR), True, True),
        (news(24 * HOUR), True, False),  # it cannot be told: a day is enough
        (news(HOUR, told=59 * timedelta(seconds=1)), True, True),
        (news(HOUR, told=MINUTE), True, False),  # a confirm window after it was told
        (news(59 * MINUTE), False, True),  # nobody is to be told: its age counts
        (news(HOUR), False, False),
        (news(timedelta(), gone=True), True, False),
    ],
)
def test_A37_removals_wait_until_a_confirm_window_after_it_was_told(
    alert: Alert, *, anybody: bool, waits: bool
) -> None:
    assert removals_wait(alert, NOW, MINUTE, anybody=anybody) is waits


@pytest.mark.parametrize("kind", sorted(set(Kind) - alerts.OF_NEWS))
def test_removals_wait_for_no_other_kind(kind: Kind) -> None:
    assert not removals_wait(Alert(kind, "x", NOW, NOW, {}), NOW, MINUTE, anybody=True)


@pytest.mark.parametrize("kind", Kind)
def test_A37_an_alert_leads_to_the_console_where_a_moderator_can_do_something(kind: Kind) -> None:
    place = Alert(kind, "x", NOW, NOW, {"user_id": 7}).place
    of_operators = {
        *(Kind.NEWS_MISSED, Kind.ENDPOINT_OFF, Kind.CLOCK_WRONG, Kind.STRIPE_WAITS),
        *(Kind.FORUM_WAITS, Kind.EVENT_WAITS, Kind.UNKNOWN_ADDITIONS, Kind.INVITES_REFUSED),
    }
    assert (place is None) == (kind in of_operators)
    if place:
        assert "bridge " not in place.words
        path = place.path.removesuffix("?kind=tabs")
        assert re.fullmatch(r"/moderate/(lists/[a-z]+|mapping|person/7)", path)
        assert kind not in alerts.LISTS or place.path.endswith(alerts.LISTS[kind])
    assert Alert(Kind.GIVES_NOTHING, "x", NOW, NOW, {}).place is None, "about nobody known"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_says_what_is_the_matter_and_what_to_do(kind: Kind) -> None:
    names = {
        name for text in alerts._WORDS[kind] for _, name, _, _ in Formatter().parse(text) if name
    }
    alert = Alert(kind, "x", NOW, NOW, {name: f"<{name}>" for name in names})
    assert all(f"<{name}>" in f"{alert.what} {alert.todo}" for name in names)
    assert alert.what
    assert alert.todo
