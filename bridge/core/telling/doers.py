"""Who did something, in words: a person with role and channel, or the cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.core.model.actor import Actor, Role, Through, parse_actor
from bridge.core.telling.events import event_words
from bridge.texts import gettext

ROLES: Mapping[Role, str] = {
    "bridge": gettext("the bridge"),
    "member": gettext("member"),
    "moderator": gettext("moderator"),
    "administrator": gettext("administrator"),
    "treasurer": gettext("treasurer"),
    "reader": gettext("reader"),
    "operator": gettext("operator"),
    "token": gettext("token"),
    "staff": gettext("staff"),
}
THROUGH: Mapping[Through, str] = {
    "bridge": gettext("automatically"),
    "command": gettext("command line"),
    "console": gettext("console"),
    "token": gettext("API"),
    "page": gettext("own page"),
    "forum": gettext("forum"),
}
CAUSES: Mapping[str, str] = {
    "bridge": gettext("the bridge"),
    "clock": gettext("it was due"),
    "closer": gettext("it was due"),
    "event left behind": gettext("events that were still waiting"),
    "external": gettext("found when everything was read from Stripe"),
    "join": gettext("the join page"),
    "mapping changed": gettext("the mapping changed"),
    "quantity": gettext("the quantity of the subscription changed"),
    "reconcile": gettext("found when everything was read from Stripe"),
    "replay": gettext("an event was processed again"),
    "shares with": gettext("a subscription that they share changed"),
    "the reading is too old to remove on": gettext("Stripe was read again before a removal"),
    "told": gettext("the member had been told"),
}
"""The words for what a line follows from, by the beginning of its cause."""
Names = Mapping[int | str, str | None]
"""The names of users by their ids, and of tokens by theirs."""
NOBODY = frozenset({"", "?", "unknown"})
# Only these two name a forum account, as the forum's group log does.
ON_THE_FORUM = frozenset({"override", "removed_by_others"})
_FOLLOWS = re.compile(r"[a-z_]+ by (.+)", re.DOTALL)
_EVENT = re.compile(r"evt_\w+|discourse_\w+|unreadable_\w+")


@dataclass(frozen=True, slots=True)
class Doer:
    """Who did it, in words; `user_id`: the forum user to link to."""

    words: str
    user_id: int | None = None


def actor_of(cause: str | None) -> Actor | None:
    """The actor of a cause, directly or through another act."""
    follows = _FOLLOWS.fullmatch(cause or "")
    return parse_actor(follows[1] if follows else cause)


def people_in(causes: Iterable[str | None]) -> set[int]:
    """The forum users whose names these causes need."""
    actors = (actor_of(one) for one in causes)
    return {one.user_id for one in actors if one is not None and one.user_id is not None}


def tokens_in(causes: Iterable[str | None]) -> set[str]:
    """The tokens whose names these causes need."""
    actors = (actor_of(one) for one in causes)
    return {one.who for one in actors if one is not None and one.role == "token"}


def events_in(causes: Iterable[str | None]) -> set[str]:
    """The events among these causes."""
    return {one for one in causes if one and _EVENT.fullmatch(one)}


def doer(
    cause: str | None,
    names: Names,
    events: Mapping[str, str] | None = None,
    *,
    action: str = "",
) -> Doer:
    """`Ben (moderator, console)`, `Invoice paid`, or another cause of a line of the log.

    `events`: the types of events, by their ids.
    """
    text = cause or ""
    if actor := actor_of(text):
        said = actor_words(actor, names)
        return said if parse_actor(text) else Doer(_following(said.words), said.user_id)
    if text in NOBODY:
        return Doer("")
    if _EVENT.fullmatch(text):
        kind = (events or {}).get(text)
        return Doer(event_words(kind) if kind else gettext("news"))
    if action in ON_THE_FORUM:
        return Doer(gettext("%(name)s (on the forum)") % {"name": text})
    begins = (words for start, words in CAUSES.items() if text.startswith(start))
    return Doer(next(begins, text))


def actor_words(actor: Actor, names: Names) -> Doer:
    """An actor with role and channel."""
    if actor.role == "bridge":
        return Doer(ROLES["bridge"])
    known = names.get(actor.who if actor.role == "token" else actor.user_id or 0)
    name = known or (f"id:{actor.who}" if actor.user_id else actor.who)
    words = gettext("%(name)s (%(role)s, %(through)s)") % {
        "name": name,
        "role": ROLES[actor.role],
        "through": THROUGH[actor.through],
    }
    return Doer(words, actor.user_id)


def _following(words: str) -> str:
    return gettext("after an action of %(who)s") % {"who": words}
