"""Access: keys, sessions, limits, read-only mode, private forums."""

from __future__ import annotations

import math
from collections import deque

from flask import Response, g, request

from bridge.sandbox.discourse.answers import (
    Refused,
    bad_key,
    forbidden,
    not_found,
    read_only,
    too_many,
    too_many_by_address,
)
from bridge.sandbox.discourse.call import PART, Call, read_params
from bridge.sandbox.discourse.scopes import allows
from bridge.sandbox.discourse.state import ApiKey, Forum, Session, User
from bridge.sandbox.kernel import World
from bridge.sandbox.server import CALLER

AUTH_COOKIE, SESSION_COOKIE = "_t", "_forum_session"
READS = ("GET", "HEAD", "OPTIONS")
MINUTE, ADDRESS_WINDOW = 60.0, 10.0
# Pages that a private forum shows to strangers.
OPEN_WHEN_PRIVATE = (
    "/site/basic-info", "/manifest.webmanifest", "/srv/status", "/login", "/session", "/invites",
    "/stylesheets", "/letter_avatar_proxy", "/images",
)  # fmt: skip
# The sandbox's own pages send these forms.
PAGE_FORMS = ("/login", "/logout", "/reply/", "/new-message", "/invites/")
# Of these, strangers may send the ones without secrets.
OPEN_FORMS = ("/login", "/logout", "/invites/")
STAFF_PATHS = ("/admin/users", "/admin/groups")


def api_path() -> str:
    """The path without the mark of JSON."""
    return request.path.removeprefix("/json") or "/"


def open_call(world: World) -> None:
    """Make the Call of this request and let it pass all gates, in Discourse's order."""
    forum: Forum = world.parts[PART]
    now = world.clock.now()
    made = Call(world, forum, now, read_params())
    g.call = made
    _count_address(forum, now)
    made.session = forum.sessions.get(request.cookies.get(SESSION_COOKIE, ""))
    made.user = _user_by_cookie(forum, now)
    if made.user is None and request.headers.get("Api-Key"):
        _enter_by_key(made)
    request.environ[CALLER] = made.user.username if made.user else ""
    if api_path().startswith("/admin"):
        _ensure_staff(made.user)
    _ensure_open(made)


def _user_by_cookie(forum: Forum, now: float) -> User | None:
    session = forum.sessions.get(request.cookies.get(AUTH_COOKIE, ""))
    user = forum.users.get(session.user_id) if session and session.user_id else None
    return user if user and user.active and not is_suspended(user, now) else None


def is_suspended(user: User, now: float) -> bool:
    """Suspended at this time."""
    return user.suspended_till is not None and user.suspended_till > now


def _enter_by_key(made: Call) -> None:
    """Below /admin a refused key finds nothing at all: the route itself is constrained."""
    try:
        _check_key(made)
    except Refused as refused:
        if refused.status == 403 and api_path().startswith("/admin"):  # noqa: PLR2004
            raise not_found() from None
        raise


def _check_key(made: Call) -> None:
    forum = made.forum
    key = forum.keys.get(forum.key_id_by_key.get(request.headers["Api-Key"], 0))
    if key is None or key.revoked_at is not None:
        raise bad_key()
    user = _user_of_key(forum, key)
    if is_suspended(user, made.now) or not user.active:
        raise forbidden()
    _count_admin_request(forum, made.now)
    key.last_used_at = made.now
    old = forum.is_old()
    path, method = api_path(), request.method
    if key.scopes and not allows(key.scopes, method, path, made.params, old=old):
        raise bad_key()
    made.user, made.by_key = user, True


def _user_of_key(forum: Forum, key: ApiKey) -> User:
    name = request.headers.get("Api-Username", "")
    user_id = request.headers.get("Api-User-Id", "")
    external_id = request.headers.get("Api-User-External-Id")
    if name:
        user = forum.user_named(name)
    elif user_id.lstrip("-").isdigit():
        user = forum.users.get(int(user_id))
    elif external_id:
        user = next((u for u in forum.users.values() if u.external_id == external_id), None)
    else:
        user = forum.users.get(key.user_id or 0)
    if user is None or key.user_id not in (None, user.id):
        raise bad_key()
    return user


def _count_admin_request(forum: Forum, now: float) -> None:
    """One rolling limit for the whole site; refused requests do not count."""
    if forum.requests_per_minute <= 0:
        return
    wait = _take(forum.counted_requests, now, forum.requests_per_minute, MINUTE)
    if wait:
        raise too_many(wait)


def _count_address(forum: Forum, now: float) -> None:
    """By IP address; calls with a key are not counted."""
    limit = forum.ip_requests_per_10_seconds
    if limit <= 0 or request.headers.get("Api-Key"):
        return
    times = forum.ip_requests.setdefault(request.remote_addr or "", deque())
    wait = _take(times, now, limit, ADDRESS_WINDOW)
    if wait:
        raise too_many_by_address(wait)


def _take(times: deque[float], now: float, limit: int, window: float) -> int:
    while times and times[0] <= now - window:
        times.popleft()
    if len(times) >= limit:
        return max(1, math.ceil(times[0] + window - now))
    times.append(now)
    return 0


def _ensure_staff(user: User | None) -> None:
    """The admin pages do not exist for others; most of them not for moderators either."""
    if user is None or not user.staff:
        raise not_found()
    if not user.admin and not api_path().startswith(STAFF_PATHS):
        raise not_found()


def _ensure_open(made: Call) -> None:
    forum, path, writes = made.forum, api_path(), request.method not in READS
    if writes and not made.by_key and not path.startswith(OPEN_FORMS):
        _ensure_csrf(made)
    if writes and forum.read_only and path != "/admin/backups/readonly":
        raise read_only()
    private = forum.settings["login_required"] and made.user is None
    if private and path != "/" and not path.startswith(OPEN_WHEN_PRIVATE):
        said = "You need to be logged in to do that."
        raise Refused(403, {"errors": [said], "error_type": "not_logged_in"})


def _ensure_csrf(made: Call) -> None:
    given = request.headers.get("X-CSRF-Token", "") or made.text("authenticity_token")
    if made.session is None or not given or given != made.session.csrf:
        raise Refused(403, '["BAD CSRF"]')


def new_session(world: World, forum: Forum, user: User | None) -> str:
    """A new session's cookie."""
    token = world.ids.hexadecimal(32)
    forum.sessions[token] = Session(world.ids.hexadecimal(32), user.id if user else None)
    return token


def set_session(response: Response, made: Call, name: str, token: str) -> None:
    """Hand a session's cookie to the browser."""
    response.set_cookie(name, token, httponly=True, samesite="Lax", path=made.forum.path or "/")


def log_out_everywhere(forum: Forum, user: User) -> None:
    """End all sessions of a user."""
    forum.sessions = {k: s for k, s in forum.sessions.items() if s.user_id != user.id}
