"""Finds the post that contains a plain link, and caches it, so that pages rarely wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from flask import current_app

from bridge.discourse_api.link_places import Place

FRESH = timedelta(hours=1)
# The search finds a new post some seconds after it was written.
RETRY = timedelta(minutes=5)
FIRST_WAIT_SECONDS = 1.5
# How many searches run at once, and how many links are kept.
MOST_SEARCHES = 2
MOST_LINKS = 500


@dataclass(slots=True)
class _Known:
    """A cached answer, or a search under way."""

    due_at: datetime
    search: threading.Thread
    place: Place | None = None


class PostCache:
    """Caches where links are, and searches in the background, a few at a time."""

    def __init__(self, find: Callable[[str], Place | None], now: Callable[[], datetime]) -> None:
        self._find = find
        self._now = now
        self._known: dict[str, _Known] = {}
        self._free = threading.Semaphore(MOST_SEARCHES)
        self._lock = threading.Lock()

    def of(self, link: str) -> Place | None:
        """The post as last found. The page waits only for a new link, and not for long.

        While too many searches are under way, nothing is known of a new link.
        """
        with self._lock:
            known = self._known.get(link)
            is_due = known is None or self._now() >= known.due_at
            if is_due and self._free.acquire(blocking=False):
                known = self._begin(link, known)
        if known is None:
            return None
        if known.place is None:
            known.search.join(FIRST_WAIT_SECONDS)
        return known.place

    def _begin(self, link: str, before: _Known | None) -> _Known:
        search = threading.Thread(target=self._search, args=(link,), daemon=True, name="posts")
        known = _Known(self._now() + RETRY, search, before.place if before else None)
        self._known.pop(link, None)
        self._known[link] = known
        while len(self._known) > MOST_LINKS:
            del self._known[next(iter(self._known))]
        search.start()
        return known

    def _search(self, link: str) -> None:
        try:
            place = self._find(link)
            with self._lock:
                known = self._known.get(link)
                if known is not None:
                    known.place = place
                    known.due_at = self._now() + (FRESH if place else RETRY)
        finally:
            self._free.release()


def the_posts() -> PostCache:
    """The cache of this app."""
    return cast("PostCache", current_app.extensions["posts"])
