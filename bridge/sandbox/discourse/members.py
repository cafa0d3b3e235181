"""Members of groups: add, remove, list, owners; slow and not atomic where asked to be."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Blueprint, Response, request

from bridge.sandbox.discourse.answers import (
    Refused,
    answer,
    empty,
    forbidden,
    invalid,
    not_found,
    ok,
    unprocessable,
)
from bridge.sandbox.discourse.call import Call, call, fault_of
from bridge.sandbox.discourse.groups import group_by_id, seen_group
from bridge.sandbox.discourse.hooks import emit_membership
from bridge.sandbox.discourse.invites import make_invite
from bridge.sandbox.discourse.membership import (
    add_member,
    end_ownership,
    make_owner,
    remove_member,
    sorted_members,
)
from bridge.sandbox.discourse.permissions import can_edit_group, can_see_members
from bridge.sandbox.discourse.posts import send_system_message
from bridge.sandbox.discourse.shapes_group import group_member
from bridge.sandbox.discourse.state import Group, User
from bridge.sandbox.server import CUT_OFF

routes = Blueprint("members", __name__)

LIMIT, MAX_LIMIT, MAX_ADD = 50, 1000, 1000
SELECTORS = ("usernames", "user_id", "user_ids", "user_emails")
LEGACY_SELECTORS = ("username", "user_email")


def editable_group(made: Call, ref: str) -> Group:
    """The group with that id, which the caller may change."""
    group = group_by_id(made.forum, ref)
    if not can_edit_group(made.forum, made.user, group):
        raise forbidden()
    return group


def chosen_users(made: Call, selectors: tuple[str, ...]) -> tuple[str, list[User]]:
    """The first selector that has something, and the users it finds; the rest is dropped."""
    for selector in selectors:
        words = made.words(selector)
        if not words:
            continue
        found: dict[int, User] = {}
        for word in words:
            user = _find(made, selector, word)
            if user is not None:
                found[user.id] = user
        return selector, list(found.values())
    return "", []


def _find(made: Call, selector: str, word: str) -> User | None:
    if selector.startswith("username"):
        return made.forum.user_named(word)
    if selector.startswith("user_id"):
        return made.forum.users.get(int(word)) if word.lstrip("-").isdigit() else None
    if not made.actor.admin:
        raise forbidden()
    return made.forum.user_with_email(word)


@routes.put("/groups/<ref>/members")
def _add(ref: str) -> Response:
    made = call()
    group = editable_group(made, ref)
    if isinstance(made.params.get("user_ids"), list):
        # Seen on a 3.5: the first item of a JSON array is lost, and the answer is 200.
        made.params["user_ids"] = made.params["user_ids"][1:]
    selector, users = chosen_users(made, SELECTORS)
    addresses = made.words("emails")
    users += [u for u in map(made.forum.user_with_email, addresses) if u]
    invited = [a for a in addresses if made.forum.user_with_email(a) is None]
    _ensure_addable(group, selector, users, invited)
    for address in invited:
        make_invite(made, address, group_ids=[group.id], emailed=True)
    missing = [u for u in users if u.id not in group.members]

    def put_in(user: User) -> None:
        if user.id in made.forum.users and user.id not in group.members:
            now = made.world.clock.now()
            membership = add_member(made.forum, group, user, made.actor, now)
            emit_membership(made, "user_added_to_group", group, user, membership)
            if made.flag("notify_users"):
                _welcome(made, group, user)

    one_by_one(made, missing, made.forum.timing.add_seconds, put_in)
    return ok(usernames=[u.username for u in users], emails=invited)


def _welcome(made: Call, group: Group, user: User) -> None:
    title = f"You have been added as a member of the {group.name} group"
    send_system_message(made, user, title, f"You are now a member of {group.name}.")


def _ensure_addable(group: Group, selector: str, users: list[User], invited: list[str]) -> None:
    if not selector and not users and not invited:
        raise invalid("Usernames or emails must be present")
    if not users and not invited:
        raise invalid(selector)
    if len(users) + len(invited) > MAX_ADD:
        raise unprocessable(f"Maximum {MAX_ADD} users can be added at once")
    if users and not invited and all(u.id in group.members for u in users):
        names = ", ".join(u.username for u in users)
        if len(users) == 1:
            raise unprocessable(f"'{names}' is already a member of this group.")
        raise unprocessable(f"The following users are already members of this group: {names}")


@routes.delete("/groups/<ref>/members")
def _remove(ref: str) -> Response:
    made = call()
    group = editable_group(made, ref)
    selector, users = chosen_users(made, SELECTORS + LEGACY_SELECTORS)
    if not selector:
        raise invalid("user_ids or usernames or user_emails must be present")
    if not users:
        raise invalid(selector)
    inside = [u for u in users if u.id in group.members]
    skipped = [u.username for u in users if u.id not in group.members]

    def take_out(user: User) -> None:
        if user.id in group.members:
            now = made.world.clock.now()
            membership = remove_member(made.forum, group, user, made.actor, now)
            emit_membership(made, "user_removed_from_group", group, user, membership)

    one_by_one(made, inside, made.forum.timing.remove_seconds, take_out)
    return ok(usernames=[u.username for u in inside], skipped_usernames=skipped)


def one_by_one(
    made: Call, users: list[User], seconds_each: float, work: Callable[[User], None]
) -> None:
    """Do the work user by user, others' requests in between; a part stays when it is cut off."""
    timing, partial = made.forum.timing, fault_of("partial")
    most = int(partial.args.get("members", len(users) // 2)) if partial else len(users)
    if timing.on:
        most = min(most, int(timing.limit_seconds / seconds_each))
    for user in users[:most]:
        if timing.on:
            made.world.lock.release()
            time.sleep(seconds_each * timing.scale)
            made.world.lock.acquire()
        work(user)
    if partial or most < len(users):
        request.environ[CUT_OFF] = True
        raise Refused(502, "cut off")


@routes.get("/groups/<name>/members")
def _index(name: str) -> Response:
    made = call()
    group = seen_group(made, name)
    if not can_see_members(made.user, group):
        raise forbidden()
    limit, offset = made.number("limit", LIMIT), made.number("offset", 0)
    if not 0 < limit <= MAX_LIMIT:
        raise invalid("limit")
    if offset < 0:
        raise invalid("offset")
    ids = sorted_members(made.forum, group, made.text("order"), ascending=bool(made.text("asc")))
    wanted = made.text("filter").lower()
    if wanted:
        ids = [i for i in ids if _fits(made.forum.users[i], wanted)]
    part = ids[offset : offset + limit]
    short = fault_of("short_page")
    if short:
        part = part[: -int(short.args.get("entries", 1)) or None]
    owners = [i for i in ids if group.members[i].owner] if offset < len(ids) else []
    meta = {"total": len(group.members), "limit": limit, "offset": offset}
    return answer(
        {
            "members": [_member(made, group, i) for i in part],
            "owners": [_member(made, group, i) for i in owners],
            "meta": meta,
        }
    )


def _fits(user: User, wanted: str) -> bool:
    return wanted in user.username.lower() or wanted in (user.name or "").lower()


def _member(made: Call, group: Group, user_id: int) -> dict[str, object]:
    return group_member(made.forum, made.forum.users[user_id], group.members[user_id])


@routes.put("/groups/<ref>/join")
def _join(ref: str) -> Response:
    made = call()
    group = group_by_id(made.forum, ref)
    if not group.public_admission:
        raise forbidden()
    if made.actor.id not in group.members:
        membership = add_member(made.forum, group, made.actor, made.actor, made.now)
        emit_membership(made, "user_added_to_group", group, made.actor, membership)
    return ok(usernames=[made.actor.username], emails=[])


@routes.delete("/groups/<ref>/leave")
def _leave(ref: str) -> Response:
    made = call()
    group = group_by_id(made.forum, ref)
    if not group.public_exit:
        raise forbidden()
    if made.actor.id in group.members:
        membership = remove_member(made.forum, group, made.actor, made.actor, made.now)
        emit_membership(made, "user_removed_from_group", group, made.actor, membership)
    return ok(usernames=[made.actor.username], skipped_usernames=[])


@routes.put("/groups/<ref>/owners")
@routes.put("/admin/groups/<ref>/owners")
def _add_owners(ref: str) -> Response:
    made = call()
    group = group_by_id(made.forum, ref)
    if group.automatic:
        raise unprocessable("You cannot modify an automatic group")
    if not can_edit_group(made.forum, made.user, group):
        raise forbidden()
    made.params["usernames"] = made.text("usernames") or made.nested("group").get("usernames")
    _, users = chosen_users(made, SELECTORS)
    for user in users:
        make_owner(made.forum, group, user, made.actor, made.now)
    return ok(usernames=[u.username for u in users])


@routes.delete("/admin/groups/<ref>/owners")
def _remove_owners(ref: str) -> Response:
    made = call()
    group = group_by_id(made.forum, ref)
    if group.automatic:
        raise unprocessable("You cannot modify an automatic group")
    _, users = chosen_users(made, SELECTORS)
    for user in users:
        if user.id in group.members:
            end_ownership(group, user, made.actor, made.now)
    return ok()


@routes.post("/admin/users/<int:user_id>/groups")
def _add_by_admin_page(user_id: int) -> Response:
    made = call()
    user, group = made.forum.users.get(user_id), made.forum.groups.get(made.number("group_id", -1))
    if user is None or group is None:
        raise not_found()
    if not can_edit_group(made.forum, made.user, group):
        raise forbidden()
    if user.id not in group.members:
        membership = add_member(made.forum, group, user, made.actor, made.now)
        emit_membership(made, "user_added_to_group", group, user, membership)
    return empty()


@routes.delete("/admin/users/<int:user_id>/groups/<int:group_id>")
def _remove_by_admin_page(user_id: int, group_id: int) -> Response:
    made = call()
    user, group = made.forum.users.get(user_id), made.forum.groups.get(group_id)
    if user is None or group is None:
        raise not_found()
    if not can_edit_group(made.forum, made.user, group):
        raise forbidden()
    if user.id in group.members:
        membership = remove_member(made.forum, group, user, made.actor, made.now)
        emit_membership(made, "user_removed_from_group", group, user, membership)
    return empty()
