"""Actors: who acts, in which role, and through what. Each change by a person names one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal[
    "bridge",
    "member",
    "moderator",
    "administrator",
    "treasurer",
    "reader",
    "operator",
    "token",
    "staff",
]
Through = Literal["bridge", "command", "console", "token", "page", "forum"]

# What a later line of the log follows from, as the beginning of its cause: `lift by …`.
FOLLOWS = (
    *("adopted", "given_up", "granted", "held_again", "kept_out", "lift", "revoked", "sync"),
    *("link", "relink", "unlink", "seat_again", "seat_assigned", "seat_too_many"),
    *("seat_unassigned", "application", "approval", "cessation", "correction", "decline"),
    *("payment", "cancelled", "change_asked", "kept", "mapping_changed", "paused", "refunded"),
    "resumed",
)
# These fit the columns of the change log, links and grants.
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who changes something.

    `who`: the Discourse user id of a member, a moderator or staff; the login name of an operator;
    the name of a token; empty for the bridge itself.
    """

    role: Role
    who: str
    through: Through

    @property
    def user_id(self) -> int | None:
        """Their id on the forum; None for an operator, a token and the bridge itself."""
        return int(self.who) if self.role in _ON_THE_FORUM and self.who.isdecimal() else None

    def __str__(self) -> str:
        """As the change log keeps it: `moderator:12 via command`, or `bridge`."""
        if self.role == "bridge":
            return "bridge"
        return f"{self.role}:{self.who[: LONGEST // 2]} via {self.through}"


BRIDGE = Actor("bridge", "", "bridge")
PEOPLE: tuple[Role, ...] = tuple(one for one in get_args(Role) if one != "bridge")
_ON_THE_FORUM = frozenset({"member", "moderator", "administrator", "treasurer", "reader", "staff"})
_ROLES: dict[str, Role] = {one: one for one in get_args(Role)}
_THROUGH: dict[str, Through] = {one: one for one in get_args(Through)}
_WRITTEN = re.compile(r"([a-z]+):(.*) via ([a-z]+)", re.DOTALL)


def parse_actor(text: str | None) -> Actor | None:
    """The actor whom the change log names; None where it names an event, or nobody."""
    said = _WRITTEN.fullmatch(text or "")
    if said is None or said[1] not in _ROLES or said[3] not in _THROUGH:
        return None
    return Actor(_ROLES[said[1]], said[2], _THROUGH[said[3]])


def spellings(who: str) -> tuple[str, ...]:
    """All causes that name somebody, in every role and channel: acts and what follows from them."""
    named = [str(Actor(role, who, through)) for role in PEOPLE for through in _THROUGH.values()]
    if who == str(BRIDGE):
        named.append(str(BRIDGE))
    return (*named, *(f"{act} by {one}" for act in FOLLOWS for one in named))


def moderator(user_id: int, through: Through) -> Actor:
    """A forum user who decides about others."""
    return Actor("moderator", str(user_id), through)


def member(user_id: int) -> Actor:
    """A member who acts for themselves on a page of the bridge."""
    return Actor("member", str(user_id), "page")


def operator(login: str) -> Actor:
    """Somebody with a shell on the bridge's machine."""
    return Actor("operator", login, "command")
