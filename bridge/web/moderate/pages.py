"""The console's pages: what needs a person, finding people, one person, and the log."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from bridge.answers import members as group_members
from bridge.answers.finding import find as find_people
from bridge.answers.mapping import mapping as the_mapping
from bridge.answers.person import person as the_person
from bridge.answers.person import timeline
from bridge.answers.today import today as what_needs_a_person
from bridge.core.model.people import LARGEST_ID
from bridge.core.model.roles import RIGHTS
from bridge.errors import NotFound, Permanent
from bridge.store import changes, groups
from bridge.web.context import reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.moderate.access import actor_of, guard, refuse_own_account, require
from bridge.web.moderate.acts import ACTS, METHODS, Act, checksum
from bridge.web.security import Stop

blueprint = Blueprint("moderate", __name__, url_prefix="/moderate")
blueprint.before_request(guard)
LONGEST_FIELD = 2000
NO_SUCH_PERSON = "The bridge has never had to do with this account."


@blueprint.get("")
def today() -> str:
    """What needs a person, the worst first."""
    return render_template("moderate/today.jinja", today=what_needs_a_person(the_bridge()))


@blueprint.get("/find")
def find() -> AnyResponse | str:
    """Whom a name, an id, an address or an amount means; straight to them if it is one person."""
    text = request.args.get("q", "")
    if "@" in text:
        asks_stripe()
    hits = find_people(the_bridge(), text)
    people = {hit.user_id for hit in hits}
    if len(people) == 1 and None not in people:
        return redirect(url_for("moderate.person", user_id=people.pop()), 303)
    return render_template("moderate/find.jinja", text=text, hits=hits)


@blueprint.get("/person/<id:user_id>")
def person(user_id: int) -> str:
    """One person: groups and why, customers, what was given by hand, what happened."""
    before = _number("before")
    try:
        found = the_person(the_bridge(), user_id)
    except NotFound as error:
        raise Stop(404, "Nobody found", NO_SUCH_PERSON) from error
    with the_bridge().store.read() as connection:
        happened = timeline(connection, user_id, before)
        names = {one.id: one.name for one in groups.load_groups(connection).values()}
    known = reader()
    rights = RIGHTS[known.role] if known and known.role else frozenset()
    return render_template(
        "moderate/person.jinja",
        person=found,
        happened=happened,
        group_names=names,
        acts=[act for act in ACTS.values() if act.right in rights],
        done=request.args.get("done"),
    )


@blueprint.get("/log")
def log() -> str:
    """Everything that was decided, sent and seen, the newest first."""
    with the_bridge().store.read() as connection:
        lines = changes.page(
            connection,
            user_id=_number("user"),
            group_id=_number("group"),
            action=request.args.get("kind") or None,
            before=_number("before"),
        )
        names = {one.id: one.name for one in groups.load_groups(connection).values()}
    return render_template("moderate/log.jinja", lines=lines, group_names=names)


@blueprint.get("/mapping")
def mapping() -> str:
    """What each price gives, who says so, and what is wrong."""
    return render_template("moderate/mapping.jinja", mapping=the_mapping(the_bridge()))


@blueprint.get("/members")
def members() -> str:
    """Who is in a group, now or at the end of a day, in pages."""
    known = group_members.mapped_groups(the_bridge())
    group_id = _number("group") or (known[0].id if known else 0)
    day = request.args.get("day", "")
    page = group_members.members(
        the_bridge(), group_id, at=_end_of(day), after=_number("after") or 0
    )
    return render_template(
        "moderate/members.jinja", groups=known, group_id=group_id, day=day, page=page
    )


def _number(name: str) -> int | None:
    """A number in the query that the databases can hold; anything else counts as not given."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None


def _end_of(day: str) -> datetime | None:
    """The last moment of a day; None for now."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time.max, tzinfo=UTC)
    except ValueError as error:
        raise Stop(400, "This is not a day", "Write it as 2027-03-31.") from error


@blueprint.route("/person/<id:user_id>/<name>", methods=["GET", "POST"])
def act(user_id: int, name: str) -> AnyResponse | str:
    """Fill in, see what it will bring, do exactly that."""
    one = ACTS.get(name)
    if one is None:
        raise Stop(404, "Page not found", "There is no such action.")
    known = require(one.right)
    refuse_own_account(known, user_id)
    form = _form(one)
    if request.method == "GET":
        return _page(one, user_id, form)
    try:
        _refuse_missing(one, form)
        effects = tuple(one.preview(the_bridge(), user_id, form))
        reviewed = request.form.get("reviewed")
        if reviewed != checksum(effects):
            moved = reviewed is not None
            return _page(one, user_id, form, effects=effects, moved=moved)
        done = one.do(the_bridge(), actor_of(known), user_id, form)
    except (NotFound, Permanent) as error:
        return Response(_page(one, user_id, form, problem=str(error)), 400)
    return redirect(url_for("moderate.person", user_id=user_id, done=done), 303)


def _form(one: Act) -> dict[str, str]:
    given: MultiDict[str, str] = request.form if request.method == "POST" else request.args
    return {name: given.get(name, "")[:LONGEST_FIELD] for name in one.fields}


def _refuse_missing(one: Act, form: dict[str, str]) -> None:
    optional = {"until", "date", "again"} | ({"group"} if one.name == "record-payment" else set())
    missing = [name for name in one.fields if name not in optional and not form[name].strip()]
    if missing:
        raise Permanent(f"please fill in: {', '.join(missing)}")


def _page(one: Act, user_id: int, form: dict[str, str], **more: object) -> str:
    with the_bridge().store.read() as connection:
        choices = sorted(
            group.name for group in groups.load_groups(connection).values() if not group.automatic
        )
    try:
        found = the_person(the_bridge(), user_id)
    except NotFound:
        found = None
    given = {"effects": None, "moved": False, "problem": None} | more
    effects = given["effects"]
    return render_template(
        "moderate/act.jinja",
        act=one,
        user_id=user_id,
        person=found,
        form=form,
        groups=choices,
        methods=list(METHODS),
        reviewed=checksum(effects) if isinstance(effects, tuple) else None,
        **given,
    )
