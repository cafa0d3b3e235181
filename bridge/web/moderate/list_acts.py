"""What a moderator can do about the rows of a worklist that are about nobody, or about several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from bridge.core.model.actor import Actor
from bridge.core.telling.holds import for_moderator
from bridge.errors import Permanent
from bridge.operations import held, reading, removals
from bridge.operations.held import Choice
from bridge.operations.preview import Effect
from bridge.texts import gettext
from bridge.web.moderate.acts import Act, Facts, Form, until_of
from bridge.wiring import Bridge

SEVERAL = "which"
"""The field that rows are chosen with: its values are joined by commas."""
REVIEWED = "reviewed_users"
"""Whose memberships the preview was about; the page that does an act adds it."""


def _which(form: Form) -> set[held.Of]:
    try:
        chosen = (one.split(":") for one in form[SEVERAL].split(",") if one)
        return {(int(user_id), int(group_id)) for user_id, group_id in chosen}
    except ValueError as error:
        raise Permanent(gettext("choose the memberships in the list")) from error


def _decide(choice: Choice, bridge: Bridge, actor: Actor, form: Form) -> str:
    reviewed = held.review(bridge, _which(form))
    until_at = until_of(form)
    held.decide_held(bridge, actor, choice, reviewed, until_at=until_at, reason=form["reason"])
    return gettext("Memberships decided: %(count)s.") % {"count": len(reviewed)}


def _since(bridge: Bridge, _user_id: int, form: Form) -> Facts:
    """Which holds are decided about: one that begins anew later is another one."""
    return {
        f"id:{one.user_id}, {one.group.name}": gettext("held since %(day)s: %(why)s")
        % {"day": f"{one.hold_at:%-d %B %Y, %H:%M}", "why": for_moderator(one.hold)}
        for one in held.review(bridge, _which(form))
    }


def _waiting(bridge: Bridge, _user_id: int, form: Form) -> Iterable[Effect]:
    found = removals.preview_release(bridge, form["group"])
    return [
        Effect(user_id, found.group.id, found.group.name, "loses", "") for user_id in found.user_ids
    ]


def _release(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    reviewed = {int(one) for one in form[REVIEWED].split(",") if one}
    done = removals.release(bridge, actor, form["group"], reviewed=reviewed)
    return gettext("Removals that go on: %(count)s.") % {"count": len(done.user_ids)}


def _remove_so_many(effects: Collection[Effect]) -> str:
    return gettext("remove %(count)s") % {"count": len(effects)}


def _replay(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    reading.replay(bridge, actor, form["event"])
    return gettext("The event is being processed again.")


LIST_ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            "keep-held",
            gettext("Keep these memberships"),
            gettext("Keep them"),
            (SEVERAL, "until", "reason"),
            "decide",
            lambda bridge, _, form: held.preview_decisions(
                bridge, "keep", _which(form), until_at=until_of(form)
            ),
            lambda bridge, actor, _, form: _decide("keep", bridge, actor, form),
            given=(SEVERAL,),
            facts=_since,
            list="held",
        ),
        Act(
            "end-held",
            gettext("Let these memberships end"),
            gettext("Let them end"),
            (SEVERAL, "reason"),
            "decide",
            lambda bridge, _, form: held.preview_decisions(
                bridge, "let_go", _which(form), until_at=None
            ),
            lambda bridge, actor, _, form: _decide("let_go", bridge, actor, form),
            given=(SEVERAL,),
            facts=_since,
            list="held",
        ),
        Act(
            "release",
            gettext("Let removals go on"),
            gettext("Remove them"),
            ("group",),
            "decide",
            _waiting,
            _release,
            given=("group",),
            typed=_remove_so_many,
            list="stopped",
        ),
        Act(
            "replay",
            gettext("Process an event again"),
            gettext("Process it again"),
            ("event",),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _replay,
            given=("event",),
            list="dead",
        ),
    )
}
