"""Acts on rows of a worklist about nobody in particular, or about several people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.people import id_in
from bridge.core.telling.holds import for_moderator
from bridge.core.telling.words import listed, named
from bridge.errors import Permanent
from bridge.operations import held, links, reading, removals
from bridge.operations.finding import find_user_id
from bridge.operations.held import Choice
from bridge.store import users
from bridge.texts import gettext, ngettext
from bridge.web.limiting import asks_stripe
from bridge.web.moderate import about
from bridge.web.moderate.access import refuse_own_account
from bridge.web.moderate.act import SEVERAL, Act, Facts, Form, Ground, Seen, Words, until_of
from bridge.web.moderate.application_acts import ABOUT_APPLICATIONS
from bridge.web.moderate.mapping import CHANGE
from bridge.web.moderate.undo_act import UNDO
from bridge.wiring import Bridge

REVIEWED = "reviewed_users"
"""Whose memberships the preview was about; the page that does an act adds it."""


def _which(form: Form) -> set[held.Of]:
    return {_membership(one) for one in form[SEVERAL].split(",") if one}


def _membership(text: str) -> held.Of:
    user_id, group_id = (id_in(one) for one in text.partition(":")[::2])
    if user_id is None or group_id is None:
        raise Permanent(gettext("choose the memberships in the list"))
    return user_id, group_id


def _decide(choice: Choice, bridge: Bridge, actor: Actor, form: Form) -> str:
    reviewed = held.review(bridge, _which(form))
    until_at = until_of(form)
    held.decide_held(bridge, actor, choice, reviewed, until_at=until_at, reason=form["reason"])
    return gettext("Memberships decided: %(count)s.") % {"count": len(reviewed)}


def _since(bridge: Bridge, _user_id: int, form: Form) -> Facts:
    """The holds to decide about: one that begins again later is a different one."""
    reviewed = held.review(bridge, _which(form))
    with bridge.store.read() as connection:
        names = users.names_of(connection, [one.user_id for one in reviewed])
    return {
        f"{named(one.user_id, names.get(one.user_id))}, {one.group.name}": gettext(
            "Held since %(day)s. %(why)s"
        )
        % {"day": f"{one.hold_at:%-d %B %Y, %H:%M}", "why": for_moderator(one.hold)}
        for one in reviewed
    }


def _held_words(bridge: Bridge, _user_id: int, form: Form) -> Words:
    reviewed = held.review(bridge, _which(form))
    if len(reviewed) > 1:
        words = ngettext("%(num)d membership", "%(num)d memberships", len(reviewed))
        return {"what": words % {"num": len(reviewed)}}
    (one,) = reviewed
    names = {"group": one.group.name, "who": about.person(bridge, one.user_id)}
    return {"what": gettext("%(group)s for %(who)s") % names}


def _waiting(bridge: Bridge, _user_id: int, form: Form) -> Iterable[Effect]:
    found = removals.preview_release(bridge, form["group"])
    return [
        Effect(user_id, found.group.id, found.group.name, "loses", "") for user_id in found.user_ids
    ]


def _release(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    reviewed = {int(one) for one in form[REVIEWED].split(",") if one}
    done = removals.release(bridge, actor, form["group"], reviewed=reviewed, reason=form["reason"])
    return gettext("Removals that continue: %(count)s.") % {"count": len(done.user_ids)}


def _stopped(bridge: Bridge, _user_id: int, form: Form) -> Facts:
    count = len(removals.preview_release(bridge, form["group"]).user_ids)
    return {gettext("Group"): form["group"], gettext("Would lose it"): _people(count)}


def _whom_to_remove(bridge: Bridge, _user_id: int, form: Form) -> Words:
    return {"whom": _people(len(removals.preview_release(bridge, form["group"]).user_ids))}


def _people(count: int) -> str:
    return ngettext("%(num)d person", "%(num)d people", count) % {"num": count}


def _remove_so_many(effects: Collection[Effect]) -> str:
    return gettext("remove %(count)s") % {"count": len(effects)}


def _replay(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    reading.replay(bridge, actor, form["event"])
    return gettext("The event is being processed again.")


def _customer(form: Form) -> str:
    return form["customer"].strip()


def _see_assign(bridge: Bridge, user_id: int, form: Form) -> Seen:
    """Whom it is assigned to, and what they gain; the forum is asked once who that is."""
    asks_stripe("ask")
    whom = find_user_id(bridge, form["user"])
    refuse_own_account(whom)
    effects = links.preview_link(bridge, _customer(form), whom)
    name = about.person(bridge, whom)
    facts = {
        **_of_customer(bridge, user_id, form),
        gettext("Forum account"): named(whom, name),
    }
    return Seen(effects, facts, words={"whom": name})


def _of_customer(bridge: Bridge, _user_id: int, form: Form) -> Facts:
    return about.of_customer(bridge, _customer(form))


def _of_nobody(bridge: Bridge, user_id: int, form: Form) -> Ground:
    """A payer to be assigned. Raises: Permanent for one who is linked already."""
    links.refuse_linked(bridge, _customer(form))
    return Ground(_of_customer(bridge, user_id, form))


def _aside(bridge: Bridge, user_id: int, form: Form, *, is_aside: bool) -> Facts:
    about.refuse_own_claim(bridge, _customer(form))
    links.refuse_aside(bridge, _customer(form), is_aside=is_aside)
    return {**_of_customer(bridge, user_id, form), **_claimants(bridge, form, is_aside=is_aside)}


def _claimants(bridge: Bridge, form: Form, *, is_aside: bool) -> Facts:
    """Who asked for what this payer bought, and what they read afterwards."""
    with bridge.store.read() as connection:
        asked = about.claimants(connection, _customer(form))
        names = users.names_of(connection, asked)
    if not asked:
        return {}
    reads = (
        gettext("The page of their claim says again that you have been asked.")
        if is_aside
        else gettext(
            "The page of their claim says that the moderators declined. Your reason stays here."
        )
    )
    people = listed([named(one, names.get(one)) for one in sorted(asked)])
    return {gettext("Claimed by"): people, gettext("What they read"): reads}


def _assign(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    user_id = find_user_id(bridge, form["user"])
    done = links.link(bridge, actor, _customer(form), user_id, reason=form["reason"])
    return gettext("%(customer)s now belongs to %(name)s.") % {
        "customer": done.customer_id,
        "name": done.user.username,
    }


def _set_aside(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    links.set_aside(bridge, actor, _customer(form), reason=form["reason"])
    return gettext("%(customer)s is set aside.") % {"customer": _customer(form)}


def _wait_again(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    links.wait_again(bridge, actor, _customer(form), reason=form["reason"])
    return gettext("%(customer)s is back on the list.") % {"customer": _customer(form)}


LIST_ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            "keep-held",
            gettext("Keep these memberships"),
            gettext("Keep %(what)s"),
            (SEVERAL, "until", "reason"),
            "decide",
            lambda bridge, _, form: held.preview_decisions(
                bridge, "keep", _which(form), until_at=until_of(form)
            ),
            lambda bridge, actor, _, form: _decide("keep", bridge, actor, form),
            given=(SEVERAL,),
            facts=_since,
            words=_held_words,
            list="held",
        ),
        Act(
            "end-held",
            gettext("Let these memberships end"),
            gettext("End %(what)s"),
            (SEVERAL, "reason"),
            "decide",
            lambda bridge, _, form: held.preview_decisions(
                bridge, "let_go", _which(form), until_at=None
            ),
            lambda bridge, actor, _, form: _decide("let_go", bridge, actor, form),
            given=(SEVERAL,),
            facts=_since,
            words=_held_words,
            list="held",
        ),
        *ABOUT_APPLICATIONS,
        Act(
            "release",
            gettext("Let removals continue"),
            gettext("Remove %(whom)s from %(group)s"),
            ("group", "reason"),
            "decide",
            _waiting,
            _release,
            given=("group",),
            typed=_remove_so_many,
            facts=_stopped,
            words=_whom_to_remove,
            list="stopped",
        ),
        Act(
            "assign",
            gettext("Assign a payer"),
            gettext("Assign %(customer)s to %(whom)s"),
            ("customer", "user", "reason"),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _assign,
            given=("customer",),
            ground=_of_nobody,
            see=_see_assign,
            told=("user",),
            list="unlinked",
        ),
        Act(
            "set-aside",
            gettext("Set a payer aside"),
            gettext("Set %(customer)s aside"),
            ("customer", "reason"),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _set_aside,
            given=("customer",),
            facts=partial(_aside, is_aside=False),
            list="unlinked",
        ),
        Act(
            "wait-again",
            gettext("Put a payer back on the list"),
            gettext("Put %(customer)s back on the list"),
            ("customer", "reason"),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _wait_again,
            given=("customer",),
            facts=partial(_aside, is_aside=True),
            list="unlinked",
        ),
        UNDO,
        Act(
            "replay",
            gettext("Process an event again"),
            gettext("Process %(event)s again"),
            ("event",),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _replay,
            given=("event",),
            facts=lambda bridge, _, form: about.of_event(bridge, form["event"]),
            list="dead",
        ),
        CHANGE,
    )
}
