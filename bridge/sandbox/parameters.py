"""Reads the parameters of a control; invalid ones are refused before anything changes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Params = dict[str, Any]
MOST = 8_000_000_000  # as a time, this is the year 2223
YES, NO = ("true", "1", "on", "yes"), ("false", "0", "off", "no")


class Wrong(ValueError):
    """A control got an invalid parameter; the text says what is expected."""


def number(params: Params, name: str, default: float, least: float = 0) -> float:
    """A number of at least `least`."""
    value = params.get(name)
    if value in (None, ""):
        return default
    try:
        found = float(str(value))
    except ValueError:
        found = math.nan
    if math.isnan(found):
        raise Wrong(f"{name}={value!r} is no number")
    if found < least:
        raise Wrong(f"{name}={value!r}: say a number of at least {least:g}")
    if found > MOST:
        raise Wrong(f"{name}={value!r} is too much")
    return found


def whole(params: Params, name: str, default: int, least: int = 0) -> int:
    """A whole number."""
    found = number(params, name, default, least)
    if found != int(found):
        raise Wrong(f"{name}={params[name]!r} is no whole number")
    return int(found)


def times(params: Params) -> int | None:
    """How often, by default once; null or `always` is without end."""
    endless = "times" in params and params["times"] in (None, "", "always")
    return None if endless else whole(params, "times", 1, least=1)


def one_of(params: Params, name: str, choices: Iterable[str], default: str | None = None) -> str:
    """One of some words."""
    value, known = params.get(name) or default, list(choices)
    if value not in known:
        raise Wrong(f"{name}={value!r}: say {', '.join(known)}")
    return str(value)


def is_on(params: Params) -> bool:
    """`on`, by default true."""
    said = str(params.get("on", True)).lower()
    if said not in YES + NO:
        raise Wrong(f"on={params['on']!r}: say true or false")
    return said in YES


def moment(text: str) -> float:
    """Seconds since 1970, or ISO; without a zone it is UTC."""
    try:
        return number({"to": float(text)}, "to", 0)
    except Wrong:
        raise
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"{text!r} is no time: say 2027-03-01T12:00, or seconds since 1970") from None
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()
