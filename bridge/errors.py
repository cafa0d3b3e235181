"""The kinds of errors; each says whether to try again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Way = Literal[
    "again",
    "by",
    "candidates",
    "decide",
    "give",
    "grants",
    "lift",
    "mapping",
    "one-currency",
    "one-form",
    "revoke",
    "step",
    "sync",
    "tokens",
    "transfers",
]
"""What helps after a refusal: `bridge.commands.hints` names the command or option for it."""


class BridgeError(Exception):
    """Base of all errors raised on purpose; its message says what, which value, what to do next."""


class Transient(BridgeError):
    """Temporary: try again, but not before `retry_after` seconds have passed."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No answer at all: nobody can reach the other side now."""


class RateLimited(Transient):
    """The other side asked everybody to wait: all callers pause, not only this one."""

    def __init__(self, message: str, retry_after: float, *, by_proxy: bool = False) -> None:
        super().__init__(message, retry_after)
        self.by_proxy = by_proxy


class NoRequestLeft(RateLimited):
    """Our own limit for the minute is used up: nothing was sent, and nobody refused anything."""


class Blocked(Transient):
    """A proxy in front of the other side refuses the request."""


class Uncertain(Transient):
    """A write was sent and no usable answer came: it may have been done, wholly or in part.

    Read again before anything else is decided.
    """


class Permanent(BridgeError):
    """Will fail the same way each time: record it and show it, never retry it.

    Its words are the same in commands, console and API, so they name no command. `way`: what helps.
    """

    def __init__(self, message: str, way: Way | None = None) -> None:
        super().__init__(message)
        self.way = way


class NotFound(Permanent):
    """The other side says that this does not exist."""


class Forbidden(Permanent):
    """The other side refuses the key or its scopes; `right`: Stripe's name of the one it lacks."""

    def __init__(self, message: str, right: str | None = None) -> None:
        super().__init__(message)
        self.right = right


class Config(BridgeError):
    """A setting is missing or wrong; `code` is stable, `hint` says what to do."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(f"{code} {message} {hint}")
        self.code = code
        self.message = message
        self.hint = hint


class WrongConfig(BridgeError):
    """The environment or bridge.toml cannot be used; `problems` names everything wrong with it."""

    def __init__(self, problems: Iterable[Config]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Broken(Permanent):
    """A defect of the bridge itself; logged with its traceback, put off, and shown."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the bridge itself failed ({error!r}); please report it")
