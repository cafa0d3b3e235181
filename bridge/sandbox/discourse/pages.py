"""The forum in a browser: plain pages to read, to log in, and to see what a bridge did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from markupsafe import Markup

from bridge.sandbox.discourse.access import SESSION_COOKIE, new_session, set_session
from bridge.sandbox.discourse.answers import Refused, forbidden, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.connect import (
    PAYLOAD_COOKIE,
    destination_cookie,
    forget_waiting,
    waiting_address,
)
from bridge.sandbox.discourse.cooked import cook
from bridge.sandbox.discourse.membership import sorted_members
from bridge.sandbox.discourse.people import add_user
from bridge.sandbox.discourse.permissions import can_edit_group, can_see_group, can_see_members
from bridge.sandbox.discourse.posts import add_post, body_errors
from bridge.sandbox.discourse.sessions import enter, leave
from bridge.sandbox.discourse.shapes_group import log_line
from bridge.sandbox.discourse.shapes_post import live_posts, names_of, slug_of
from bridge.sandbox.discourse.shapes_user import avatar
from bridge.sandbox.discourse.site import full_version
from bridge.sandbox.discourse.state import Topic, User
from bridge.sandbox.discourse.topics import public_topics, reads_inbox, seen_topic
from bridge.sandbox.discourse.users import named, username_problem

routes = Blueprint("pages", __name__)

SHOWN_PEOPLE, SHOWN_MEMBERS, SHOWN_LINES = 24, 200, 25


def page(template: str, **more: Any) -> str:
    """A page with what all pages need."""
    made = call()
    mine = made.forum.notifications.get(made.user.id, []) if made.user else []
    return render_template(
        template,
        forum=made.forum,
        version=full_version(made.forum),
        base=made.forum.path,
        user=made.user,
        unread=sum(not n["read"] for n in mine),
        avatar=lambda user: avatar(user).replace("{size}", "96"),
        address=lambda topic: f"/t/{slug_of(topic.title)}/{topic.id}",
        day=_day,
        **more,
    )


def _day(at: float | str) -> str:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
    return moment.strftime("%b %d, %Y")


def refusal(refused: Refused) -> Any:
    """A refusal as a page; strangers of a private forum are asked to log in."""
    body = refused.body if isinstance(refused.body, dict) else {"errors": [str(refused.body)]}
    if body.get("error_type") == "not_logged_in":
        return redirect(f"{call().forum.path}/login")
    lost = refused.status == 404  # noqa: PLR2004 - HTTP's own
    heading = "Oops! That page does not exist or is private." if lost else "This does not work."
    text = page("refusal.html", heading=heading, text=" ".join(body.get("errors", [])))
    return Response(text, refused.status, content_type="text/html; charset=utf-8")


@routes.get("/")
@routes.get("/latest")
@routes.get("/categories")
def _front() -> Any:
    made = call()
    if made.forum.settings["login_required"] and made.user is None:
        return _login_page(made)
    categories = {c["id"]: c for c in made.forum.categories}
    topics = [(t, made.forum.users.get(t.user_id)) for t in public_topics(made)]
    return page("front.html", topics=topics, categories=categories)


@routes.get("/t/<int:topic_id>")
@routes.get("/t/<int:topic_id>/<int:number>")
@routes.get("/t/<slug>/<int:topic_id>")
@routes.get("/t/<slug>/<int:topic_id>/<int:number>")
def _topic(topic_id: int, **_: Any) -> Any:
    made = call()
    topic = seen_topic(made, topic_id)
    for notification in made.forum.notifications.get(made.user.id, []) if made.user else []:
        notification["read"] = notification["read"] or notification["topic_id"] == topic.id
    known = names_of(made.forum)
    posts = [
        (p, made.forum.users.get(p.user_id), Markup(cook(p.raw, known)))  # noqa: S704 - cook lets nothing through that runs
        for p in live_posts(made.forum, topic)
    ]
    names = _names(made, topic)
    shown = page("topic.html", topic=topic, posts=posts, names=names, token=form_token())
    return with_session(made, Response(shown))


def _names(made: Call, topic: Topic) -> list[str]:
    users = [u.username for i in topic.allowed_user_ids if (u := made.forum.users.get(i))]
    groups = [g.name for i in topic.allowed_group_ids if (g := made.forum.groups.get(i))]
    return users + groups


def form_token() -> str:
    """The token for this page's forms; a new session is handed over by `with_session`."""
    made = call()
    if made.session is None:
        token = new_session(made.world, made.forum, None)
        made.session = made.forum.sessions[token]
    return made.session.csrf


def with_session(made: Call, response: Response) -> Response:
    """Hand a new session over to the browser."""
    for token, session in made.forum.sessions.items():
        if session is made.session and token != request.cookies.get(SESSION_COOKIE):
            set_session(response, made, SESSION_COOKIE, token)
    return response


@routes.post("/reply/<int:topic_id>")
def _reply(topic_id: int) -> Any:
    made = call()
    topic = seen_topic(made, topic_id)
    raw = made.text("raw").strip()
    errors = body_errors(made.forum, raw, message=topic.is_message)
    if errors:
        raise Refused(422, {"errors": errors})
    add_post(made, topic, made.actor, raw)
    return redirect(f"{made.forum.path}/t/{slug_of(topic.title)}/{topic.id}", 303)


@routes.get("/login")
def _login() -> Any:
    made = call()
    asked = made.text("redirect")
    local = asked if asked.startswith("/") and not asked.startswith("//") else ""
    follows = local if not made.forum.is_old() else ""
    if made.user is not None:
        return redirect(made.forum.path + (follows or "/"))
    response = _login_page(made)
    if follows:
        where = made.forum.path + follows
        response.set_cookie(destination_cookie(made.forum), where, path=made.forum.path or "/")
    return response


def _login_page(made: Call) -> Response:
    able = [u for u in made.forum.users.values() if u.id > 0 and u.active and not u.staged]
    able.sort(key=lambda u: (not u.admin, not u.moderator, u.id))
    return Response(page("login.html", people=able[:SHOWN_PEOPLE]))


@routes.post("/login")
def _log_in() -> Any:
    made = call()
    name = made.text("username").strip()
    user = made.forum.user_named(name)
    if user is None:
        problem = username_problem(made.forum, name)
        if problem:
            raise Refused(422, {"errors": [f"Username {problem}"]})
        user = add_user(made.forum, name, f"{name}@example.com", made.now, trust_level=1)
    if not user.active or user.id < 0:
        raise forbidden()
    return _entered(made, user)


def _entered(made: Call, user: User) -> Response:
    """The target of a login: an older forum resumes the interrupted request, a newer does not.

    A newer one goes to the address that was kept before the login, and keeps the interrupted one
    for a later login, which then goes to the wrong place [seen].
    """
    cookie = destination_cookie(made.forum)
    resumed = waiting_address(made, user)
    kept = request.cookies.get(cookie, "")
    where = resumed if made.forum.is_old() and resumed else kept
    response: Any = redirect(where or f"{made.forum.path}/", 303)
    enter(made, response, user)
    response.delete_cookie(cookie, path=made.forum.path or "/")
    if request.cookies.get(PAYLOAD_COOKIE):
        forget_waiting(response, made.forum)
        if resumed and not made.forum.is_old():
            response.set_cookie(cookie, resumed, path=made.forum.path or "/")
    return Response(response.get_data(), response.status_code, response.headers)


@routes.post("/logout")
def _log_out() -> Any:
    made = call()
    response: Any = redirect(f"{made.forum.path}/", 303)
    leave(made, response)
    return response


@routes.get("/g")
@routes.get("/groups")
def _groups() -> Any:
    made = call()
    groups = [
        g for g in made.forum.groups.values() if not g.automatic and can_see_group(made.user, g)
    ]
    return page("groups.html", groups=sorted(groups, key=lambda g: g.name.lower()))


@routes.get("/g/<name>")
@routes.get("/groups/<name>")
def _group(name: str) -> Any:
    made = call()
    group = made.forum.group_named(name)
    if group is None or not can_see_group(made.user, group):
        raise not_found()
    members = None
    if can_see_members(made.user, group):
        ids = sorted_members(made.forum, group, "", ascending=True)[:SHOWN_MEMBERS]
        members = [(made.forum.users[i], group.members[i].added_at) for i in ids]
    lines = []
    if can_edit_group(made.forum, made.user, group):
        lines = [log_line(made.forum, line) for line in group.log[: -SHOWN_LINES - 1 : -1]]
    more = max(0, len(group.members) - SHOWN_MEMBERS)
    inbox = reads_inbox(made.user, group)
    return page("group.html", group=group, members=members, more=more, lines=lines, inbox=inbox)


@routes.get("/u/<name>")
@routes.get("/u/<name>/summary")
def _user(name: str) -> Any:
    made = call()
    person = named(made, name)
    groups = [
        g for g in made.forum.groups_of(person) if not g.automatic and can_see_group(made.user, g)
    ]
    return page("user.html", person=person, groups=groups)
