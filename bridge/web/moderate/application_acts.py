"""A moderator's acts on applications: approve or decline one or several."""

from __future__ import annotations

from functools import partial

from bridge.answers.worklists.applications import what_they_paid
from bridge.core.model.actor import Actor
from bridge.core.model.people import id_in
from bridge.core.telling.words import named
from bridge.errors import Permanent
from bridge.operations import applications
from bridge.store import users
from bridge.texts import gettext
from bridge.web.moderate import about
from bridge.web.moderate.access import refuse_own_account
from bridge.web.moderate.act import SEVERAL, Act, Form, Seen
from bridge.wiring import Bridge


def _applicants(form: Form) -> set[int]:
    """Whose applications: a row of the list is its day and its user."""
    chosen = [id_in(one.rpartition("|")[2]) for one in form[SEVERAL].split(",") if one]
    known = {one for one in chosen if one is not None}
    if len(known) < len(set(chosen)):
        raise Permanent(gettext("choose the applications in the list"))
    return known


def _see_applications(choice: applications.Choice, bridge: Bridge, _user: int, form: Form) -> Seen:
    reviewed = applications.review(bridge, _applicants(form))
    with bridge.store.read() as connection:
        names = users.names_of(connection, [one.user_id for one in reviewed])
    ids = [one.user_id for one in reviewed]
    for user_id in ids:
        refuse_own_account(user_id)
    paid = what_they_paid(bridge, ids)
    facts = {
        named(one.user_id, names.get(one.user_id)): ", ".join(
            filter(None, (paid[one.user_id], _told_of(one)))
        )
        for one in reviewed
    }
    if choice == "decline":
        facts[gettext("The money")] = gettext(
            "Nothing is refunded or cancelled. The list “Declined” offers both."
        )
    typed = None
    if len(reviewed) > 1:
        verbs = {"approval": gettext("approve %(count)d"), "decline": gettext("decline %(count)d")}
        typed = verbs[choice] % {"count": len(reviewed)}
    people = [names.get(one) or f"id:{one}" for one in ids]
    words = {"whom": about.several(people, len(ids))}
    return Seen(applications.preview(bridge, choice, ids), facts, typed=typed, words=words)


def _told_of(one: applications.Application) -> str:
    day = f"{one.applied_at:%-d %B %Y}"
    if one.paid_at is None:
        return gettext("applied on %(day)s, has not paid yet") % {"day": day}
    return gettext("applied on %(day)s, paid on %(paid)s") % {
        "day": day,
        "paid": f"{one.paid_at:%-d %B %Y}",
    }


def _decide_applications(
    choice: applications.Choice, bridge: Bridge, actor: Actor, _user: int, form: Form
) -> str:
    reviewed = applications.review(bridge, _applicants(form))
    done = applications.decide(bridge, actor, choice, reviewed, reason=form["reason"])
    words = {
        "approval": gettext("Applications approved: %(count)d."),
        "decline": gettext("Applications declined: %(count)d. Nothing was refunded."),
    }
    return words[choice] % {"count": len(done)}


def _about_applications(name: str, choice: applications.Choice, title: str, does: str) -> Act:
    return Act(
        name,
        title,
        does,
        (SEVERAL, "reason"),
        "decide",
        lambda _bridge, _user_id, _form: (),
        partial(_decide_applications, choice),
        given=(SEVERAL,),
        see=partial(_see_applications, choice),
        list="applications",
    )


ABOUT_APPLICATIONS = (
    _about_applications("approve", "approval", gettext("Approve"), gettext("Approve %(whom)s")),
    _about_applications("decline", "decline", gettext("Decline"), gettext("Decline %(whom)s")),
)
