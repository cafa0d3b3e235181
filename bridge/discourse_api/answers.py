"""The forum's answers, and errors for unexpected ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from bridge.core.model.discourse import Member
from bridge.discourse_api.reader import (
    LogEntry,
)
from bridge.discourse_api.refusals import Answer
from bridge.errors import Transient, Uncertain

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class AddResult:
    """The users found, including earlier members; Discourse does not say which.

    `all_were_members` is only likely (the same status has other reasons): read the members again.
    """

    usernames: tuple[str, ...]
    all_were_members: bool
    seconds: float
    server_time: datetime | None


@dataclass(frozen=True, slots=True)
class RemoveResult:
    """Names of users who were removed, and of users who were not in the group."""

    removed: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Members in the order in which they were added."""

    members: tuple[Member, ...]
    total: int
    limit: int
    offset: int
    server_time: datetime | None


@dataclass(frozen=True, slots=True)
class GroupLogPage:
    """The newest changes first; `all_loaded` on the last page."""

    entries: tuple[LogEntry, ...]
    all_loaded: bool


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A private message and its first post; not `created` if it existed before."""

    topic_id: int
    post_id: int
    created: bool = False


def written(answer: Answer, key: str, path: str) -> tuple[str, ...]:
    """The names that a change of a group was made for."""
    names = answer.body.get(key) if isinstance(answer.body, dict) else None
    if not isinstance(names, list):
        raise Uncertain(f"{path}: answered 200 without {key}: read the members again")
    return tuple(map(str, names))


def reading(path: str, read: Callable[[Any], R], body: object) -> R:
    """Read an answer; an unexpected one is an error, so nothing is decided from it."""
    try:
        return read(body)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Transient(f"GET {path}: the answer is not what was asked for ({error!r})") from error
