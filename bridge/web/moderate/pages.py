"""The console's pages: Today, finding people, and one person."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.answers.charts import charts
from bridge.answers.finding import find as find_people
from bridge.answers.finding import looked_up_by, named_by_the_forum
from bridge.answers.person import person as the_person
from bridge.answers.reply import answer
from bridge.answers.timeline import Asked, timeline
from bridge.answers.today import today as what_needs_a_person
from bridge.answers.undone import fates
from bridge.answers.worklists.lists import WORKLISTS, counts, parts
from bridge.answers.worklists.money import owed
from bridge.core.model.actor import Actor
from bridge.core.telling.alerts import LISTS
from bridge.core.telling.asked import parse_asked
from bridge.core.telling.timeline import KINDS, parse_place
from bridge.errors import NotFound
from bridge.operations.lookups import note_lookup, remember
from bridge.texts import gettext
from bridge.web.context import reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.moderate import about
from bridge.web.moderate.access import blueprint, needs_another, rights
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.application_acts import ABOUT_APPLICATIONS
from bridge.web.moderate.undo_act import undoable

SHOWN: Mapping[str, str] = {
    "": gettext("What mattered"),
    **{str(kind): words for kind, words in KINDS.items()},
    "all": gettext("Everything"),
}
"""What of a person's list can be chosen: without a choice, all but processed news."""


@blueprint.get("")
def today() -> str:
    """Everything that needs attention, the worst first."""
    found = what_needs_a_person(the_bridge())
    listed = counts(the_bridge())
    beside_the_lists = sum(LISTS.get(one.kind) not in listed for one in found.alerts)
    return render_template(
        "moderate/today.jinja",
        today=found,
        waiting=sum(listed.values()) + beside_the_lists,
        year=charts(the_bridge()),
        lists=WORKLISTS.values(),
        counts=listed,
        owed=owed(the_bridge()) if listed["failed"] else None,
        added=parts(the_bridge(), "drift")["in"],
        list_of=LISTS,
        titles={one.name: one.title for one in WORKLISTS.values()},
    )


@blueprint.get("/find")
def find() -> AnyResponse | str:
    """The people whom a search may mean; redirects if it is one person."""
    text = request.args.get("q", "")
    asked = parse_asked(text, the_bridge().settings.discourse_url)
    if asked.kind == "address":
        asks_stripe("ask")
    hits = find_people(the_bridge(), asked)
    people = {hit.user_id for hit in hits}
    if named := named_by_the_forum(hits):
        remember(the_bridge(), named)
    known = reader()
    by = looked_up_by(asked, hits)
    if by and known is not None and known.role is not None:
        actor = Actor(known.role, str(known.user_id), "console")
        note_lookup(the_bridge(), actor, by, [one for one in people if one is not None])
    if len(people) == 1 and None not in people:
        return redirect(url_for("moderate.person", user_id=people.pop()), 303)
    return render_template("moderate/find.jinja", text=text, hits=hits)


@blueprint.get("/person/<id:user_id>")
def person(user_id: int) -> str:
    """One person: groups and why, customers, grants by hand, what happened."""
    shown = request.args.get("kind", "")
    shown = shown if shown in SHOWN else ""
    asked = Asked(
        kind=next((one for one in KINDS if one == shown), None),
        before=parse_place(request.args.get("before", "")),
        settled_news=shown != "",
    )
    try:
        found = the_person(the_bridge(), user_id)
    except NotFound as error:
        raise about.nobody() from error
    with the_bridge().store.read() as connection:
        happened = timeline(connection, user_id, found.group_names, asked)
        lines = [one.change for one in happened.entries if one.change is not None]
        ends = fates(connection, lines, the_bridge().clock.now())
    own = needs_another(user_id)
    may = frozenset() if own else rights()
    return render_template(
        "moderate/person.jinja",
        undoable=undoable(),
        is_own=own,
        person=found,
        happened=happened,
        fates=ends,
        kind=shown or None,
        kinds=SHOWN,
        group_names=found.group_names,
        acts={act.name: act for act in (*ACTS.values(), *ABOUT_APPLICATIONS) if act.right in may},
    )


@blueprint.get("/person/<id:user_id>/reply")
def reply(user_id: int) -> str:
    """A reply to this person, ready to paste, and links to the offers."""
    try:
        found = answer(the_bridge(), user_id)
    except NotFound as error:
        raise about.nobody() from error
    return render_template("moderate/reply.jinja", user_id=user_id, answer=found)
