"""A bulkhead: a slow external server blocks a few threads, never all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import Transient

AGAIN_SECONDS = 5.0


class Bulkhead:
    """Limits how many requests to one server are under way; a further request fails at once."""

    def __init__(self, server: str, most: int) -> None:
        self._server = server
        self._places = threading.BoundedSemaphore(most)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for one request. Raises Transient when there is none."""
        if not self._places.acquire(blocking=False):
            raise Transient(f"too many requests are waiting for {self._server}", AGAIN_SECONDS)
        try:
            yield
        finally:
            self._places.release()
