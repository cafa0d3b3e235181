"""Finds where a link is, in the forum's search results and in a topic's raw text.

The search names one post of each topic and also finds longer links that begin alike, so the topic's
raw text has the last word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

# In more topics than these a link has no one place to go back to.
MOST_TOPICS = 3


POSTS_A_PAGE = 100


# "ada | 2026-11-23 10:00:00 UTC | #3" stands above each post of a topic's raw text.
_HEAD = re.compile(r"^[\w.-]{1,60} \| [0-9][^|\n]{9,40} \| #([0-9]{1,7})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a link: a post, or a topic (without a number) if several posts have it."""

    topic_id: int
    number: int | None = None

    @property
    def path(self) -> str:
        """Its path on the forum, which adds the title itself."""
        return f"/t/{self.topic_id}/{self.number}" if self.number else f"/t/{self.topic_id}"


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
