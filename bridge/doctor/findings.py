"""What doctor says about one thing, and what an error most likely comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.errors import (
    Blocked,
    BridgeError,
    Config,
    Forbidden,
    NoRequestLeft,
    RateLimited,
    Transient,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing. A note is worth reading and stops nothing."""

    subject: str
    level: Literal["ok", "note", "problem"]
    message: str
    code: str = ""
    hint: str = ""


def wrong(subject: str, problem: Config) -> Finding:
    """A wrong setting, in its own words."""
    return Finding(subject, "problem", problem.message, problem.code, problem.hint)


def cause(error: BridgeError, setting: str) -> str:
    """What to do about an error; `setting`: where the address or the key stands."""
    if isinstance(error, NoRequestLeft):
        return (
            "The bridge's own limit (DISCOURSE_REQUESTS_PER_MINUTE) is used up: try again in a "
            "minute. Nothing is wrong with the other side."
        )
    if isinstance(error, Blocked) or (isinstance(error, RateLimited) and error.by_proxy):
        return (
            "A proxy before it (Cloudflare, for example) refuses this machine with a page of its "
            "own: let this machine's address pass there, without challenges."
        )
    if isinstance(error, RateLimited):
        return "It limits requests: try again later, and see who else uses the key."
    if isinstance(error, Forbidden):
        return f"The key is wrong, revoked or restricted: check {setting} and the key's rights."
    if isinstance(error, Transient):
        return f"It cannot be reached from this machine: check {setting}, DNS and the firewall."
    return f"Check {setting}."
