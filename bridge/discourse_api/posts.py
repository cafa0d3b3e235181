"""Finds the public post that contains a link, by the forum's own search, as any visitor.

It costs two requests for a link that is in one topic, and is refused where the forum is private:
then nobody is told anything. Sources: SearchController#show and PostsController#markdown_num of
Discourse 3.5.
"""

from __future__ import annotations

from urllib.parse import urlencode

import requests

from bridge.discourse_api.link_places import (
    MOST_TOPICS,
    POSTS_A_PAGE,
    Place,
    posts_with,
    topics_found,
)
from bridge.discourse_api.visitor import read_page


def find_link(forum_url: str, link: str) -> Place | None:
    """The one post or topic that holds the link; None if none does, or several topics do."""
    with requests.Session() as visitor:
        query = urlencode({"q": f'"{link}"'})
        found = topics_found(read_page(visitor, f"{forum_url}/search.json?{query}"))
        if not 0 < len(found) <= MOST_TOPICS:
            return None
        places = []
        for topic_id, number in found.items():
            page = (number - 1) // POSTS_A_PAGE + 1
            raw = read_page(visitor, f"{forum_url}/raw/{topic_id}?page={page}") or ""
            numbers = list(posts_with(link, raw))
            if numbers:
                places.append(Place(topic_id, numbers[0] if len(numbers) == 1 else None))
    return places[0] if len(places) == 1 else None
