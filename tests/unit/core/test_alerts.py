"""Alerts, and when removals wait for them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.model.alerts import OF_NEWS, Kind
from bridge.core.telling import alerts
from bridge.core.telling.alerts import Alert, is_news_missed, removals_wait

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


@pytest.mark.parametrize("kind", sorted(set(Kind) - OF_NEWS))
def test_removals_wait_for_no_other_kind(kind: Kind) -> None:
    assert not removals_wait(Alert(kind, "x", NOW, NOW, {}), NOW, MINUTE, anybody=True)


@pytest.mark.parametrize("kind", Kind)
def test_A37_an_alert_leads_to_the_console_where_a_moderator_can_do_something(kind: Kind) -> None:
    place = Alert(kind, "x", NOW, NOW, {"user_id": 7}).place
    of_operators = {Kind.CLOCK_WRONG, Kind.EVENT_WAITS}
    assert (place is None) == (kind in of_operators)
    if place:
        assert "bridge " not in place.words
        path = place.path.partition("?")[0]
        assert re.fullmatch(r"/moderate/(lists/[a-z]+|mapping|settings#keys|person/7)", path)
        assert kind not in alerts.LISTS or path.endswith(alerts.LISTS[kind])
    assert Alert(Kind.GIVES_NOTHING, "x", NOW, NOW, {}).place is None, "about nobody known"


SAID = {
    "count": 3,
    "seconds": 90,
    "user_id": 7,
    **{
        name: f"<{name}>"
        for name in (
            *("address", "what", "event_id", "user", "who", "group", "objects", "customer"),
            *("order", "ended", "kept", "amount", "where", "evidence", "lost"),
        )
    },
    **{name: f"The {name} is said." for name in ("message", "hint", "why", "todo")},
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_says_what_is_the_matter_and_what_to_do_in_whole_sentences(kind: Kind) -> None:
    alert = Alert(kind, "x", NOW, NOW, SAID)
    for text in (alert.what, alert.todo):
        assert re.match("[A-Z<3]", text), text
        assert text.endswith("."), text
        assert ".." not in text
        assert "%" not in text
        assert "unknown" not in text
    if alert.place:
        assert alert.place.words[0].isupper()


def test_an_alert_counts_what_it_is_about() -> None:
    def what(kind: Kind, **facts: object) -> str:
        return Alert(kind, "x", NOW, NOW, facts).what

    assert what(Kind.FORUM_WAITS, count=1).endswith("1 membership waits for it.")
    assert what(Kind.FORUM_WAITS, count=2).endswith("2 memberships wait for it.")
    assert what(Kind.APPLIED, who="ben") == "ben applied to be a member and waits for approval."
    assert what(Kind.APPLIED, count=12).startswith("12 people applied")
    assert what(Kind.PAYS_UNLINKED, customer="cus_1", what="Gold").startswith("cus_1 pays for Gold")
    assert what(Kind.PAYS_UNLINKED, count=12, what="Gold").startswith("12 customers pay for Gold")
    assert "no such account" in what(Kind.PAYS_WITHOUT_ACCOUNT, state="gone")
    assert "made anonymous" in what(Kind.PAYS_WITHOUT_ACCOUNT, state="anonymized")
    assert what(Kind.GIVES_NOTHING, who="ben", what="Gold", why="They had left gold.") == (
        "ben paid for Gold again and got nothing. They had left gold."
    )


def test_an_alert_of_an_older_version_may_lack_facts() -> None:
    assert Alert(Kind.HELD, "x", NOW, NOW, {}).what == (
        "unknown’s membership of unknown waits for your decision. unknown"
    )
