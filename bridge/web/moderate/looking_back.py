"""One person on a past day: in or not in, and why, as known now or then."""

from __future__ import annotations

from flask import render_template, request

from bridge.answers.explain import explain
from bridge.core.telling.places import STATE_WORDS
from bridge.core.telling.turning_days import turning_days
from bridge.store import accounts
from bridge.texts import gettext
from bridge.web.context import now, the_bridge
from bridge.web.moderate import about
from bridge.web.moderate.access import blueprint
from bridge.web.moderate.register import end_of
from bridge.web.security import Stop


@blueprint.get("/person/<id:user_id>/then")
def then(user_id: int) -> str:
    """Their groups at the end of a day, with the proof that holds for that day."""
    day = request.args.get("day") or f"{now():%Y-%m-%d}"
    at = end_of(day)
    if at is None or at.year < 2000:  # noqa: PLR2004 - before any forum
        raise Stop(400, gettext("This is not a day"), gettext("Write it as 2027-03-31."))
    known = request.args.get("known") == "yes"
    with the_bridge().store.read() as connection:
        if not accounts.is_seen(connection, user_id):
            raise about.nobody()
    told = explain(the_bridge(), user_id, at=min(at, now()), known=known)
    return render_template(
        "moderate/then.jinja",
        told=told,
        day=day,
        turns=turning_days(told.groups),
        states=STATE_WORDS,
    )
