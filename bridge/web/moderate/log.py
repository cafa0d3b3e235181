"""The log in the console: by person, actor, group, kind and day, and as a file."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import Response, render_template, request
from werkzeug.datastructures import MultiDict

from bridge.answers import log as the_log
from bridge.answers.log import Line, Question
from bridge.answers.members import given_groups
from bridge.core.model.people import LARGEST_ID, LONGEST_NAME
from bridge.core.telling.log import ACTIONS
from bridge.web.context import the_bridge
from bridge.web.moderate.access import blueprint, may
from bridge.web.moderate.downloads import as_file
from bridge.web.moderate.register import asked_day
from bridge.web.moderate.undo_act import undoable

HEADER = (
    *("number", "at", "action", "what", "user_id", "username", "group", "customer_id"),
    *("by", "said", "reason", "cause", "rule", "outcome"),
)
FIELDS = ("person", "by", "group", "kind", "since", "until", "decided")


@blueprint.get("/log")
def log() -> str:
    """Everything that was decided, sent and seen, the newest first."""
    question = _question(request.args)
    before = request.args.get("before", type=int)
    if before is not None and not 0 < before <= LARGEST_ID:
        before = None
    line = request.args.get("line", type=int)
    if line is not None and not 0 < line <= LARGEST_ID:
        line = None
    return render_template(
        "moderate/log.jinja",
        page=the_log.page(the_bridge(), question, before=before, upto=line),
        question=question,
        said=_said(request.args),
        groups=given_groups(the_bridge()),
        actions=sorted(ACTIONS.items(), key=lambda one: one[1]),
        undoable=undoable(),
        may_export=may("export"),
    )


@blueprint.post("/log.csv")
def log_file() -> Response:
    """The same as a file, every line of it."""
    lines = the_log.every_line(the_bridge(), _question(request.form))
    return as_file("log", HEADER, (_cells(line) for line in lines), _said(request.form))


def _cells(line: Line) -> tuple[object, ...]:
    one, entry = line.change, line.entry
    return (
        *(one.id, one.at, one.action, entry.what, one.user_id, entry.username),
        *(entry.group, one.customer_id, entry.by.words, entry.words, entry.reason),
        *(one.cause, one.rule_id, one.outcome),
    )


def _question(said: MultiDict[str, str]) -> Question:
    group_id = said.get("group", type=int)
    return Question(
        person=said.get("person", "").strip()[: LONGEST_NAME + 5],
        by=said.get("by", "").strip()[: LONGEST_NAME + 5],
        group_id=group_id if group_id is not None and 0 <= group_id <= LARGEST_ID else None,
        action=said.get("kind") or None,
        since=_day(said.get("since", "")),
        until=_after(_day(said.get("until", ""))),
        decided=said.get("decided") == "yes",
    )


def _said(said: MultiDict[str, str]) -> dict[str, str]:
    return {name: said[name] for name in FIELDS if said.get(name)}


def _day(text: str) -> datetime | None:
    day = asked_day(text)
    return datetime.combine(day, time.min, tzinfo=UTC) if day else None


def _after(day: datetime | None) -> datetime | None:
    """The end of a day; of the last day that there is, its beginning."""
    if day is None or day.date() == date.max:
        return day
    return day + timedelta(days=1)
