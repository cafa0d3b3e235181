"""The log: who did what to whom, when and why; the newest first, in pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.answers.timeline import known_of
from bridge.answers.undone import Fate, fates
from bridge.core.model.actor import spellings
from bridge.core.model.change import Change
from bridge.core.model.people import id_in
from bridge.core.telling.timeline import Entry, of_change
from bridge.store import Connection, changes, groups, names, tokens
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
    """A line of the log as it is kept, and in words."""

    change: Change
    entry: Entry


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of the log; `before` begins the next page. `unknown`: a name that nobody has.

    `fates`: what became of the lines that can be undone, by their number.
    """

    lines: tuple[Line, ...]
    before: int | None = None
    unknown: str | None = None
    fates: Mapping[int, Fate] = field(default_factory=dict)


def page(
    bridge: Bridge,
    question: Question,
    *,
    before: int | None = None,
    upto: int | None = None,
    limit: int = PAGE,
) -> Page:
    """The lines that a question is about; older than a line, or up to one."""
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
            about["causes"] = _causes(connection, question.by)
        found = changes.page(connection, before=before, upto=upto, limit=limit + 1, **about)
        lines = _in_words(connection, found[:limit])
        ends = fates(connection, found[:limit], bridge.clock.now())
    return Page(lines, found[limit - 1].id if len(found) > limit else None, fates=ends)


def every_line(bridge: Bridge, question: Question) -> Iterator[Line]:
    """All lines, read a thousand at a time."""
    found = page(bridge, question, limit=AT_ONCE)
    yield from found.lines
    while found.before is not None:
        found = page(bridge, question, before=found.before, limit=AT_ONCE)
        yield from found.lines


def _in_words(connection: Connection, found: Collection[Change]) -> tuple[Line, ...]:
    names = {one.id: one.name for one in groups.load_groups(connection).values()}
    about = {one.user_id for one in found if one.user_id is not None}
    known = known_of(connection, [one.cause for one in found], about, names)
    return tuple(Line(one, of_change(one, known)) for one in found)


def _causes(connection: Connection, by: str) -> tuple[str, ...]:
    """What the log has as the cause of somebody's acts: a person, an operator, tokens."""
    user_id = _user_id(connection, by)
    every = (by if user_id is None else str(user_id), *tokens.ids_named(connection, by))
    return tuple(cause for who in every for cause in spellings(who))


def _user_id(connection: Connection, said: str) -> int | None:
    """Whose name or id it is, by what the bridge knows; the forum is not asked."""
    text = said.strip().removeprefix("@")
    if (id_ := id_in(text.removeprefix("id:"))) is not None:
        return id_
    owner = names.owner_of(connection, text)
    return owner.user_id if owner else None
