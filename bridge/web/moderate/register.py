"""The register of members in the console: filtered, sorted, a page at a time, and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TypeVar

from flask import Response, render_template, request
from werkzeug.datastructures import MultiDict

from bridge.answers import members as register
from bridge.answers.members import Question
from bridge.core.model.days import day_of
from bridge.core.model.people import LARGEST_ID
from bridge.core.telling.listing import KINDS, SORTS, SOURCES, STANDINGS
from bridge.core.telling.sentences import as_sentence
from bridge.errors import Permanent
from bridge.texts import gettext
from bridge.web.context import the_bridge
from bridge.web.moderate.access import blueprint, may
from bridge.web.moderate.downloads import as_file
from bridge.web.security import Stop

HEADER = ("user_id", "username", "group", "standing", "kind", "sources", "since", "until")
FIELDS = ("group", "standing", "kind", "source", "day", "sort")
Code = TypeVar("Code", bound=str)


@blueprint.get("/members")
def members() -> str:
    """Who is in which group, now or at the end of a day."""
    asked = request.args
    question = _question(asked)
    try:
        page = register.members(the_bridge(), question, after=asked.get("after", ""))
    except Permanent as error:
        raise Stop(400, gettext("Page not found"), as_sentence(str(error))) from error
    return render_template(
        "moderate/members.jinja",
        groups=page.groups,
        question=question,
        said=_said(asked),
        page=page,
        standings=STANDINGS,
        sources=SOURCES,
        kinds=KINDS,
        sorts=SORTS,
        may_export=may("export"),
    )


@blueprint.post("/members.csv")
def members_file() -> Response:
    """The same as a file, every row of it."""
    question = _question(request.form)
    rows = (
        (
            *(row.user_id, row.username, row.group, STANDINGS[row.standing]),
            *(KINDS[row.kind] if row.kind else None, ", ".join(SOURCES[x] for x in row.sources)),
            *(row.since_at, row.until_at),
        )
        for row in register.every_member(the_bridge(), question)
    )
    return as_file("members", HEADER, rows, _said(request.form))


def _question(said: MultiDict[str, str]) -> Question:
    group_id = said.get("group", type=int)
    question = Question(
        group_id=group_id if group_id is not None and 0 <= group_id <= LARGEST_ID else None,
        standing=_one_of(STANDINGS, said.get("standing")),
        source=_one_of(SOURCES, said.get("source")),
        kind=_one_of(KINDS, said.get("kind")),
        sort=_one_of(SORTS, said.get("sort")) or "person",
        at=end_of(said.get("day", "")),
    )
    return question if question.at is None else replace(question, sort="person")


def _said(said: MultiDict[str, str]) -> dict[str, str]:
    return {name: said[name] for name in FIELDS if said.get(name)}


def _one_of(known: Mapping[Code, str], said: str | None) -> Code | None:
    return next((code for code in known if code == said), None)


def end_of(day: str) -> datetime | None:
    """The last moment of a day; None for now."""
    asked = asked_day(day)
    return datetime.combine(asked, time.max, tzinfo=UTC) if asked else None


def asked_day(text: str) -> date | None:
    """The day in a filter; None where it is empty."""
    try:
        return day_of(text) if text else None
    except Permanent as error:
        raise Stop(400, gettext("This is not a day"), as_sentence(str(error))) from error
