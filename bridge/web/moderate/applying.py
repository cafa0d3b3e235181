"""After an act: the page says that it is being applied, and reloads until it shows the result.

What was decided reaches groups and lists within seconds, in another process. The browser keeps
whom the act was about; a header makes it ask again, so no JavaScript is needed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

from flask import Response, flash, g, get_flashed_messages, request, session

from bridge.store import sending
from bridge.web.context import now, the_bridge
from bridge.web.moderate.access import blueprint

ACTED = "acted"
SECONDS = 1
SOON = timedelta(seconds=20)
"""How long a page reloads: after that it only says that not everything is applied yet."""
LATER = timedelta(minutes=10)
MOST = 20
"""Of how many people a page waits for: the cookie is small, and they follow together."""
SHOWS_RESULTS = frozenset(
    f"moderate.{name}"
    for name in ("today", "person", "worklist", "log", "mapping", "members", "steps")
)

Progress = Literal["", "soon", "later"]


def remember(user_ids: Collection[int], customer_id: str | None) -> None:
    """Keep in the session whom an act was about, and when it was done."""
    session[ACTED] = {
        "at": now().isoformat(),
        "users": sorted(user_ids)[:MOST],
        "customers": [customer_id] if customer_id else [],
    }


def progress() -> Progress:
    """Whether the last act is still being applied: soon, or later than usual."""
    if "applying" not in g:
        g.applying = _progress() if request.endpoint in SHOWS_RESULTS else ""
    found: Progress = g.applying
    return found


def _progress() -> Progress:
    acted = session.get(ACTED)
    if acted is None:
        return ""
    passed = now() - datetime.fromisoformat(acted["at"])
    if timedelta(0) <= passed <= LATER:
        with the_bridge().store.read() as connection:
            if sending.are_awaited(connection, acted["users"], acted["customers"]):
                return "soon" if passed <= SOON else "later"
    del session[ACTED]
    return ""


@blueprint.context_processor
def _for_pages() -> dict[str, object]:
    return {"applying": progress}


@blueprint.after_request
def _reload(response: Response) -> Response:
    """Reload the page while it is applied; what the act said stays until it is."""
    if g.get("applying") == "soon":
        response.headers["Refresh"] = str(SECONDS)
        for words in get_flashed_messages():
            flash(str(words))
    return response
