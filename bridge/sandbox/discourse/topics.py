"""Topics and messages to read, to close, to delete; the lists of them; categories."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect

from bridge.sandbox.discourse.answers import GONE, Refused, answer, empty, forbidden, not_found, ok
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.permissions import can_see_topic
from bridge.sandbox.discourse.shapes_post import (
    live_posts,
    short_topic,
    shown_topic,
    slug_of,
    streamed_post,
    topic_list,
)
from bridge.sandbox.discourse.shapes_site import listed_category
from bridge.sandbox.discourse.state import Forum, Group, Topic, User

routes = Blueprint("topics", __name__)

LOST_PAGE = '<div class="page-not-found"><h1 class="title">Oops!</h1></div>'


def no_topic() -> Refused:
    """A topic that is not there, or not for the caller: with a page for the browser."""
    extras = {"title": "Page Not Found", "html": LOST_PAGE}
    return Refused(404, {"errors": [GONE], "error_type": "not_found", "extras": extras})


def seen_topic(made: Call, topic_id: int) -> Topic:
    """The topic with that id, if the caller may see it."""
    topic = made.forum.topics.get(topic_id)
    if topic is None or not can_see_topic(made.user, topic):
        raise no_topic()
    return topic


@routes.get("/t/<int:topic_id>")
@routes.get("/t/<int:topic_id>/<int:number>")
@routes.get("/t/<slug>/<int:topic_id>")
@routes.get("/t/<slug>/<int:topic_id>/<int:number>")
def _show(topic_id: int, **_: Any) -> Response:
    made = call()
    topic = seen_topic(made, topic_id)
    topic.views += 1
    mine = made.forum.notifications.get(made.user.id, []) if made.user else []
    for notification in mine:
        if notification["topic_id"] == topic.id and not made.by_key:
            notification["read"] = True
    return answer(shown_topic(made.forum, topic, made.user))


@routes.get("/t/<int:topic_id>/posts")
def _posts(topic_id: int) -> Response:
    """The posts beyond the first twenty, by the ids of the stream."""
    made = call()
    topic = seen_topic(made, topic_id)
    wanted = set(made.words("post_ids"))
    posts = [p for p in live_posts(made.forum, topic) if not wanted or str(p.id) in wanted]
    shown = [streamed_post(made.forum, p, made.user) for p in posts[:20]]
    return answer({"post_stream": {"posts": shown}, "id": topic.id})


@routes.get("/t/external_id/<external_id>")
def _by_external_id(external_id: str) -> Any:
    made = call()
    for topic in made.forum.topics.values():
        if topic.external_id == external_id and can_see_topic(made.user, topic):
            where = f"{made.forum.address}/t/{slug_of(topic.title)}/{topic.id}.json"
            return redirect(where, 301)
    raise not_found()


def _staffed(topic_id: int) -> tuple[Call, Topic]:
    made = call()
    topic = seen_topic(made, topic_id)
    if not made.actor.staff and made.actor.id != topic.user_id:
        raise forbidden()
    return made, topic


@routes.delete("/t/<int:topic_id>")
def _destroy(topic_id: int) -> Response:
    made, topic = _staffed(topic_id)
    topic.deleted_at = made.now
    return empty()


@routes.put("/t/<int:topic_id>/recover")
def _recover(topic_id: int) -> Response:
    _, topic = _staffed(topic_id)
    topic.deleted_at = None
    return ok()


@routes.put("/t/<int:topic_id>/status")
def _status(topic_id: int) -> Response:
    made, topic = _staffed(topic_id)
    if made.text("status") == "closed":
        topic.closed = made.flag("enabled")
    return ok(topic_status_update=None)


@routes.put("/t/<slug>/<int:topic_id>")
def _update(slug: str, topic_id: int) -> Response:
    made, topic = _staffed(topic_id)
    topic.title = made.text("title") or topic.title
    shape = {"id": topic.id, "title": topic.title, "fancy_title": topic.title}
    return answer(
        {"basic_topic": {**shape, "slug": slug_of(topic.title) or slug, "posts_count": 1}}
    )


def messages_of(forum: Forum, user: User, *, sent: bool) -> list[Topic]:
    """A user's messages, the latest first."""
    mine = [
        t
        for t in forum.topics.values()
        if t.is_message and t.deleted_at is None and user.id in t.allowed_user_ids
        and (t.user_id == user.id if sent else _has_word_of_others(forum, t, user))
    ]  # fmt: skip
    return sorted(mine, key=lambda t: (t.bumped_at, t.id), reverse=True)


def messages_to(forum: Forum, group: Group) -> list[Topic]:
    """The messages that were sent to a group, the latest first."""
    found = [
        t
        for t in forum.topics.values()
        if t.is_message and t.deleted_at is None and group.id in t.allowed_group_ids
    ]
    return sorted(found, key=lambda t: (t.bumped_at, t.id), reverse=True)


def _has_word_of_others(forum: Forum, topic: Topic, user: User) -> bool:
    return any(forum.posts[i].user_id != user.id for i in topic.post_ids)


@routes.get("/topics/private-messages/<name>")
def _inbox(name: str) -> Response:
    return _messages(name, sent=False)


@routes.get("/topics/private-messages-sent/<name>")
def _sent(name: str) -> Response:
    return _messages(name, sent=True)


def _messages(name: str, *, sent: bool) -> Response:
    made = call()
    user = made.forum.user_named(name)
    if user is None:
        raise not_found()
    if made.actor.id != user.id and not made.actor.admin:
        raise not_found()
    topics = messages_of(made.forum, user, sent=sent)
    return answer(topic_list(made.forum, topics, made.number("page", 0)))


def public_topics(made: Call) -> list[Topic]:
    """Topics in public that the caller may see, the latest first."""
    seen = [
        t for t in made.forum.topics.values() if not t.is_message and can_see_topic(made.user, t)
    ]
    return sorted(seen, key=lambda t: (t.bumped_at, t.id), reverse=True)


@routes.get("/latest")
def _latest() -> Response:
    made = call()
    return answer(topic_list(made.forum, public_topics(made), made.number("page", 0)))


@routes.get("/categories")
def _categories() -> Response:
    made = call()
    topics = public_topics(made)
    shown = [
        listed_category(c, [short_topic(made.forum, t) for t in topics if t.category_id == c["id"]])
        for c in made.forum.categories
    ]
    may = bool(made.user and made.user.admin)
    shape = {"can_create_category": may, "can_create_topic": bool(made.user), "categories": shown}
    return answer({"category_list": shape})


def reads_inbox(user: User | None, group: Group) -> bool:
    """Whether somebody reads the messages to a group: its members and admins do."""
    return user is not None and (user.admin or user.id in group.members)
