"""The forum's search, and the raw text of topics, as far as visitors use them to find a link."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import answer, invalid
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.permissions import can_see_topic
from bridge.sandbox.discourse.shapes_post import listed_topic, live_posts
from bridge.sandbox.discourse.state import Post, Topic, iso
from bridge.sandbox.discourse.topics import no_topic, seen_topic

routes = Blueprint("search", __name__)

SHORTEST = 3
FULL_PAGE = 50
POSTS_A_PAGE = 100


@routes.get("/search")
def _search() -> Response:
    """Quoted words have to stand in the text as they are; of a topic the first post is named."""
    made = call()
    term = made.text("q")
    if len(term) < SHORTEST:
        raise invalid("q")
    phrases = [phrase.lower() for phrase in re.findall('"([^"]+)"', term)] or [term.lower()]
    found: dict[int, Post] = {}
    for topic in made.forum.topics.values():
        if topic.is_message or not can_see_topic(made.user, topic):
            continue
        post = next((one for one in _posts(made, topic) if _has(one, phrases)), None)
        if post:
            found[topic.id] = post
    newest = sorted(found.values(), key=lambda one: one.created_at, reverse=True)[:FULL_PAGE]
    return answer(
        {
            "posts": [_listed(made, post, phrases[0]) for post in newest],
            "topics": [listed_topic(made.forum, made.forum.topics[p.topic_id]) for p in newest],
            "users": [],
            "categories": [],
            "tags": [],
            "groups": [],
            "grouped_search_result": _grouped(term, newest),
        }
    )


def _posts(made: Call, topic: Topic) -> list[Post]:
    return live_posts(made.forum, topic)


def _has(post: Post, phrases: list[str]) -> bool:
    return all(phrase in post.raw.lower() for phrase in phrases)


def _listed(made: Call, post: Post, phrase: str) -> dict[str, Any]:
    author = made.forum.users.get(post.user_id)
    at = max(0, post.raw.lower().find(phrase) - 100)
    return {
        "id": post.id,
        "name": author.name if author else None,
        "username": author.username if author else None,
        "avatar_template": "/letter_avatar_proxy/v4/letter/a/aaaaaa/{size}.png",
        "created_at": iso(post.created_at),
        "like_count": 0,
        "blurb": post.raw[at : at + 300],
        "post_number": post.number,
        "topic_id": post.topic_id,
    }


def _grouped(term: str, posts: list[Post]) -> dict[str, Any]:
    return {
        "more_posts": None,
        "more_users": None,
        "more_categories": None,
        "term": term,
        "search_log_id": 1,
        "more_full_page_results": None,
        "can_create_topic": False,
        "error": None,
        "extra": {},
        "post_ids": [post.id for post in posts],
        "user_ids": [],
        "category_ids": [],
        "tag_ids": [],
        "group_ids": [],
    }


@routes.get("/raw/<int:topic_id>")
@routes.get("/raw/<int:topic_id>/<int:number>")
def _raw(topic_id: int, number: int | None = None) -> Response:
    """A topic as its authors wrote it, a hundred posts a page; or one post."""
    made = call()
    topic = seen_topic(made, topic_id)
    posts = _posts(made, topic)
    if number is not None:
        one = next((post for post in posts if post.number == number), None)
        if one is None:
            raise no_topic()
        return Response(one.raw, mimetype="text/plain")
    first = (max(1, made.number("page", 1)) - 1) * POSTS_A_PAGE
    text = "".join(_written(made, post) for post in posts[first : first + POSTS_A_PAGE])
    return Response(text, mimetype="text/plain")


def _written(made: Call, post: Post) -> str:
    author = made.forum.users.get(post.user_id)
    at = datetime.fromtimestamp(post.updated_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    name = author.username if author else "system"
    return f"{name} | {at} | #{post.number}\n\n{post.raw}\n\n{'-' * 25}\n\n"
