"""Logging in and out as the forum's own script does it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bridge.sandbox.discourse.access import (
    AUTH_COOKIE,
    SESSION_COOKIE,
    is_suspended,
    log_out_everywhere,
    new_session,
    set_session,
)
from bridge.sandbox.discourse.answers import Refused, answer, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.connect import destination_cookie, forget_waiting, waiting_address
from bridge.sandbox.discourse.hooks import emit_user
from bridge.sandbox.discourse.shapes_user import basic_user
from bridge.sandbox.discourse.state import User
from bridge.sandbox.discourse.users import page_of

routes = Blueprint("sessions", __name__)

WRONG = "Incorrect username, email or password"


@routes.get("/session/csrf")
def _csrf() -> Response:
    made = call()
    if made.session is not None:
        return answer({"csrf": made.session.csrf})
    token = new_session(made.world, made.forum, None)
    response = answer({"csrf": made.forum.sessions[token].csrf})
    set_session(response, made, SESSION_COOKIE, token)
    return response


@routes.get("/session/hp")
def _honeypot() -> Response:
    """The values that a sign-up must return, the challenge reversed; nobody checks them here."""
    made = call()
    value, challenge = (made.world.ids.hexadecimal(32) for _ in range(2))
    return answer({"value": value, "challenge": challenge, "expires_in": 86399})


@routes.get("/session/current")
def _current() -> Response:
    made = call()
    if made.user is None:
        raise Refused(404, "")
    user = made.user
    unread = [n for n in made.forum.notifications.get(user.id, []) if not n["read"]]
    groups = [
        {"id": g.id, "name": g.name, "has_messages": False} for g in made.forum.groups_of(user)
    ]
    shape = {
        **basic_user(user),
        "unread_notifications": 0,
        "unread_high_priority_notifications": len(unread),
        "all_unread_notifications_count": len(unread),
        "admin": user.admin,
        "moderator": user.moderator,
        "staff": user.staff,
        "title": user.title,
        "trust_level": user.trust_level,
        "can_send_private_messages": user.staff or user.trust_level > 0,
        "custom_fields": dict(user.custom_fields),
        "groups": groups,
    }
    return answer({"current_user": shape})


@routes.post("/session")
def _log_in() -> Response:
    made = call()
    login = made.text("login")
    user = made.forum.user_with_email(login) if "@" in login else made.forum.user_named(login)
    if user is None or not user.password or user.password != made.text("password"):
        return answer({"error": WRONG})
    if not user.active:
        return answer({"error": "You can't log in yet.", "reason": "not_activated"})
    if is_suspended(user, made.now):
        return answer({"error": "You're suspended.", "reason": "suspended"})
    where = waiting_address(made, user)
    body = {"success": "OK", "redirect_url": where} if where else _page(made, user)
    response = answer(body)
    enter(made, response, user)
    if where:
        response.set_cookie(destination_cookie(made.forum), where, path=made.forum.path or "/")
        forget_waiting(response, made.forum)
    return response


def _page(made: Call, user: User) -> dict[str, object]:
    addresses = {"email": user.email, "secondary_emails": list(user.secondary_emails)}
    return {"user_badges": [], "user": {**page_of(made, user), **addresses}}


def enter(made: Call, response: Response, user: User) -> None:
    """The browser that gets this response is logged in."""
    user.last_seen_at = made.now
    set_session(response, made, AUTH_COOKIE, new_session(made.world, made.forum, user))
    emit_user(made, "user_logged_in", user)


@routes.delete("/session/<name>")
def _log_out(name: str) -> Response:
    made = call()
    if made.forum.user_named(name) is None:
        raise not_found()
    if made.user is not None:
        log_out_everywhere(made.forum, made.user)
        emit_user(made, "user_logged_out", made.user)
    response = answer({"redirect_url": "/"})
    response.delete_cookie(AUTH_COOKIE, path=made.forum.path or "/")
    return response


def leave(made: Call, response: Response) -> None:
    """The browser that gets this response is logged out."""
    made.forum.sessions.pop(request.cookies.get(AUTH_COOKIE, ""), None)
    response.delete_cookie(AUTH_COOKIE, path=made.forum.path or "/")
    if made.user is not None:
        emit_user(made, "user_logged_out", made.user)
