"""Completes the name of another member while it is typed, for seats and gifts.

It shows no more than the forum's search shows any visitor, and only to signed-in members.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.people import fold, is_name
from bridge.discourse_api.names import Found
from bridge.texts import gettext
from bridge.web.context import reader
from bridge.web.limiting import the_limiter

blueprint = Blueprint("names", __name__)
FRESH = timedelta(minutes=10)
SHORTEST = 2
MOST_TERMS = 1000
# The forum limits visitors by address, and all these requests come from the bridge's.
MOST_SEARCHES = 2


class NameCache:
    """Caches results. `may_search`: whether another request to the forum is allowed."""

    def __init__(
        self,
        find: Callable[[str], tuple[Found, ...]],
        now: Callable[[], datetime],
        may_search: Callable[[], bool],
    ) -> None:
        self._find = find
        self._now = now
        self._may_search = may_search
        self._kept: dict[str, tuple[datetime, tuple[Found, ...]]] = {}
        self._free = threading.Semaphore(MOST_SEARCHES)

    def of(self, term: str) -> tuple[Found, ...]:
        """The users with names like this; empty while too many others are asking."""
        key = fold(term)
        kept = self._kept.get(key)
        if kept is not None and self._now() < kept[0] + FRESH:
            return kept[1]
        if not self._free.acquire(blocking=False):
            return ()
        try:
            if not self._may_search():
                return ()
            found = self._find(term)
        finally:
            self._free.release()
        self._kept[key] = self._now(), found
        while len(self._kept) > MOST_TERMS:
            self._kept.pop(next(iter(self._kept)), None)
        return found


@blueprint.get("/me/names")
def complete() -> AnyResponse:
    """Members whose names begin or sound like the term, as the forum's search has them."""
    known = reader()
    if known is None:
        answer = jsonify(error=gettext("log in first"))
        answer.status_code = 401
        return answer
    the_limiter().check("names")
    term = request.args.get("term", "").strip().removeprefix("@")
    is_term = len(term) >= SHORTEST and is_name(term)
    found = _the_names().of(term) if is_term else ()
    return jsonify(names=[{"username": one.username, "name": one.full_name or ""} for one in found])


def _the_names() -> NameCache:
    return cast("NameCache", current_app.extensions["names"])
