"""Which public post of the forum holds a link, by the forum's own search, as any visitor asks it.

The search names one post of each topic and also finds longer links that begin alike, so the topic's
raw text has the last word. It costs two requests for a link that is in one topic, and is refused
where the forum is private: then nobody is told anything.
Sources: SearchController#show and PostsController#markdown_num of Discourse 3.5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import urlencode

import requests

from bridge.discourse_api.visitor import read_page

# In more topics than these a link has no one place to go back to.
MOST_TOPICS = 3
_POSTS_A_PAGE = 100
# "ada | 2026-11-23 10:00:00 UTC | #3" stands above each post of a topic's raw text.
_HEAD = re.compile(r"^[\w.-]{1,60} \| [0-9][^|\n]{9,40} \| #([0-9]{1,7})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a link stands: a post, or a topic in several posts of it (without a number)."""

    topic_id: int
    number: int | None = None

    @property
    def path(self) -> str:
        """Its path on the forum, which adds the title itself."""
        return f"/t/{self.topic_id}/{self.number}" if self.number else f"/t/{self.topic_id}"


def find_link(forum_url: str, link: str) -> Place | None:
    """The one post or topic that holds the link; None if none does, or several topics do."""
    with requests.Session() as visitor:
        query = urlencode({"q": f'"{link}"'})
        found = topics_found(read_page(visitor, f"{forum_url}/search.json?{query}"))
        if not 0 < len(found) <= MOST_TOPICS:
            return None
        places = []
        for topic_id, number in found.items():
            page = (number - 1) // _POSTS_A_PAGE + 1
            raw = read_page(visitor, f"{forum_url}/raw/{topic_id}?page={page}") or ""
            numbers = list(posts_with(link, raw))
            if numbers:
                places.append(Place(topic_id, numbers[0] if len(numbers) == 1 else None))
    return places[0] if len(places) == 1 else None


def topics_found(answer: str | None) -> dict[int, int]:
    """Topic -> number of a post in it, of what the search found; empty for any other answer."""
    try:
        posts = json.loads(answer or "")["posts"]
        return {int(post["topic_id"]): int(post["post_number"]) for post in posts}
    except (ValueError, KeyError, TypeError):
        return {}


def posts_with(link: str, raw: str) -> Iterator[int]:
    """The numbers of the posts in a topic's raw text that hold this very link."""
    # What could go on with the link makes it another one; a full stop or a query does not.
    exact = re.compile(re.escape(link) + r"/?(?![\w%~+/-]|[.,:;!][\w%~+/-])", re.IGNORECASE)
    heads = list(_HEAD.finditer(raw))
    for head, following in zip_longest(heads, heads[1:]):
        end = following.start() if following else len(raw)
        if exact.search(raw, head.end(), end):
            yield int(head.group(1))
