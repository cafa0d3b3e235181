"""A member's place in groups as they read it: what is so, and why, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bridge.core.memberships.state import State
from bridge.core.telling.places import GroupName, Place
from bridge.core.telling.reasons import sentence, takes_its_place
from bridge.core.telling.words import day_words
from bridge.texts import gettext

_STANDS: Mapping[State, str] = {
    State.IN: gettext("You are in %(groups)s."),
    State.ARRIVING: gettext("You will soon be in %(groups)s."),
    State.LEAVING: gettext("You are still in %(groups)s for now."),
    State.HELD_IN: gettext("You are in %(groups)s for now."),
    State.HELD_OUT: gettext("You are not in %(groups)s."),
    State.IN_BY_OTHERS: gettext("You are in %(groups)s because someone on the forum added you."),
    State.OUT: gettext("You are not in %(groups)s."),
}
_UNTIL: Mapping[State, str] = {
    State.IN: gettext("You are in %(groups)s until %(day)s."),
    State.ARRIVING: gettext("You will soon be in %(groups)s until %(day)s."),
}
_NOTHING_INCLUDES_IT = gettext(
    "You will be removed soon, because nothing you have includes it any more."
)


def place_words(
    place: Place,
    names: Callable[[Sequence[GroupName]], str],
    escape: Callable[[str], str],
    locale: str,
) -> str:
    """The sentences, with inserted text escaped for the output.

    `names` writes a list of groups, and `escape` anything else that is put into a text.
    """
    cause = place.cause
    why = sentence(cause.grant, cause.what, locale, escape) if cause else place.held or ""
    if not place.groups or place.is_given_away:
        return why
    said = {"groups": names(place.groups)}
    if place.is_applied_for:
        words = gettext(
            "Your application for %(groups)s is waiting for approval. A moderator decides, and "
            "you are added as soon as it is approved."
        )
        return words % said
    if place.gives_way_to and place.state == State.OUT:
        why = takes_its_place(names([place.gives_way_to]))
    elif place.gives_way_to:
        higher = names([place.gives_way_to])
        words = gettext("You are still in %(groups)s until you are in %(higher)s.")
        return words % {**said, "higher": higher}
    if place.state == State.LEAVING:
        why = why or _NOTHING_INCLUDES_IT
    if cause and cause.until_at:
        said["day"] = escape(day_words(cause.until_at, locale))
    return f"{_stands(place) % said} {why}".rstrip()


def _stands(place: Place) -> str:
    cause, state = place.cause, place.state
    if cause and cause.is_for_now and state == State.IN:
        return _STANDS[State.HELD_IN]
    says_day = cause and cause.until_at and not cause.says_until
    return _UNTIL[state] if says_day and state in _UNTIL else _STANDS[state]
