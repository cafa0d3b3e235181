"""One request: who calls, with which parameters, at what simulated time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import g, request

from bridge.sandbox.discourse.answers import bad_key, forbidden, invalid
from bridge.sandbox.discourse.state import SYSTEM_ID, Forum, Session, User
from bridge.sandbox.kernel import Fault, World
from bridge.sandbox.server import FAULT

PART = "discourse"  # the name of the forum's state in World.parts


@dataclass(slots=True)
class Call:
    """A handler's view of its request; `user` is None for strangers."""

    world: World
    forum: Forum
    now: float
    params: dict[str, Any]
    user: User | None = None
    session: Session | None = None
    by_key: bool = False

    @property
    def actor(self) -> User:
        """The caller; strangers are refused."""
        if self.user is None:
            raise forbidden()
        return self.user

    @property
    def system(self) -> User:
        """The forum itself."""
        return self.forum.users[SYSTEM_ID]

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text."""
        value = self.params.get(name)
        return default if value is None else str(value)

    def number(self, name: str, default: int) -> int:
        """A parameter as a whole number; rubbish is refused."""
        value = self.params.get(name)
        if value in (None, ""):
            return default
        try:
            return int(str(value))
        except ValueError:
            raise invalid(name) from None

    def flag(self, name: str) -> bool:
        """A parameter as yes or no."""
        return self.text(name).lower() in ("true", "1", "t", "yes", "on")

    def nested(self, name: str) -> dict[str, Any]:
        """A parameter that is an object, `post[raw]` or {"post": {"raw": …}}."""
        value = self.params.get(name)
        return value if isinstance(value, dict) else {}

    def words(self, name: str) -> list[str]:
        """A comma string or a list, trimmed, without empty words."""
        value = self.params.get(name)
        parts = value if isinstance(value, list) else str("" if value is None else value).split(",")
        return [w for w in (str(p).strip() for p in parts) if w]


def call() -> Call:
    """The present request."""
    found = g.call
    if not isinstance(found, Call):
        raise bad_key()
    return found


def fault_of(kind: str) -> Fault | None:
    """The fault of that kind to be played inside of this request's work."""
    fault = request.environ.get(FAULT)
    return fault if isinstance(fault, Fault) and fault.kind == kind else None


def read_params() -> dict[str, Any]:
    """Query, form and JSON together, Rails' brackets understood."""
    params: dict[str, Any] = {}
    for source in (request.args, request.form):
        for key, values in source.lists():
            _put(params, key, values)
    body = request.get_json(silent=True)
    if isinstance(body, dict):
        params.update(body)
    return params


def _put(params: dict[str, Any], key: str, values: list[str]) -> None:
    parts = re.findall(r"[^\[\]]+|\[\]", key) or [key]
    as_list = parts[-1] == "[]"
    path = parts[:-1] if as_list else parts
    place = params
    for part in path[:-1]:
        inner = place.setdefault(part, {})
        place = inner if isinstance(inner, dict) else {}
    place[path[-1] if path else key] = values if as_list else values[-1]
