"""Users for everybody: pages, cards, search, sign-up, own changes, addresses."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.access import AUTH_COOKIE, new_session, set_session
from bridge.sandbox.discourse.answers import (
    Refused,
    answer,
    forbidden,
    invalid,
    not_found,
    unprocessable,
)
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.hooks import emit_membership, emit_user
from bridge.sandbox.discourse.names import name_problem
from bridge.sandbox.discourse.people import add_user, rename, set_email
from bridge.sandbox.discourse.permissions import can_see_group
from bridge.sandbox.discourse.shapes_group import basic_group
from bridge.sandbox.discourse.shapes_user import basic_user, shown_user, user_card
from bridge.sandbox.discourse.state import Forum, User

routes = Blueprint("users", __name__)

MAX_CARDS = 50
ACTIVATED = "Your account is activated and ready to use."
PENDING = (
    "<p>You\u2019re almost done! We sent an activation mail to <b>{email}</b>. Please follow the "
    "instructions in the mail to activate your account.</p>"
)


def named(made: Call, name: str) -> User:
    """The user of that name in any case."""
    user = made.forum.user_named(name)
    if user is None:
        raise not_found()
    return user


def page_of(made: Call, user: User) -> dict[str, Any]:
    """A user's page, with the groups that the caller may see."""
    groups = [
        basic_group(made.forum, g, made.user)
        for g in made.forum.groups_of(user)
        if can_see_group(made.user, g)
    ]
    return shown_user(made.forum, user, made.user, groups)


@routes.get("/u/<name>")
def _show(name: str) -> Response:
    made = call()
    return answer({"user_badges": [], "user": page_of(made, named(made, name))})


@routes.get("/u/<name>/emails")
def _emails(name: str) -> Response:
    made = call()
    user = named(made, name)
    caller = made.actor
    may = caller.admin or (caller.moderator and made.forum.settings["moderators_view_emails"])
    if caller.id != user.id and not may:
        raise Refused(403, {"failed": "FAILED"})
    return answer(
        {
            "email": user.email,
            "secondary_emails": list(user.secondary_emails),
            "unconfirmed_emails": [],
            "associated_accounts": [],
        }
    )


@routes.get("/u/by-external/<external_id>")
@routes.get("/u/by-external/<provider>/<external_id>")
def _by_external(external_id: str, provider: str = "") -> Response:
    made = call()
    for user in made.forum.users.values():
        if user.external_id == external_id and not provider:
            return answer({"user_badges": [], "user": page_of(made, user)})
    raise not_found()


@routes.get("/user-cards")
def _cards() -> Response:
    made = call()
    ids = made.words("user_ids")
    if len(ids) > MAX_CARDS or not all(i.lstrip("-").isdigit() for i in ids):
        raise invalid("user_ids")
    found = [made.forum.users[int(i)] for i in ids if int(i) in made.forum.users]
    users = [user_card(made.forum, u, made.user) for u in found]
    return answer({"user_badges": [], "users": users})


@routes.get("/u/search/users")
def _search() -> Response:
    made = call()
    term, limit = made.text("term").lower(), made.number("limit", 6)
    found = [
        u
        for u in made.forum.users.values()
        if u.active and (term in u.username.lower() or term in (u.name or "").lower())
    ]
    found.sort(key=lambda u: (not u.username.lower().startswith(term), u.username.lower()))
    return answer({"users": [basic_user(u) for u in found[:limit]]})


@routes.post("/users")
def _create() -> Response:
    made = call()
    forum, by_admin = made.forum, made.user is not None and made.user.admin
    name, email = made.text("username"), made.text("email").strip()
    problem = username_problem(forum, name)
    if problem:
        return _not_created(made, "username", problem)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        return _not_created(made, "email", "is invalid.")
    if forum.user_with_email(email):
        return _address_taken(made)
    active = by_admin and made.flag("active")
    user = add_user(
        forum,
        name,
        email,
        made.now,
        name=made.text("name") or None,
        password=made.text("password"),
        active=active,
        user_fields={k: str(v) for k, v in made.nested("user_fields").items()},
    )
    emit_user(made, "user_created", user)
    level_0 = forum.groups[10]
    emit_membership(made, "user_added_to_group", level_0, user, level_0.members[user.id])
    if not active:
        return answer({"success": True, "active": False, "message": PENDING.format(email=email)})
    for event in ("user_logged_in", "user_confirmed_email"):
        emit_user(made, event, user)
    response = answer({"success": True, "active": True, "message": ACTIVATED})
    # The caller is logged in as the new user: a client that keeps cookies acts as them from now on.
    set_session(response, made, AUTH_COOKIE, new_session(made.world, forum, user))
    return response


def username_problem(forum: Forum, name: str) -> str:
    """The problem of a name for somebody new, or nothing."""
    taken = forum.user_named(name) or forum.group_named(name)
    return name_problem(name) or ("must be unique" if taken else "")


def _not_created(made: Call, where: str, problem: str) -> Response:
    values = {k: made.text(k) for k in ("name", "username", "email")}
    said = f"{where.capitalize()} {problem}"
    return answer(
        {
            "success": False,
            "message": said,
            "errors": {where: [problem]},
            "values": values,
            "is_developer": False,
        }
    )


def _address_taken(made: Call) -> Response:
    """With `hide_email_address_taken` the answer looks like success."""
    if made.forum.settings["hide_email_address_taken"]:
        return answer({"success": True, "active": False, "message": ACTIVATED})
    return _not_created(made, "email", "has already been taken")


def _editable(name: str) -> tuple[Call, User]:
    made = call()
    user = named(made, name)
    if made.actor.id != user.id and not made.actor.staff:
        raise forbidden()
    return made, user


@routes.put("/u/<name>")
def _update(name: str) -> Response:
    made, user = _editable(name)
    if "name" in made.params:
        user.name = made.text("name")
    if "allow_private_messages" in made.params:
        user.allow_private_messages = made.flag("allow_private_messages")
    if "timezone" in made.params:
        user.timezone = made.text("timezone")
    if "title" in made.params and made.actor.staff:
        user.title = made.text("title") or None
    if "primary_group_id" in made.params:
        chosen = made.number("primary_group_id", 0)
        user.primary_group_id = chosen if chosen in user.group_ids else None
    user.user_fields |= {str(k): str(v) for k, v in made.nested("user_fields").items()}
    user.custom_fields |= {str(k): str(v) for k, v in made.nested("custom_fields").items()}
    emit_user(made, "user_updated", user)
    return answer({"success": "OK", "user": page_of(made, user)})


@routes.put("/u/<name>/preferences/username")
def _change_username(name: str) -> Response:
    made, user = _editable(name)
    wanted = made.text("new_username")
    same = wanted.lower() == user.username.lower()
    problem = "" if same else username_problem(made.forum, wanted)
    if problem:
        raise unprocessable(f"Username {problem}")
    rename(made.forum, user, wanted)
    emit_user(made, "user_updated", user)
    return answer({"id": user.id, "username": user.username})


@routes.put("/u/<name>/preferences/email")
def _change_email(name: str) -> Response:
    """An administrator's change waits for no confirmation here."""
    made, user = _editable(name)
    wanted = made.text("email").strip()
    if "@" not in wanted:
        raise unprocessable("Email is invalid.")
    if made.forum.user_with_email(wanted):
        raise unprocessable("Email has already been taken")
    set_email(made.forum, user, wanted)
    emit_user(made, "user_updated", user)
    return answer({"success": "OK"})


@routes.get("/notifications")
def _notifications() -> Response:
    made = call()
    mine = list(reversed(made.forum.notifications.get(made.actor.id, [])))
    return answer(
        {
            "notifications": mine[:60],
            "total_rows_notifications": len(mine),
            "seen_notification_id": 0,
            "load_more_notifications": f"/notifications?offset=60&username={made.actor.username}",
        }
    )


@routes.get("/directory_items")
def _directory() -> Response:
    made = call()
    page = made.number("page", 0)
    people = [u for u in made.forum.users.values() if u.active and u.id > 0]
    zeros = dict.fromkeys(
        (
            "likes_received", "likes_given", "topics_entered", "topic_count", "post_count",
            "posts_read", "days_visited",
        ),
        0,
    )  # fmt: skip
    items = [
        {"id": u.id, **zeros, "user": {**basic_user(u), "title": u.title}}
        for u in people[page * 50 : page * 50 + 50]
    ]
    meta = {
        "last_updated_at": None,
        "total_rows_directory_items": len(people),
        "load_more_directory_items": f"/directory_items.json?page={page + 1}",
    }
    return answer({"directory_items": items, "meta": meta})
