"""A membership from the log: its state, and each stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Membership
from bridge.core.memberships.record import (
    Line,
    Recorded,
    as_it_was,
    as_known,
    never,
    recorded_after,
    stays,
)

START = datetime(2027, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def line(hour: int, action: str, outcome: str | None = None, **detail: Any) -> Line:
    return Line(hour, START + hour * HOUR, action, 7, 1, f"evt_{hour}", "rule", outcome, detail)


LIFE = [
    line(1, "wanted", "active", wanted=True, sources=["sub_1"], reason="active"),
    line(2, "added", "proven"),
    line(5, "unwanted", "canceled", wanted=False, sources=["sub_1"]),
    line(6, "confirmed", "canceled", wanted=False, sources=["sub_1"]),
    line(7, "removed"),
    line(9, "wanted", "active", wanted=True, sources=["sub_2"], reason="active"),
    line(10, "added", "claimed"),
]


def record(lines: list[Line], hour: float) -> Recorded:
    found = recorded_after(as_known(lines, START + hour * HOUR))
    return found.get((7, 1)) or never(7, 1)


def actual(lines: list[Line], hour: float) -> Membership:
    return record(lines, hour).membership


def wanted(lines: list[Line], hour: float) -> WantedMembership:
    return actual(lines, hour).membership


def test_a_membership_stands_as_the_lines_before_the_time_say() -> None:
    assert not wanted(LIFE, 0).wanted
    assert (wanted(LIFE, 1).wanted, actual(LIFE, 1).actual) == (True, False)
    assert (actual(LIFE, 3).actual, actual(LIFE, 3).owned) == (True, "proven")
    assert (wanted(LIFE, 5).wanted, actual(LIFE, 5).actual) == (False, True)
    assert (actual(LIFE, 8).actual, actual(LIFE, 8).owned) == (False, "no")
    assert wanted(LIFE, 11).sources == ("sub_2",)


def test_what_ended_it_is_named_and_not_the_second_reading_that_confirmed_it() -> None:
    decided = record(LIFE, 8).decided
    assert decided is not None
    assert (decided.action, decided.cause) == ("unwanted", "evt_5")
    assert wanted(LIFE, 6).confirmed_at == START + 6 * HOUR
    assert wanted(LIFE, 9).unwanted_at is None


def test_each_stay_has_its_coming_and_its_going() -> None:
    found = [(stay.came.cause, stay.went.cause if stay.went else None) for stay in stays(LIFE)]
    assert found == [("evt_2", "evt_7"), ("evt_10", None)]


def test_who_is_found_in_a_group_was_there_since_the_forum_says() -> None:
    seen = [line(8, "seen", "no", since=(START + 3 * HOUR).isoformat())]
    was = recorded_after(as_it_was(seen, START + 4 * HOUR))[7, 1].membership
    assert (was.actual, was.actual_since) == (True, START + 3 * HOUR)
    assert recorded_after(as_known(seen, START + 4 * HOUR)) == {}
    assert stays(seen)[0].from_at == START + 3 * HOUR


def test_a_closer_look_at_whose_a_membership_is_begins_no_new_stay() -> None:
    lines = [*LIFE[:2], line(3, "seen", "proven", since=(START + 2 * HOUR).isoformat())]
    assert len(stays(lines)) == 1
    assert record(lines, 4).moved == LIFE[1]


def test_A48_the_event_behind_a_coming_is_told_though_the_forum_dates_it_a_moment_earlier() -> None:
    since = START + 2 * HOUR - timedelta(seconds=1)
    lines = [*LIFE[:2], line(3, "seen", "proven", since=since.isoformat())]
    assert recorded_after(as_it_was(lines, START + 4 * HOUR))[7, 1].moved == LIFE[1]
    (stay,) = stays(lines)
    assert stay.came == LIFE[1]


def test_what_is_held_or_ended_by_hand_stands_so_until_it_is_lifted() -> None:
    lines = [
        *LIFE[:2],
        line(3, "held", "rule_halted", wanted=True, hold="rule_halted", sources=["sub_1"]),
        line(4, "lifted", "rule_halted"),
        line(5, "override", "staff"),
        line(6, "held", "user_gone"),
        line(7, "lifted", "staff"),
    ]
    assert (wanted(lines, 3).hold, wanted(lines, 4).hold) == ("rule_halted", None)
    assert (actual(lines, 5).override, wanted(lines, 6).hold) == ("staff", "user_gone")
    assert (actual(lines, 7).override, wanted(lines, 7).hold) == (None, None)
