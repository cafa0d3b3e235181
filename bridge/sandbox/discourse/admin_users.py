"""Users for administrators: lists with addresses, trust levels, suspension, merging, deletion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.access import log_out_everywhere
from bridge.sandbox.discourse.answers import Refused, answer, forbidden, invalid, not_found, ok
from bridge.sandbox.discourse.call import Call, call, fault_of
from bridge.sandbox.discourse.hooks import emit_membership, emit_user
from bridge.sandbox.discourse.membership import keep_automatic_groups, set_primary_group
from bridge.sandbox.discourse.people import MERGE_SECONDS, anonymize, delete
from bridge.sandbox.discourse.shapes_group import basic_group
from bridge.sandbox.discourse.shapes_user import admin_user, basic_user, listed_user
from bridge.sandbox.discourse.state import User, iso

routes = Blueprint("admin_users", __name__)

PER_PAGE = 100
# The users of each list, by its name in the address.
FLAGS: dict[str, Callable[[User], bool]] = {
    "active": lambda _: True,
    "all": lambda _: True,
    "new": lambda _: True,
    "staff": lambda u: u.staff,
    "admins": lambda u: u.admin,
    "moderators": lambda u: u.moderator,
    "suspended": lambda u: u.suspended_till is not None,
    "staged": lambda u: u.staged,
    "silenced": lambda _: False,
    "pending": lambda _: False,
}
ORDERS: dict[str, Callable[[User], Any]] = {
    "created": lambda u: (u.created_at, u.id),
    "username": lambda u: u.username.lower(),
    "email": lambda u: u.email,
    "seen": lambda u: (u.last_seen_at or 0, u.id),
    "trust_level": lambda u: (u.trust_level, u.id),
}


@routes.get("/admin/users")
@routes.get("/admin/users/list/<flag>")
def _index(flag: str = "active") -> Response:
    made = call()
    if flag not in FLAGS:
        raise not_found()
    emails = made.flag("show_emails") and (
        made.actor.admin or bool(made.forum.settings["moderators_view_emails"])
    )
    users = [u for u in _searched(made) if FLAGS[flag](u)]
    order = ORDERS.get(made.text("order"), ORDERS["seen"])
    users.sort(key=order, reverse=not made.flag("asc"))
    page = max(1, made.number("page", 1))
    part = users[(page - 1) * PER_PAGE : page * PER_PAGE]
    short = fault_of("short_page")
    if short:
        part = part[: -int(short.args.get("entries", 1)) or None]
    return answer([listed_user(u, made.now, emails=emails) for u in part])


def _searched(made: Call) -> list[User]:
    email, wanted = made.text("email").strip(), made.text("filter").strip().lower()
    if email:
        found = made.forum.user_with_email(email)
        return [found] if found else []
    return [
        u
        for u in made.forum.users.values()
        if not wanted or wanted in u.username.lower() or wanted in (u.name or "").lower()
        or wanted in u.email or wanted in u.secondary_emails
    ]  # fmt: skip


def by_id(made: Call, user_id: int) -> User:
    """The user with that id."""
    user = made.forum.users.get(user_id)
    if user is None:
        raise not_found()
    return user


def _shown(made: Call, user: User) -> Response:
    groups = [basic_group(made.forum, g, made.user) for g in made.forum.groups_of(user)]
    return answer(admin_user(made.forum, user, made.now, groups))


@routes.get("/admin/users/<int(signed=True):user_id>")
def _show(user_id: int) -> Response:
    made = call()
    return _shown(made, by_id(made, user_id))


def _admins_only(user_id: int) -> tuple[Call, User]:
    made = call()
    user = by_id(made, user_id)
    if not made.actor.admin:
        raise forbidden()
    return made, user


def _set_standing(made: Call, user: User, **standing: bool) -> Response:
    for key, value in standing.items():
        setattr(user, key, value)
    for group in keep_automatic_groups(made.forum, user, made.now):
        emit_membership(made, "user_added_to_group", group, user, group.members[user.id])
    return _shown(made, user)


@routes.put("/admin/users/<int:user_id>/grant_moderation")
def _grant_moderation(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    return _set_standing(made, user, moderator=True)


@routes.put("/admin/users/<int:user_id>/revoke_moderation")
def _revoke_moderation(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    return _set_standing(made, user, moderator=False)


@routes.put("/admin/users/<int:user_id>/revoke_admin")
def _revoke_admin(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    return _set_standing(made, user, admin=False)


@routes.put("/admin/users/<int:user_id>/grant_admin")
def _grant_admin(user_id: int) -> Response:
    """Only sends an e-mail, whose link grants."""
    _admins_only(user_id)
    return ok(email_confirmation_required=True)


@routes.put("/admin/users/<int:user_id>/trust_level")
def _trust_level(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    user.trust_level = made.number("level", user.trust_level)
    for group in keep_automatic_groups(made.forum, user, made.now):
        emit_membership(made, "user_added_to_group", group, user, group.members[user.id])
    emit_user(made, "user_promoted", user)
    return answer(listed_user(user, made.now, emails=False))


@routes.put("/admin/users/<int:user_id>/suspend")
def _suspend(user_id: int) -> Response:
    made = call()
    user = by_id(made, user_id)
    if user.staff:
        raise forbidden()
    try:
        until = datetime.fromisoformat(made.text("suspend_until"))
    except ValueError:
        raise invalid("suspend_until") from None
    user.suspended_at = made.now
    user.suspended_till = until.replace(tzinfo=until.tzinfo or UTC).timestamp()
    user.suspend_reason, user.suspended_by_id = made.text("reason"), made.actor.id
    log_out_everywhere(made.forum, user)
    for event in ("user_logged_out", "user_suspended"):
        emit_user(made, event, user)
    shape = {
        "suspend_reason": user.suspend_reason,
        "full_suspend_reason": user.suspend_reason,
        "suspended_till": iso(user.suspended_till),
        "suspended_at": iso(user.suspended_at),
        "suspended_by": basic_user(made.actor),
    }
    return answer({"suspension": shape})


@routes.put("/admin/users/<int:user_id>/unsuspend")
def _unsuspend(user_id: int) -> Response:
    made = call()
    user = by_id(made, user_id)
    user.suspended_at = user.suspended_till = user.suspend_reason = None
    for event in ("user_updated", "user_unsuspended"):
        emit_user(made, event, user)
    return answer({"suspension": {"suspended_till": None, "suspended_at": None}})


@routes.put("/admin/users/<int:user_id>/activate")
def _activate(user_id: int) -> Response:
    made = call()
    by_id(made, user_id).active = True
    return ok()


@routes.put("/admin/users/<int:user_id>/deactivate")
def _deactivate(user_id: int) -> Response:
    made = call()
    user = by_id(made, user_id)
    user.active = False
    log_out_everywhere(made.forum, user)
    return ok()


@routes.put("/admin/users/<int:user_id>/primary_group")
def _primary_group(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    group = made.forum.groups.get(made.number("primary_group_id", -1))
    if group is None or user.id in group.members:
        set_primary_group(made.forum, user, group)
    return ok()


@routes.post("/admin/users/<int:user_id>/log_out")
def _log_out(user_id: int) -> Response:
    made = call()
    user = by_id(made, user_id)
    log_out_everywhere(made.forum, user)
    emit_user(made, "user_logged_out", user)
    return ok()


@routes.put("/admin/users/<int:user_id>/anonymize")
def _make_anonymous(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    if user.staff:
        raise forbidden()
    anonymize(made.forum, user, int(made.world.ids.hexadecimal(8), 16) % 90_000_000 + 10_000_000)
    log_out_everywhere(made.forum, user)
    emit_user(made, "user_anonymized", user)
    return ok(username=user.username)


@routes.post("/admin/users/<int:user_id>/merge")
def _merge(user_id: int) -> Response:
    """Answers at once; the work is done a moment later."""
    made, user = _admins_only(user_id)
    target = made.forum.user_named(made.text("target_username"))
    if target is None or target.id == user.id:
        raise not_found()
    if user.staff:
        raise forbidden()
    made.forum.merges.append((made.now + MERGE_SECONDS, user.id, target.id, made.actor.id))
    return ok()


@routes.delete("/admin/users/<int:user_id>")
def _destroy(user_id: int) -> Response:
    made, user = _admins_only(user_id)
    if user.staff:
        raise forbidden()
    wrote = any(
        p.user_id == user.id and not made.forum.topics[p.topic_id].is_message
        for p in made.forum.posts.values()
    )
    if wrote and not made.flag("delete_posts"):
        said = f"User {user.username} has posts: delete them first, or ask for it."
        raise Refused(403, {"deleted": False, "message": said})
    if wrote:
        for post in made.forum.posts.values():
            if post.user_id == user.id:
                post.deleted_at = made.now
    emit_user(made, "user_destroyed", user)
    delete(made.forum, user, made.actor, made.now)
    return answer({"deleted": True})
