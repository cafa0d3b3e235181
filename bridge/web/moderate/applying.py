"""After an act: its page says what was done, that it is being applied, and what is to come.

What was decided reaches groups and lists within seconds, in another process. The browser keeps
whom the act was about and where it led; a header makes a person's page ask again a few times, so
no JavaScript is needed. Nothing else reloads: somebody may be typing there, or ticking rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from flask import Response, g, request, session

from bridge.store import sending
from bridge.web.context import now, the_bridge
from bridge.web.moderate.access import blueprint

ACTED = "acted"
DELAYS = (1, 1, 2)
"""Seconds until each reload of a person's page; after them a link shows the current state."""
SOON = timedelta(seconds=20)
LATER = timedelta(minutes=10)
MOST = 20
"""Of how many people a page waits for: the cookie is small, and they follow together."""


@dataclass(frozen=True, slots=True)
class Acted:
    """The last act, on the page it led to. `again_in`: seconds until the page reloads."""

    said: str = ""
    progress: Literal["", "soon", "leaving", "later"] = ""
    again_in: int | None = None


def remember(page: str, said: str, user_ids: Collection[int], customer_id: str) -> None:
    """Keep in the session what an act said, where it led, and whom it was about."""
    session[ACTED] = {
        "at": now().isoformat(),
        "page": page,
        "said": said,
        "users": sorted(user_ids)[:MOST],
        "customers": [customer_id] if customer_id else [],
        "reloads": 0,
    }


def last_act() -> Acted:
    """What this page has to say of the last act."""
    if "acted" not in g:
        g.acted = _last_act()
    found: Acted = g.acted
    return found


def _last_act() -> Acted:
    acted = session.get(ACTED)
    if acted is None or request.method != "GET" or _place(acted["page"]) != _place(request.url):
        return Acted()
    progress = _progress(acted)
    if not progress:
        del session[ACTED]
        return Acted(acted["said"])
    again_in = None
    if progress == "soon" and request.endpoint == "moderate.person":
        again_in = next(iter(DELAYS[acted["reloads"] :]), None)
        session[ACTED] = acted | {"reloads": acted["reloads"] + 1}
    return Acted(acted["said"], progress, again_in)


def _progress(acted: dict[str, Any]) -> Literal["", "soon", "leaving", "later"]:
    passed = now() - datetime.fromisoformat(acted["at"])
    if not timedelta(0) <= passed <= LATER:
        return ""
    with the_bridge().store.read() as connection:
        if sending.are_awaited(connection, acted["users"], acted["customers"]):
            return "soon" if passed <= SOON else "later"
        return "leaving" if sending.are_leaving(connection, acted["users"]) else ""


def _place(address: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(address)
    return unquote(parts.path), parse_qsl(parts.query)


@blueprint.context_processor
def _for_pages() -> dict[str, object]:
    return {"last_act": last_act}


@blueprint.after_request
def _reload(response: Response) -> Response:
    found = g.get("acted")
    if found and found.again_in:
        response.headers["Refresh"] = str(found.again_in)
    return response
