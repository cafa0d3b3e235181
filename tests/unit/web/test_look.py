"""The forum's colours, worn by our pages; a plain default while the forum is silent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from bridge.discourse_api.front_page import Site
from bridge.errors import Transient
from bridge.web.look import FRESH, RETRY, LookCache, make_look, palette

FORUM = "https://forum.example.org"
OWN = {"primary": "#111111", "secondary": "#fefefe", "tertiary": "#7a3e9d"}


def test_A102_the_forum_s_colours_are_worn_in_light_and_in_dark() -> None:
    css = palette(OWN, {**OWN, "secondary": "#101010"})
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    assert "--tertiary:#7a3e9d" in light
    assert "--secondary:#fefefe" in light
    assert "--secondary:#101010" in dark


def test_A102_a_forum_without_a_dark_palette_gets_the_plain_dark_one() -> None:
    dark = palette(OWN, {}).split("@media (prefers-color-scheme: dark)")[1]
    assert "--secondary:#222222" in dark
    assert "--tertiary:#7a3e9d" not in dark


def test_half_a_palette_is_not_mixed_with_half_of_the_default() -> None:
    light = palette({"secondary": "#000000", "header_background": "#abcdef"}, {}).splitlines()[0]
    assert "#000000" not in light
    assert "#abcdef" not in light


def test_a_header_of_its_own_is_worn_even_without_the_rest() -> None:
    light = palette({"header_background": "#abcdef", "header_primary": "#123456"}, {}).splitlines()[
        0
    ]
    assert "--header_background:#abcdef" in light
    assert "--header_primary:#123456" in light


def test_an_unread_forum_is_called_by_its_host() -> None:
    look = make_look(None, FORUM)
    assert look.title == "forum.example.org"
    assert look.logo_url is None
    assert "--tertiary:#0088cc" in look.css


def test_the_stylesheet_s_name_changes_with_the_palette() -> None:
    plain = make_look(Site("Forum"), FORUM)
    purple = make_look(Site("Forum", light=OWN), FORUM)
    assert plain.digest != purple.digest
    assert plain.digest == make_look(Site("Forum"), FORUM).digest


class Reads:
    """A forum that gives the set answers, and counts requests."""

    def __init__(self) -> None:
        self.count = 0
        self.answer: Site | Transient = Site("Forum")
        self.done = threading.Semaphore(0)

    def __call__(self) -> Site:
        self.count += 1
        try:
            if isinstance(self.answer, Transient):
                raise self.answer
            return self.answer
        finally:
            self.done.release()


class Time:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def settled(cache: LookCache, reads: Reads, count: int) -> None:
    """Wait for the reader beside the requests."""
    while reads.count < count:
        assert reads.done.acquire(timeout=5)
    cache.wait()


def test_the_forum_is_read_once_and_not_for_each_page() -> None:
    reads, time = Reads(), Time()
    cache = LookCache(reads, FORUM, time)
    assert [cache.current().title for _ in range(3)] == ["Forum"] * 3
    assert reads.count == 1


def test_A98_a_new_look_is_taken_on_within_minutes() -> None:
    reads, time = Reads(), Time()
    cache = LookCache(reads, FORUM, time)
    cache.current()
    reads.answer = Site("Renamed")
    time.at += FRESH
    cache.current()
    settled(cache, reads, 2)
    assert cache.current().title == "Renamed"
    assert timedelta(hours=24) > FRESH


def test_a_forum_that_is_down_costs_a_plain_look_and_no_error() -> None:
    reads, time = Reads(), Time()
    reads.answer = Transient("the forum was not reached")
    cache = LookCache(reads, FORUM, time)
    assert cache.current().title == "forum.example.org"
    reads.answer = Site("Forum")
    cache.current()
    assert reads.count == 1, "it is left alone for a minute"
    time.at += RETRY
    cache.current()
    settled(cache, reads, 2)
    assert cache.current().title == "Forum"


def test_a_look_once_read_outlives_a_forum_that_goes_down() -> None:
    reads, time = Reads(), Time()
    cache = LookCache(reads, FORUM, time)
    cache.current()
    reads.answer = Transient("the forum was not reached")
    time.at += FRESH
    cache.current()
    settled(cache, reads, 2)
    assert cache.current().title == "Forum"
