"""Private messages in a browser: inboxes, and writing to somebody or to a group."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect

from bridge.sandbox.discourse.answers import forbidden, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.pages import form_token, page, with_session
from bridge.sandbox.discourse.permissions import can_see_group
from bridge.sandbox.discourse.posts import add_post, new_message
from bridge.sandbox.discourse.shapes_post import slug_of
from bridge.sandbox.discourse.state import Group, Topic, User
from bridge.sandbox.discourse.topics import messages_of, messages_to, reads_inbox
from bridge.sandbox.discourse.users import named

routes = Blueprint("message pages", __name__)


@routes.get("/new-message")
def _new_message() -> Any:
    """Open the composer for a message to a user or a group, as links in posts and messages do."""
    made = call()
    given = {name: made.text(name) for name in ("username", "groupname", "title", "body")}
    if made.user is None:
        asked = urlencode({name: value for name, value in given.items() if value})
        return redirect(
            f"{made.forum.path}/login?{urlencode({'redirect': f'/new-message?{asked}'})}"
        )
    to = given["username"] or given["groupname"]
    shown = page("new_message.html", to=to, given=given, token=form_token())
    return with_session(made, Response(shown))


@routes.post("/new-message")
def _send() -> Any:
    made = call()
    raw = made.text("raw").strip()
    topic = new_message(made, raw)
    add_post(made, topic, made.actor, raw)
    return redirect(f"{made.forum.path}/t/{slug_of(topic.title)}/{topic.id}", 303)


@routes.get("/my/messages")
def _my_messages() -> Any:
    made = call()
    name = made.user.username if made.user else ""
    where = f"/u/{name}/messages" if name else "/login?redirect=/my/messages"
    return redirect(made.forum.path + where)


@routes.get("/u/<name>/messages")
def _messages(name: str) -> Any:
    made = call()
    if made.user is None:
        return redirect(f"{made.forum.path}/login?redirect=/u/{name}/messages")
    person = named(made, name)
    if made.user.id != person.id and not made.user.admin:
        raise forbidden()
    topics = messages_of(made.forum, person, sent=False)
    inboxes = [g for g in made.forum.groups_of(person) if messages_to(made.forum, g)]
    return _inbox(made, person, topics, heading="Messages", inboxes=inboxes)


@routes.get("/g/<name>/messages")
def _group_messages(name: str) -> Any:
    """A group's inbox: for its members and for admins."""
    made = call()
    if made.user is None:
        return redirect(f"{made.forum.path}/login?redirect=/g/{name}/messages")
    group = made.forum.group_named(name)
    if group is None or not can_see_group(made.user, group):
        raise not_found()
    if not reads_inbox(made.user, group):
        raise forbidden()
    heading = f"Messages to {group.full_name or group.name}"
    return _inbox(made, made.user, messages_to(made.forum, group), heading=heading, inboxes=[])


def _inbox(
    made: Call, reader: User, topics: list[Topic], *, heading: str, inboxes: list[Group]
) -> str:
    unread = {n["topic_id"] for n in made.forum.notifications.get(reader.id, []) if not n["read"]}
    messages = []
    for topic in topics:
        sender = made.forum.users.get(topic.user_id)
        messages.append((topic, sender.username if sender else "", topic.id in unread))
    return page("messages.html", messages=messages, heading=heading, inboxes=inboxes)
