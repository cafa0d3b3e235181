"""A row of a worklist, and the page of rows that fits on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.people import id_in
from bridge.errors import Permanent
from bridge.texts import gettext

PAGE = 50
NOBODY = (0, 0)


@dataclass(frozen=True, slots=True)
class Todo:
    """Something that can be done about a row: the act's name, and what its form is filled with."""

    act: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that waits. `at` and `next_at` are what the list's headings say of these days.

    `links`: pages elsewhere about it, by their words. `mark`: what makes it urgent, in a word.
    `concerns`: users who claim what it is about.
    """

    key: str
    about: str
    user_id: int | None = None
    username: str | None = None
    says: str = ""
    mark: str = ""
    amount: str = ""
    at: datetime | None = None
    next_at: datetime | None = None
    links: tuple[tuple[str, str], ...] = ()
    todo: tuple[Todo, ...] = ()
    concerns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; `after` begins the next one, if there is."""

    rows: tuple[Row, ...]
    after: str | None = None


def cut(rows: Sequence[Row]) -> Page:
    """A page of rows of which one more was asked for than fits."""
    shown = tuple(rows[:PAGE])
    return Page(shown, shown[-1].key if len(rows) > PAGE else None)


def two_ids(after: str) -> tuple[int, int]:
    """The membership after which a page begins, as `user:group`. Raises: Permanent."""
    if not after:
        return NOBODY
    try:
        user_id, group_id = after.split(":")
    except ValueError as error:
        raise no_such_page() from error
    return of_id(user_id), of_id(group_id)


def moment_and_ids(after: str) -> tuple[datetime, int, int] | None:
    """The ending after which a page begins, as `time|user|group`. Raises: Permanent."""
    if not after:
        return None
    try:
        at, user_id, group_id = after.split("|")
        return _moment(at), of_id(user_id), of_id(group_id)
    except ValueError as error:
        raise no_such_page() from error


def moment_and_id(after: str) -> tuple[datetime, str] | None:
    """What a page begins after, as `time|id`. Raises: Permanent."""
    if not after:
        return None
    at, _, id_ = after.partition("|")
    try:
        return _moment(at), id_
    except ValueError as error:
        raise no_such_page() from error


def of_id(text: str) -> int:
    """The id after which a page begins. Raises: Permanent."""
    id_ = id_in(text)
    if id_ is None:
        raise no_such_page()
    return id_


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


def no_such_page() -> Permanent:
    """The address of a page was made up."""
    return Permanent(gettext("this page does not exist: go back to the list’s first page"))
