"""The post with a plain link, from the forum's search and the topic's raw text."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.discourse_api.link_places import Place, posts_with, topics_found
from bridge.web.buying.posts import FRESH, MOST_LINKS, RETRY, PostCache

LINK = "https://members.example.org/join/patron"


def raw(*posts: str) -> str:
    heads = (f"ada | 2026-11-23 10:00:0{n} UTC | #{n}" for n in range(1, len(posts) + 1))
    rule = "-" * 25
    return "".join(
        f"{head}\n\n{post}\n\n{rule}\n\n" for head, post in zip(heads, posts, strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        LINK,
        f"Join [here]({LINK}).",
        f"Join at {LINK}.",
        f"<a href='{LINK}'>join</a>",
        f"{LINK}?from=/t/1/2",
        f"{LINK}#now",
        f"{LINK}/",
        f"Is it {LINK}? Yes: {LINK.upper()}!",
        f"{LINK}, or nothing",
    ],
)
def test_A82_a_link_in_a_post_is_found_however_it_is_written(text: str) -> None:
    assert list(posts_with(LINK, raw("Hello", text))) == [2]


@pytest.mark.parametrize(
    "more", ["-yearly", "s", "/more", "+coffee", "_2", "2", "%20x", ".pdf", ".5", "~", ",x"]
)
def test_A82_a_longer_link_is_another_link(more: str) -> None:
    assert list(posts_with(LINK, raw(f"See {LINK}{more} for more"))) == []


def test_A82_each_post_of_a_topic_is_told_by_its_own_number() -> None:
    assert list(posts_with(LINK, raw(LINK, "nothing", f"again {LINK}"))) == [1, 3]
    assert list(posts_with(LINK, "")) == []
    assert list(posts_with(LINK, f"no head, only {LINK}")) == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "<html>",
        "[]",
        "{}",
        '{"posts": 1}',
        '{"posts": [{}]}',
        '{"posts": [{"topic_id": "x"}]}',
    ],
)
def test_an_answer_that_is_no_result_finds_nothing(answer: str | None) -> None:
    assert topics_found(answer) == {}


def test_a_result_names_topics_and_numbers_and_nothing_else_of_it_is_used() -> None:
    answer = '{"posts": [{"topic_id": 12, "post_number": 3, "blurb": "https://evil.example"}]}'
    assert topics_found(answer) == {12: 3}
    assert Place(12, 3).path == "/t/12/3"
    assert Place(12).path == "/t/12"


@given(st.lists(st.text(max_size=100), max_size=5), st.integers(0, 5))
def test_A82_among_any_other_words_the_link_is_found_where_it_stands(
    others: list[str], at: int
) -> None:
    posts = [*others[:at], f"See {LINK} for more", *others[at:]]
    assert len(others[:at]) + 1 in posts_with(LINK, raw(*posts))


# --- what is kept ---------------------------------------------------------------------------------


class Forum:
    """A search that gives the set answers, and counts requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun = threading.Semaphore(0)
        self.place: Place | None = Place(12, 3)
        self.at = datetime(2026, 11, 23, tzinfo=UTC)
        self.open = threading.Event()
        self.open.set()
        self.cache = PostCache(self.find, lambda: self.at)

    def find(self, link: str) -> Place | None:
        self.asked.append(link)
        self.begun.release()
        self.open.wait(10)
        return self.place


def test_a_link_is_searched_once_an_hour_however_often_it_is_opened() -> None:
    forum = Forum()
    assert [forum.cache.of(LINK) for _ in range(3)] == [Place(12, 3)] * 3
    assert forum.asked == [LINK]
    forum.at += FRESH
    forum.cache.of(LINK)
    assert forum.asked == [LINK, LINK]


def test_a_link_that_was_not_found_is_looked_for_again_soon() -> None:
    forum = Forum()
    forum.place = None
    assert forum.cache.of(LINK) is None
    forum.place, forum.at = Place(7, 1), forum.at + RETRY - timedelta(seconds=1)
    assert forum.cache.of(LINK) is None
    forum.at += timedelta(seconds=1)
    assert forum.cache.of(LINK) == Place(7, 1)


def test_what_was_found_is_told_while_it_is_looked_for_again() -> None:
    forum = Forum()
    forum.cache.of(LINK)
    forum.open.clear()
    forum.at += FRESH
    assert forum.cache.of(LINK) == Place(12, 3), "without waiting"
    forum.open.set()


def test_only_two_searches_are_under_way_and_no_page_waits_for_a_third() -> None:
    forum = Forum()
    forum.open.clear()
    threads = [threading.Thread(target=forum.cache.of, args=(f"{LINK}{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
        assert forum.begun.acquire(timeout=10)
    assert forum.cache.of(f"{LINK}3") is None
    assert len(forum.asked) == 2
    forum.open.set()
    for thread in threads:
        thread.join(10)


def test_no_more_links_are_kept_than_a_shop_has() -> None:
    forum = Forum()
    for number in range(MOST_LINKS + 10):
        forum.cache.of(f"{LINK}{number}")
    forum.asked.clear()
    forum.cache.of(f"{LINK}{MOST_LINKS + 9}")
    assert forum.asked == []
    forum.cache.of(f"{LINK}0")
    assert forum.asked == [f"{LINK}0"]
