"""Writing: topics, private messages, replies, and notifications."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import Refused, answer, empty, forbidden, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.hooks import emit, is_heard
from bridge.sandbox.discourse.permissions import can_message_people, can_see_topic
from bridge.sandbox.discourse.shapes_post import listed_topic, shown_post, slug_of
from bridge.sandbox.discourse.state import Forum, Group, Post, Topic, User, iso

routes = Blueprint("posts", __name__)

DEDUPE_SECONDS = 120
PRIVATE_MESSAGE = "private_message"
NOTIFICATION_OF_MESSAGE = 6
UNCLEAR = "Body seems unclear, is it a complete sentence?"
UNKNOWN_RECIPIENT = "One of the users you are sending this message to could not be found."
CLOSED = (
    "Something has gone wrong. Perhaps this topic was closed or deleted while you were looking at "
    "it?"
)


def _refuse(*errors: str) -> Refused:
    return Refused(422, {"action": "create_post", "errors": list(errors)})


@routes.post("/posts")
def _create() -> Response:
    """The same request by a key within two minutes gets the same answer, whatever it was."""
    made = call()
    if not made.by_key:
        return answer(_created(made))
    text = json.dumps([made.actor.id, made.params], sort_keys=True, default=str)
    mark = hashlib.sha256(text.encode()).hexdigest()
    recent = made.forum.recent_creates
    for old in [m for m, (at, _, _) in recent.items() if at <= made.now - DEDUPE_SECONDS]:
        del recent[old]
    if mark not in recent:
        try:
            recent[mark] = (made.now, 200, _created(made))
        except Refused as refused:
            if refused.status != 422:  # noqa: PLR2004 - only what validation says is remembered
                raise
            recent[mark] = (made.now, 422, refused.body)
    _, status, body = recent[mark]
    return answer(body, status)


def _created(made: Call) -> dict[str, Any]:
    raw = made.text("raw").strip()
    topic_id = made.number("topic_id", 0)
    if topic_id:
        topic = _repliable(made, topic_id, raw)
    elif made.text("archetype") == PRIVATE_MESSAGE:
        topic = new_message(made, raw)
    else:
        topic = _new_topic(made, raw)
    post = add_post(made, topic, made.actor, raw)
    return shown_post(made.forum, post, made.user)


def _repliable(made: Call, topic_id: int, raw: str) -> Topic:
    topic = made.forum.topics.get(topic_id)
    if topic is None or not can_see_topic(made.user, topic) or topic.deleted_at or topic.closed:
        raise _refuse(CLOSED)
    _ensure_body(made.forum, raw, message=topic.is_message)
    return topic


def body_errors(forum: Forum, raw: str, *, message: bool) -> list[str]:
    """The problems of a text."""
    shortest = "min_personal_message_post_length" if message else "min_post_length"
    if not raw:
        return ["Body can't be blank", UNCLEAR]
    if len(raw) < int(forum.settings[shortest]):
        return [f"Body is too short (minimum is {forum.settings[shortest]} characters)", UNCLEAR]
    if len(raw) > int(forum.settings["max_post_length"]):
        most = forum.settings["max_post_length"]
        return [f"Body is limited to {most} characters; you entered {len(raw)}.", UNCLEAR]
    return []


def _ensure_body(forum: Forum, raw: str, *, message: bool) -> None:
    errors = body_errors(forum, raw, message=message)
    if errors:
        raise _refuse(*errors)


def new_message(made: Call, raw: str) -> Topic:
    """Begin a private message to the recipients that the call names."""
    forum = made.forum
    words = made.words("target_recipients") or made.words("target_usernames")
    if not words:
        raise _refuse("You must select a valid user.")
    users, groups = _recipients(made, words)
    if users and not can_message_people(made.actor):
        raise _refuse("Sorry, you cannot send a personal message to that user.")
    unwilling = any(not u.allow_private_messages for u in users)
    if unwilling and not made.actor.staff:
        raise _refuse("Sorry, you cannot send a personal message to that user.")
    title = made.text("title").strip()
    if not title:
        raise _refuse("Title can't be blank", "Title is too short (minimum is 1 character)")
    _ensure_body(forum, raw, message=True)
    external_id = _new_external_id(made)
    topic = Topic(forum.new_id(), title, made.actor.id, made.now, made.now, PRIVATE_MESSAGE)
    topic.external_id = external_id
    topic.allowed_user_ids = dict.fromkeys([*(u.id for u in users), made.actor.id])
    topic.allowed_group_ids = dict.fromkeys(g.id for g in groups)
    forum.topics[topic.id] = topic
    return topic


def _recipients(made: Call, words: list[str]) -> tuple[list[User], list[Group]]:
    """A group that takes no messages is as unknown as a name nobody has."""
    users, groups = [], []
    for word in words:
        user, group = made.forum.user_named(word), made.forum.group_named(word)
        if user is not None:
            users.append(user)
        elif group is not None and group.messageable_level:
            groups.append(group)
        else:
            raise _refuse(UNKNOWN_RECIPIENT)
    return users, groups


def _new_external_id(made: Call) -> str | None:
    wanted = made.text("external_id") or None
    if wanted and any(t.external_id == wanted for t in made.forum.topics.values()):
        raise _refuse("External has already been taken")
    return wanted


def _new_topic(made: Call, raw: str) -> Topic:
    forum, title = made.forum, made.text("title").strip()
    category_id = made.number("category", 0)
    if category_id not in {c["id"] for c in forum.categories}:
        raise _refuse("Category can't be blank")
    least, most = (forum.settings[f"{m}_topic_title_length"] for m in ("min", "max"))
    if len(title) < int(least):
        raise _refuse(f"Title is too short (minimum is {least} characters)")
    if len(title) > int(most):
        raise _refuse(f"Title is too long (maximum is {most} characters)")
    public = (t for t in forum.topics.values() if not t.is_message and t.deleted_at is None)
    if any(t.title.lower() == title.lower() for t in public):
        raise _refuse("Title has already been used")
    _ensure_body(forum, raw, message=False)
    external_id = _new_external_id(made)
    topic = Topic(forum.new_id(), title, made.actor.id, made.now, made.now)
    topic.category_id, topic.external_id = category_id, external_id
    forum.topics[topic.id] = topic
    return topic


def add_post(made: Call, topic: Topic, author: User, raw: str) -> Post:
    """Append a post, bump the topic, tell its readers."""
    forum, now, first = made.forum, made.now, not topic.post_ids
    post = Post(
        forum.new_id(), topic.id, len(topic.post_ids) + 1, author.id, raw, now, now, now, author.id
    )
    forum.posts[post.id] = post
    topic.post_ids.append(post.id)
    topic.bumped_at = author.last_posted_at = now
    if topic.is_message:
        _notify(made, topic, post, author)
    if is_heard(made):
        if first:
            emit(made, "topic_created", {"topic": listed_topic(forum, topic)})
        emit(made, "post_created", {"post": shown_post(forum, post, made.system)})
    return post


def send_system_message(made: Call, to: User, title: str, raw: str) -> None:
    """A message by the forum itself."""
    system = made.system
    topic = Topic(made.forum.new_id(), title, system.id, made.now, made.now, PRIVATE_MESSAGE)
    topic.allowed_user_ids = dict.fromkeys([to.id, system.id])
    made.forum.topics[topic.id] = topic
    add_post(made, topic, system, raw)


def _notify(made: Call, topic: Topic, post: Post, author: User) -> None:
    for user_id in topic.allowed_user_ids:
        if user_id == author.id:
            continue
        data = {
            "topic_title": topic.title,
            "original_post_id": post.id,
            "original_post_type": 1,
            "original_username": author.username,
            "revision_number": None,
            "display_username": author.username,
            "display_name": author.name,
        }
        made.forum.notifications.setdefault(user_id, []).append(
            {
                "fancy_title": topic.title,
                "id": made.forum.new_id(),
                "user_id": user_id,
                "notification_type": NOTIFICATION_OF_MESSAGE,
                "read": False,
                "high_priority": True,
                "created_at": iso(made.now),
                "post_number": post.number,
                "topic_id": topic.id,
                "slug": slug_of(topic.title),
                "data": data,
            }
        )


def seen_post(made: Call, post_id: int) -> tuple[Post, Topic]:
    """The post with that id and its topic, if the caller may see it."""
    post = made.forum.posts.get(post_id)
    if post is None:
        raise not_found()
    topic = made.forum.topics[post.topic_id]
    author = made.user is not None and made.user.id == post.user_id
    if not can_see_topic(made.user, topic) and not author:
        raise forbidden()
    return post, topic


@routes.get("/posts/<int:post_id>")
def _show(post_id: int) -> Response:
    made = call()
    post, _ = seen_post(made, post_id)
    return answer(shown_post(made.forum, post, made.user))


@routes.delete("/posts/<int:post_id>")
def _destroy(post_id: int) -> Response:
    made = call()
    post, topic = seen_post(made, post_id)
    if not made.actor.staff and made.actor.id != post.user_id:
        raise forbidden()
    if post.number == 1:
        topic.deleted_at = made.now
    post.deleted_at = made.now
    return empty()
