"""The doctor's questions to Discourse about what a key may do. Asking changes nothing.

A read is simply tried. A write is tried in a way that Discourse must refuse *after* it has let the
key in, so that the kind of refusal tells whether the key was good enough (seen on Discourse 3.5):

- adding somebody who is a member already: 422; in an empty group, an id of nobody: 400
- removing somebody who is not a member: 200, skipped; an id of nobody: 400
- sending a message to nobody: 422
- editing a post that does not exist: 404

A key that lacks the scope gets 403 for each of these, and 404 below /admin, where a wrong key gets
404 too. A wrong key is told from a missing scope by everything being refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from bridge.core.model.check import Check
from bridge.discourse_api.http import ForumClient
from bridge.discourse_api.probe_words import NOBODY, bot, checked, wrong_key
from bridge.discourse_api.reader import read_groups, read_members, read_user
from bridge.discourse_api.refusals import Refused
from bridge.errors import Forbidden, NotFound, Permanent

READ, MEMBERS, SEND, EDIT = "global:read", "groups:manage_groups", "topics:write", "posts:edit"
INVITE = "invites:create"


def probe(forum: ForumClient, group_id: int | None = None) -> list[Check]:
    """Try everything that the bridge does; `group_id`: the group to try adding and removing with.

    About ten requests. Raises Transient when Discourse does not answer.
    """
    me = _me(forum)
    group, member_id = _group(forum, group_id)
    checks = [
        *_reads(forum, me, group),
        checked(MEMBERS, "add members", _try_add(forum, group, member_id), group),
        checked(MEMBERS, "remove members", _try_remove(forum, group, me), group),
        checked(SEND, "send statements", _try_send(forum)),
        checked(EDIT, "keep statements up to date", _try_edit(forum)),
    ]
    if not any(check.ok for check in checks):
        return [wrong_key(forum.api_username)]
    return [Check("key", ok=True, message=f"Discourse accepts the key of {forum.api_username}")] + (
        checks + bot(forum.api_username, me)
    )


def probe_group(forum: ForumClient, group_id: int) -> list[Check]:
    """Try adding to one group and removing from it; three or four requests."""
    group, member_id = _group(forum, group_id)
    return [
        checked(MEMBERS, "add members", _try_add(forum, group, member_id), group),
        checked(MEMBERS, "remove members", _try_remove(forum, group, None), group),
    ]


def probe_invites(forum: ForumClient) -> list[Check]:
    """Try to invite the key's own user, whose address has an account: that invites nobody.

    A key that may is told 422, one that may not 403. The address is not kept. Without it nothing
    is tried; other checks say that the key may not read.
    """
    try:
        path = f"/u/{quote(forum.api_username, safe='')}/emails.json"
        own = str(forum.exchange("GET", path).body["email"])
    except (Permanent, KeyError, TypeError):
        return []
    what = {"email": own, "skip_email": True}
    return [checked(INVITE, "invite people", _let_in(forum, "POST", "/invites.json", json=what))]


# --- Trying: True if the key was let in, False if it was refused ---------------------------------


def _let_in(forum: ForumClient, verb: str, path: str, **what: Any) -> bool:
    try:
        forum.exchange(verb, path, **what)
    except (Forbidden, NotFound) as refusal:
        # A write is let in before its object is looked for; a read of /admin hides behind 404.
        return isinstance(refusal, NotFound) and verb != "GET"
    except Refused:
        return True
    return True


def _me(forum: ForumClient) -> dict[str, Any] | None:
    try:
        answer = forum.exchange("GET", f"/u/{quote(forum.api_username, safe='')}.json")
        read_user(answer.body["user"])
    except (Permanent, KeyError, TypeError, ValueError):
        return None
    me: dict[str, Any] = answer.body["user"]
    return me


def _group(forum: ForumClient, group_id: int | None) -> tuple[dict[str, Any] | None, int | None]:
    """The group to try with, as id and name, and one member of it if it has any."""
    try:
        if group_id is None:
            groups, _total = read_groups(forum.exchange("GET", "/groups.json").body)
            found = next((g for g in groups if not g.automatic), None)
            if found is None:
                return None, None
            group: dict[str, Any] = {"id": found.id, "name": found.name}
        else:
            group = forum.exchange("GET", f"/groups/by-id/{group_id}.json").body["group"]
        path = f"/groups/{quote(group['name'], safe='')}/members.json"
        members, _, _ = read_members(forum.exchange("GET", path, params={"limit": 1}).body)
    except (Permanent, KeyError, TypeError, ValueError):
        return ({"id": group_id} if group_id is not None else None), None
    return group, members[0].user_id if members else None


def _try_add(forum: ForumClient, group: dict[str, Any] | None, member_id: int | None) -> bool:
    body = {"user_ids": str(member_id if member_id is not None else NOBODY)}
    return _let_in(forum, "PUT", f"/groups/{_id(group)}/members.json", json=body)


def _try_remove(
    forum: ForumClient, group: dict[str, Any] | None, me: dict[str, Any] | None
) -> bool:
    mine = {g["id"] for g in me["groups"]} if me else set()
    not_in = me["id"] if me and group and group["id"] not in mine else NOBODY
    query = f"user_ids={not_in}"
    return _let_in(forum, "DELETE", f"/groups/{_id(group)}/members.json", params=query)


def _id(group: dict[str, Any] | None) -> int:
    return int(group["id"]) if group else NOBODY


def _try_send(forum: ForumClient) -> bool:
    nobody = {
        "title": "A question of the doctor to nobody",
        "raw": "Nobody is to read this, because it goes to nobody.",
        "archetype": "private_message",
    }
    return _let_in(forum, "POST", "/posts.json", json=nobody)


def _try_edit(forum: ForumClient) -> bool:
    body = {"post": {"raw": "There is no such post."}}
    return _let_in(forum, "PUT", f"/posts/{NOBODY}.json", json=body)


def _reads(
    forum: ForumClient, me: dict[str, Any] | None, group: dict[str, Any] | None
) -> list[Check]:
    name = quote(str(group["name"]), safe="") if group and "name" in group else "staff"
    reads: list[tuple[str, Callable[[], bool]]] = [
        ("list groups", lambda: _let_in(forum, "GET", "/groups.json")),
        ("list members", lambda: _let_in(forum, "GET", f"/groups/{name}/members.json")),
        ("read who changed a group", lambda: _let_in(forum, "GET", f"/groups/{name}/logs.json")),
        (
            "read users by their id",
            lambda: bool(me) and _let_in(forum, "GET", f"/admin/users/{(me or {})['id']}.json"),
        ),
    ]
    return [checked(READ, what, attempt()) for what, attempt in reads]
