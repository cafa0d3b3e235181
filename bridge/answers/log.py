"""The log: who did what to whom, when and why; the newest first, in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.actor import spellings
from bridge.core.model.change import Change
from bridge.core.model.people import LARGEST_ID
from bridge.core.telling.doers import Doer, doer, events_in, people_in
from bridge.core.telling.outcomes import Said, ids_of, said
from bridge.store import Connection, changes, groups, inbox, names, users
from bridge.store.changes import About
from bridge.wiring import Bridge

PAGE = 50
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the log shows. `person` and `by`: as somebody writes a name or an id.

    `decided`: only what people did, and not what followed from news.
    """

    person: str = ""
    by: str = ""
    group_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log in words, with the names of whom and what it is about."""

    change: Change
    username: str | None
    group: str | None
    by: Doer
    said: Said
    ids: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of the log; `before` begins the next page. `unknown`: a name that nobody has."""

    lines: tuple[Line, ...]
    before: int | None = None
    unknown: str | None = None


def page(
    bridge: Bridge, question: Question, *, before: int | None = None, limit: int = PAGE
) -> Page:
    """The lines that a question is about."""
    with bridge.store.read() as connection:
        about = About(
            group_id=question.group_id,
            action=question.action,
            since=question.since,
            until=question.until,
            by_people=question.decided,
        )
        if question.person:
            user_id = _user_id(connection, question.person)
            if user_id is None:
                return Page((), unknown=question.person)
            about["user_id"] = user_id
        if question.by:
            user_id = _user_id(connection, question.by)
            about["causes"] = spellings(question.by if user_id is None else str(user_id))
        found = changes.page(connection, before=before, limit=limit + 1, **about)
        lines = named(connection, found[:limit])
    return Page(lines, lines[-1].change.id if len(found) > limit else None)


def every_line(bridge: Bridge, question: Question) -> Iterator[Line]:
    """All lines, read a thousand at a time."""
    found = page(bridge, question, limit=AT_ONCE)
    yield from found.lines
    while found.before is not None:
        found = page(bridge, question, before=found.before, limit=AT_ONCE)
        yield from found.lines


def named(
    connection: Connection, found: Iterable[Change], group_names: Mapping[int, str] | None = None
) -> tuple[Line, ...]:
    """Lines with the names of whom and what they are about; `group_names`, if they were read."""
    lines = list(found)
    causes = [one.cause for one in lines]
    mentioned = {one.user_id for one in lines if one.user_id is not None} | people_in(causes)
    called = users.names_of(connection, mentioned)
    events = {one.event_id: one.type for one in inbox.received(connection, events_in(causes))}
    if group_names is None:
        group_names = {one.id: one.name for one in groups.load_groups(connection).values()}
    return tuple(
        Line(
            change=one,
            username=called.get(one.user_id or 0),
            group=group_names.get(one.group_id or 0),
            by=doer(one.cause, called, events, action=one.action),
            said=said(one),
            ids=ids_of(one),
        )
        for one in lines
    )


def _user_id(connection: Connection, said: str) -> int | None:
    """Whose name or id it is, by what the bridge knows; the forum is not asked."""
    text = said.strip().removeprefix("@")
    digits = text.removeprefix("id:")
    if digits.isascii() and digits.isdecimal() and int(digits) <= LARGEST_ID:
        return int(digits)
    owner = names.owner_of(connection, text)
    return owner.user_id if owner else None
