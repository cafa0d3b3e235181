"""Who acts, in which role, and through what: each change that a person makes names its actor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal[
    "bridge", "member", "moderator", "administrator", "treasurer", "operator", "token", "staff"
]
Through = Literal["bridge", "command", "console", "token", "page", "forum"]

# What the columns of the change log, of links and of grants hold.
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

    def __str__(self) -> str:
        """As the change log keeps it: `moderator:12 via command`, or `bridge`."""
        if self.role == "bridge":
            return "bridge"
        return f"{self.role}:{self.who[: LONGEST // 2]} via {self.through}"


BRIDGE = Actor("bridge", "", "bridge")


def moderator(user_id: int, through: Through) -> Actor:
    """A forum user who decides about others."""
    return Actor("moderator", str(user_id), through)


def member(user_id: int) -> Actor:
    """A member who acts for themselves on a page of the bridge."""
    return Actor("member", str(user_id), "page")


def operator(login: str) -> Actor:
    """Somebody with a shell on the bridge's machine."""
    return Actor("operator", login, "command")
