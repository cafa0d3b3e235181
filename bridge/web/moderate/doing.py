"""Carries out acts on one person or on rows of a list: form, preview, then exactly that.

Afterwards the page opens on which somebody began the act; the form carries its address.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.words import checked_words
from bridge.core.telling.holds import to_come
from bridge.core.telling.money import METHODS
from bridge.core.telling.sentences import as_sentence
from bridge.errors import NotFound, Permanent
from bridge.store import groups, users
from bridge.texts import gettext
from bridge.web.addresses import own_path
from bridge.web.context import Reader, page_before, the_bridge
from bridge.web.moderate import about, applying
from bridge.web.moderate.about import may_give
from bridge.web.moderate.access import NEEDS, actor_of, blueprint, refuse_own_account, require
from bridge.web.moderate.act import SEVERAL, TURN, Act, Ground, Seen
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.labels import WORDS, label_of, short
from bridge.web.moderate.list_acts import LIST_ACTS, REVIEWED
from bridge.web.security import Stop

LONGEST_FIELD = 2000
MOST_SHOWN = 100
NOBODY = 0
BEGUN = "begun"
"""The field with the page on which an act was begun."""
NO_RETURN = ("moderate.act", "moderate.site_act", "moderate.download", "moderate.find")
"""Pages that nobody is led back to. What somebody searched for is kept nowhere."""


@blueprint.route("/person/<id:user_id>/<name>", methods=["GET", "POST"])
def act(user_id: int, name: str) -> AnyResponse | str:
    """Something about one person."""
    one = ACTS.get(name)
    if one is None:
        raise Stop(404, gettext("Page not found"), gettext("There is no such action."))
    known = require(one.right)
    refuse_own_account(user_id)
    about.refuse_unknown(user_id)
    return _answer(one, known, user_id)


@blueprint.route("/act/<name>", methods=["GET", "POST"])
def site_act(name: str) -> AnyResponse | str:
    """Something about rows of a list: about nobody, or about several people."""
    one = LIST_ACTS.get(name)
    if one is None:
        raise Stop(404, gettext("Page not found"), gettext("There is no such action."))
    known = require(one.right)
    if SEVERAL in one.given and not _form(one)[SEVERAL].strip(" ,"):
        words = gettext("Tick at least one row, then choose “%(act)s”.") % {"act": one.title}
        flash(words, "problem")
        return redirect(_back(one, NOBODY, {}), 303)
    return _answer(one, known, NOBODY)


def _answer(one: Act, known: Reader, user_id: int) -> AnyResponse | str:
    form = _form(one)
    ready = set(one.fields) == set(one.given) and all(form.values())
    try:
        if request.method == "GET" and not ready:
            ground = _before(one, user_id, form)
            filled = {name: said or ground.filled.get(name, "") for name, said in form.items()}
            return _page(one, user_id, filled, ground=ground)
        _check(one, form)
        seen = _look(one, user_id, form)
        typed, reviewed = seen.typed, request.form.get("reviewed")
        if reviewed != seen.checksum:
            return _page(one, user_id, form, seen=seen, moved=reviewed is not None, typed=typed)
        if typed and request.form.get("typed", "").strip().lower() != typed.lower():
            problem = gettext("Please type “%(words)s” to go on.") % {"words": typed}
            again = _page(one, user_id, form, seen=seen, typed=typed, problem=problem)
            return Response(again, 400)
        concerned = ",".join(str(effect.user_id) for effect in seen.effects)
        told = {**form, REVIEWED: concerned, TURN: str(seen.turn)}
        done = one.do(the_bridge(), actor_of(known), user_id, told)
        whom = {user_id or one.whose(the_bridge(), form)} - {NOBODY}
        whom |= {effect.user_id for effect in seen.effects}
        back = _back(one, user_id, form)
        applying.remember(back, done, whom, form.get("customer", "").strip())
    except (NotFound, Permanent) as error:
        problem = as_sentence(about.in_names(the_bridge(), str(error)))
        if request.method == "GET":  # it cannot be done, whatever somebody fills in
            ground = _ground(one, user_id, form)
            refused = _page(one, user_id, form, problem=problem, ground=ground, is_open=False)
            return Response(refused, 400)
        again = _page(one, user_id, form, problem=problem, **_still(one, user_id, form))
        return Response(again, 400)
    return redirect(back, 303)


def _before(one: Act, user_id: int, form: dict[str, str]) -> Ground:
    """What is known before the form is filled in.

    If only words are missing, that is all: it is refused now if it has to be.
    """
    ground = one.ground(the_bridge(), user_id, form)
    needed = (name for name in one.fields if name not in (*WORDS, *one.optional))
    if ground.facts or not all(form[name].strip() for name in needed):
        return ground
    return replace(ground, facts=_look(one, user_id, form).facts)


def _look(one: Act, user_id: int, form: dict[str, str]) -> Seen:
    seen = one.look(the_bridge(), user_id, form)
    for effect in seen.effects:
        refuse_own_account(effect.user_id, among=effect.user_id != user_id)
    return seen


def _back(one: Act, user_id: int, form: dict[str, str]) -> str:
    """Where the act was begun; else the page of the person or the list that it is about."""
    if begun := _page_of_console(_begun()):
        return begun
    whose = user_id or one.whose(the_bridge(), form)
    if whose != NOBODY:
        return url_for("moderate.person", user_id=whose)
    if one.list is None:
        return url_for(one.page)
    return url_for("moderate.worklist", name=one.list)


def _begun() -> str:
    return own_path(request.form.get(BEGUN), "") if request.method == "POST" else page_before()


def _page_of_console(path: str) -> str:
    """The address of a console page that somebody can be led back to; empty for any other."""
    parts = urlsplit(path)
    try:
        found = current_app.create_url_adapter(request)
        endpoint, values = found.match(parts.path, method="GET") if found else ("", {})
    except HTTPException:
        return ""
    if endpoint not in NEEDS or endpoint in NO_RETURN:
        return ""
    query = urlencode([one for one in parse_qsl(parts.query) if one[0] != "all"])
    return url_for(endpoint, **values) + (f"?{query}" if query else "")


def _form(one: Act) -> dict[str, str]:
    given: MultiDict[str, str] = request.form if request.method == "POST" else request.args
    said = {name: ",".join(given.getlist(name)) for name in one.fields}
    # Enter begins a new line in the browser's field. The reason is kept as one line.
    return said | {name: " ".join(said[name].split()) for name in WORDS if name in said}


def _check(one: Act, form: dict[str, str]) -> None:
    """Refuse missing or overlong fields before the preview."""
    needed = (name for name in one.fields if name not in one.optional)
    missing = [short(name) for name in needed if not form[name].strip()]
    if missing:
        raise Permanent(gettext("please fill in: %(fields)s") % {"fields": ", ".join(missing)})
    for name, said in form.items():
        if name in WORDS and said.strip():
            checked_words(WORDS[name], said)
        if len(said) > LONGEST_FIELD:
            too_long = gettext("“%(field)s” has %(count)s characters: use %(most)s at most")
            raise Permanent(
                too_long % {"field": short(name), "count": len(said), "most": LONGEST_FIELD}
            )


def _page(
    one: Act, user_id: int, form: dict[str, str], *, seen: Seen | None = None, **more: object
) -> str:
    with the_bridge().store.read() as connection:
        known = groups.load_groups(connection).values()
        choices = sorted(one.name for one in known if not one.automatic and may_give(one.name))
        names = users.names_of(connection, _concerned(user_id, seen))
    return render_template(
        "moderate/act.jinja",
        act=one,
        user_id=user_id,
        names=names,
        form=form,
        groups=choices,
        labels={name: label_of(one.name, name) for name in one.fields},
        short=short,
        methods=METHODS,
        seen=seen,
        most=MOST_SHOWN,
        to_come=to_come,
        back=_back(one, user_id, form),
        begun=_page_of_console(_begun()),
        does=_button(one, names.get(user_id) or f"id:{user_id}", form, seen) if seen else "",
        **{**NOTHING_MORE, **more},
    )


def _ground(one: Act, user_id: int, form: dict[str, str]) -> Ground:
    """What is known of an act that cannot be done; empty if that is what failed."""
    with suppress(NotFound, Permanent):
        return one.ground(the_bridge(), user_id, form)
    return Ground()


def _still(one: Act, user_id: int, form: dict[str, str]) -> dict[str, Any]:
    """The context of a form that is shown again; no form, if other words would not help."""
    only_words = all(name in (*one.given, *WORDS) for name in one.fields)
    try:
        if only_words:
            return {"ground": _before(one, user_id, form)}
        return {"ground": one.ground(the_bridge(), user_id, form)}
    except (NotFound, Permanent):
        return {"is_open": False}


def _button(one: Act, who: str, form: dict[str, str], seen: Seen) -> str:
    """What the act does to whom, so that nobody confirms it for somebody else."""
    said = {name: " ".join(value.split()) for name, value in form.items()}
    return one.does % {"who": who, **said, **seen.words}


NOTHING_MORE: Mapping[str, object] = {
    "moved": False,
    "problem": None,
    "typed": None,
    "ground": Ground(),
    "is_open": True,
}


def _concerned(user_id: int, seen: Seen | None) -> Collection[int]:
    effects = seen.effects[:MOST_SHOWN] if seen else ()
    return {user_id, *(effect.user_id for effect in effects)} - {NOBODY}
