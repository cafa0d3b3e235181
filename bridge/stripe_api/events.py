"""Reads Stripe's list of events for those that never arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bridge.stripe_api.http import PAGE, StripeHttp

MOST_TYPES = 20  # in one filter


def read_events_since(
    http: StripeHttp, cursor: str | None, types: Sequence[str]
) -> Iterator[list[dict[str, Any]]]:
    """Events after the named one, oldest first; without a cursor only the newest batch."""
    wanted = list(types) if 0 < len(types) <= MOST_TYPES else None
    while True:
        page = http.get("/v1/events", limit=PAGE, types=wanted, ending_before=cursor)
        found = [dict(event) for event in reversed(page["data"])]
        batch = [event for event in found if not types or event["type"] in types]
        if batch:
            yield batch
        if cursor is None or not found or not page.get("has_more"):
            return
        cursor = found[-1]["id"]
