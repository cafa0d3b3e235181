"""Reads Discourse's JSON into the project's words, using only the keys that it needs.

Each function raises KeyError, TypeError or ValueError if one of those is missing or has another
type, because an incomplete answer is not an answer. Other keys may come and go with Discourse's
versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from bridge.core.model.discourse import Group, Member, User

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A change to a group, and who did it; ids are None where that user is gone.

    `action` is Discourse's: `add_user_to_group`, `remove_user_from_group`, and others.
    """

    action: str
    at: datetime
    acting_username: str | None
    target_username: str | None
    acting_user_id: int | None = None
    target_user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """An invitation, and who came of it."""

    invite_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class AcceptedPage:
    """A part of the invitations that were accepted, and how many there are."""

    accepted: tuple[Accepted, ...]
    total: int


def read_accepted(body: Json) -> AcceptedPage:
    """Accepted invitations; a link for several has no user of its own once that is deleted."""
    found = tuple(
        Accepted(int(one["id"]), int(one["user"]["id"])) for one in body["invites"] if one["user"]
    )
    return AcceptedPage(found, int(body["counts"]["redeemed"]))


def read_time(text: str) -> datetime:
    """Discourse's `2026-11-22T05:25:39.803Z`, aware."""
    return datetime.fromisoformat(text).astimezone(UTC)


def read_group(raw: Json) -> Group:
    """A group, in a list or alone."""
    return Group(
        id=int(raw["id"]),
        name=str(raw["name"]),
        full_name=raw.get("full_name") or None,
        automatic=bool(raw["automatic"]),
        user_count=int(raw.get("user_count") or 0),
    )


def read_groups(body: Json) -> tuple[list[Group], int]:
    """A page of groups, and how many there are on all pages."""
    return [read_group(g) for g in body["groups"]], int(body["total_rows_groups"])


def read_members(body: Json) -> tuple[tuple[Member, ...], int, int]:
    """A page of members, how many there are on all pages, and the size of a page."""
    meta = body["meta"]
    members = tuple(
        Member(int(m["id"]), str(m["username"]), read_time(m["added_at"])) for m in body["members"]
    )
    return members, int(meta["total"]), int(meta["limit"])


def read_log(body: Json) -> tuple[tuple[LogEntry, ...], bool]:
    """A page of a group's log, and whether it is the last."""
    return tuple(_read_log_entry(e) for e in body["logs"]), bool(body["all_loaded"])


def _read_log_entry(raw: Json) -> LogEntry:
    acting, target = raw.get("acting_user") or {}, raw.get("target_user") or {}
    return LogEntry(
        action=str(raw["action"]),
        at=read_time(raw["created_at"]),
        acting_username=acting.get("username"),
        target_username=target.get("username"),
        acting_user_id=acting.get("id"),
        target_user_id=target.get("id"),
    )


def read_user(raw: Json) -> User:
    """A user with groups, as /admin/users and /u show them; a missing list is an error."""
    return User(
        id=int(raw["id"]),
        username=str(raw["username"]),
        name=raw.get("name") or None,
        state=_state(raw),
        group_ids=frozenset(int(g["id"]) for g in raw["groups"]),
        group_names=frozenset(str(g["name"]) for g in raw["groups"]),
        is_admin=bool(raw.get("admin")),
        is_moderator=bool(raw.get("moderator")),
    )


def read_cards(body: Json) -> tuple[User, ...]:
    """Users as cards name them, without groups."""
    return tuple(read_user({**raw, "groups": []}) for raw in body["users"])


def _state(raw: Json) -> Literal["active", "suspended", "staged", "gone"]:
    if raw.get("suspended_till") or raw.get("suspended_at"):  # absent once it is over
        return "suspended"
    return "staged" if raw.get("staged") else "active"


def read_topic(body: Json) -> tuple[int, int]:
    """The ids of a topic and of its first post."""
    return int(body["id"]), int(body["post_stream"]["posts"][0]["id"])


def topic_of_redirect(forum_url: str, location: str) -> int | None:
    """The topic that a redirect leads to, or None if it leads away from the forum."""
    target, home = urlsplit(location), urlsplit(forum_url)
    if target.netloc and (target.scheme, target.netloc) != (home.scheme, home.netloc):
        return None
    found = re.fullmatch(
        re.escape(home.path.rstrip("/")) + r"/t/(?:[^/]+/)?(\d+)(?:\.json)?", target.path
    )
    return int(found.group(1)) if found else None
