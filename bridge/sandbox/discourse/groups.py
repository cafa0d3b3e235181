"""Groups: list, show, create, change, delete, history."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import (
    answer,
    forbidden,
    invalid,
    no_record,
    not_found,
    ok,
    unprocessable,
)
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.hooks import emit
from bridge.sandbox.discourse.membership import enter, make_owner
from bridge.sandbox.discourse.names import name_problem
from bridge.sandbox.discourse.permissions import can_edit_group, can_see_group
from bridge.sandbox.discourse.shapes_group import (
    basic_group,
    listed_group,
    log_line,
    shown_group,
)
from bridge.sandbox.discourse.state import Forum, Group, GroupLogLine

routes = Blueprint("groups", __name__)

PER_PAGE, LOGS_PER_PAGE = 36, 25
CHANGEABLE = {
    "full_name": str, "title": str, "bio_raw": str, "primary_group": bool, "visibility_level": int,
    "members_visibility_level": int, "mentionable_level": int, "messageable_level": int,
    "grant_trust_level": int, "public_admission": bool, "public_exit": bool,
    "allow_membership_requests": bool, "default_notification_level": int, "flair_bg_color": str,
}  # fmt: skip


def seen_group(made: Call, name: str) -> Group:
    """The group of that name, if it exists for the caller."""
    group = made.forum.group_named(name)
    if group is None or not can_see_group(made.user, group):
        raise not_found()
    return group


def group_by_id(forum: Forum, ref: str) -> Group:
    """The group with that id; a name instead of an id is no record."""
    group = forum.groups.get(int(ref)) if ref.isdigit() else None
    if group is None:
        raise no_record()
    return group


@routes.get("/groups")
def _index() -> Response:
    made = call()
    page = max(0, made.number("page", 0))
    wanted = made.text("filter").lower()
    seen = sorted(
        (
            g
            for g in made.forum.groups.values()
            if g.id != 0 and can_see_group(made.user, g) and wanted in g.name.lower()
        ),
        key=lambda g: g.name.lower(),
    )
    part = seen[page * PER_PAGE : (page + 1) * PER_PAGE]
    filters = ["my", "owner", "public"] if made.user and made.user.admin else ["my", "owner"]
    return answer(
        {
            "groups": [listed_group(made.forum, g, made.user) for g in part],
            "extras": {"type_filters": filters},
            "total_rows_groups": len(seen),
            "load_more_groups": f"/groups?page={page + 1}",
        }
    )


@routes.get("/groups/search")
def _search() -> Response:
    """All groups that the caller may see, without pages."""
    made = call()
    term = made.text("term").lower()
    seen = [
        g
        for g in made.forum.groups.values()
        if can_see_group(made.user, g) and term in g.name.lower()
    ]
    return answer([basic_group(made.forum, g, made.user) for g in seen])


@routes.get("/groups/<name>")
def _show(name: str) -> Response:
    return _shown(seen_group(call(), name))


@routes.get("/groups/by-id/<int:group_id>")
def _show_by_id(group_id: int) -> Response:
    made = call()
    group = made.forum.groups.get(group_id)
    if group is None or not can_see_group(made.user, group):
        raise not_found()
    return _shown(group)


def _shown(group: Group) -> Response:
    made = call()
    names = [g.name for g in made.forum.groups.values() if can_see_group(made.user, g)]
    shape = shown_group(made.forum, group, made.user)
    return answer({"group": shape, "extras": {"visible_group_names": sorted(names)}})


@routes.post("/admin/groups")
def _create() -> Response:
    made = call()
    if not made.actor.admin:
        raise forbidden()
    given = made.nested("group")
    group = Group(made.forum.new_id(), str(given.get("name", "")), made.now)
    _ensure_name(made.forum, group.name)
    _change(group, given)
    made.forum.groups[group.id] = group
    made.forum.group_id_by_name[group.name.lower()] = group.id
    for word in str(given.get("usernames", "")).split(","):
        user = made.forum.user_named(word) if word.strip() else None
        if user is not None:
            enter(made.forum, group, user, made.now)
    for word in str(given.get("owner_usernames", "")).split(","):
        user = made.forum.user_named(word) if word.strip() else None
        if user is not None:
            make_owner(made.forum, group, user, made.actor, made.now)
    emit(made, "group_created", {"group": basic_group(made.forum, group, made.system)})
    return answer({"basic_group": basic_group(made.forum, group, made.user)})


def _ensure_name(forum: Forum, name: str, of: Group | None = None) -> None:
    taken = forum.group_id_by_name.get(name.lower())
    errors = []
    if not name:
        errors.append("Name can't be blank")
    elif problem := name_problem(name):
        errors.append(f"Name {problem}")
    if taken not in (None, of.id if of else None) or forum.user_named(name):
        errors.append("Name has already been taken")
    if errors:
        raise unprocessable(*errors)


def _change(group: Group, given: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Set what may be set; returns what changed: setting, before, after."""
    changed = []
    for key, kind in CHANGEABLE.items():
        if key not in given:
            continue
        raw, before = given[key], getattr(group, key)
        value: Any = None if raw in (None, "") else raw
        if kind is bool:
            value = str(raw).lower() in ("true", "1")
        elif kind is int and value is not None:
            value = int(value)
        if value != before:
            setattr(group, key, value)
            changed.append((key, "" if before is None else str(before), str(value)))
    return changed


@routes.put("/groups/<ref>")
def _update(ref: str) -> Response:
    made = call()
    group = group_by_id(made.forum, ref)
    if not can_edit_group(made.forum, made.user, group):
        raise forbidden()
    given = made.nested("group")
    changed = _change(group, given)
    name = str(given.get("name") or group.name)
    if name != group.name:
        if not made.actor.admin:
            raise forbidden()
        _ensure_name(made.forum, name, group)
        changed.append(("name", group.name, name))
        del made.forum.group_id_by_name[group.name.lower()]
        made.forum.group_id_by_name[name.lower()] = group.id
        group.name = name
    for subject, before, after in changed:
        group.log.append(
            GroupLogLine(
                "change_group_setting", made.actor.id, None, made.now, subject, before, after
            )
        )
    # A real server sent this one twice.
    for _ in range(2):
        emit(made, "group_updated", {"group": basic_group(made.forum, group, made.system)})
    return ok()


@routes.delete("/admin/groups/<int:group_id>")
def _destroy(group_id: int) -> Response:
    made = call()
    group = made.forum.groups.get(group_id)
    if group is None:
        raise not_found()
    if group.automatic:
        raise unprocessable("You cannot modify an automatic group")
    emit(made, "group_destroyed", {"group": basic_group(made.forum, group, made.system)})
    delete_group(made, group)
    return ok()


def delete_group(made: Call, group: Group) -> None:
    """Members leave without a line anywhere but in the log of all changes."""
    from bridge.sandbox.discourse.membership import remove_member  # noqa: PLC0415

    for user_id in list(group.members):
        remove_member(made.forum, group, made.forum.users[user_id], made.actor, made.now)
    del made.forum.groups[group.id]
    del made.forum.group_id_by_name[group.name.lower()]


@routes.get("/groups/<name>/logs")
def _logs(name: str) -> Response:
    made = call()
    group = seen_group(made, name)
    automatic_by_staff = group.automatic and made.user is not None and made.user.admin
    if not can_edit_group(made.forum, made.user, group) and not automatic_by_staff:
        raise forbidden()
    wanted = {k: str(v) for k, v in made.nested("filters").items() if v}
    lines = [
        shape
        for line in reversed(group.log)
        if (shape := log_line(made.forum, line)) and _matches(shape, wanted)
    ]
    start = made.number("offset", 0) * LOGS_PER_PAGE
    if start < 0:
        raise invalid("offset")
    end = start + LOGS_PER_PAGE
    return answer({"logs": lines[start:end], "all_loaded": len(lines) <= end})


def _matches(shape: dict[str, Any], wanted: dict[str, str]) -> bool:
    flat = {"action": shape["action"], "subject": shape["subject"]}
    for who in ("acting_user", "target_user"):
        flat[who] = shape[who]["username"].lower() if shape[who] else None  # group_history.rb
    return all(flat.get(key) == value for key, value in wanted.items())
