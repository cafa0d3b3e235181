"""The doctor's findings, and the most likely cause of an error."""

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
    """The result of one check. A note is worth reading, but nothing is wrong."""

    subject: str
    level: Literal["ok", "note", "problem"]
    message: str
    code: str = ""
    hint: str = ""


def wrong(subject: str, problem: Config) -> Finding:
    """A wrong setting as a finding."""
    return Finding(subject, "problem", problem.message, problem.code, problem.hint)


def cause(error: BridgeError, setting: str) -> str:
    """What to do about an error; `setting`: the setting with the address or the key."""
    if isinstance(error, NoRequestLeft):
        return (
            "The bridge has used up its own limit (DISCOURSE_REQUESTS_PER_MINUTE). Try again in a "
            "minute; nothing is wrong with the forum."
        )
    if isinstance(error, Blocked) or (isinstance(error, RateLimited) and error.by_proxy):
        return (
            "A proxy in front of it (for example Cloudflare) blocks this machine. Allow this "
            "machine's address there, without challenges."
        )
    if isinstance(error, RateLimited):
        return "It limits requests. Try again later, and find out who else uses the key."
    if isinstance(error, Forbidden):
        return f"The key is wrong, revoked or restricted: check {setting} and the key's rights."
    if isinstance(error, Transient):
        return f"It cannot be reached from this machine: check {setting}, DNS and the firewall."
    return f"Check {setting}."
