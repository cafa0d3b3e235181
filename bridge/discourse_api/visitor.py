"""What any visitor of the forum may read, without the key, so that no key counts the requests.

A granular key is refused even on public pages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import requests
from urllib3.exceptions import HTTPError  # what reading the raw body raises

from bridge.discourse_api.names import MOST_NAMES, Found, names_found

_TIMEOUT = (3.0, 10.0)
_LARGEST_PAGE = 2_000_000


def read_page(visitor: requests.Session, address: str) -> str | None:
    """A page's text, up to a sensible size; None for any trouble."""
    try:
        with visitor.get(address, timeout=_TIMEOUT, stream=True) as response:
            if not response.ok:
                return None
            content = response.raw.read(_LARGEST_PAGE, decode_content=True)
            return bytes(content).decode(response.encoding or "utf-8", "replace")
    except (requests.RequestException, HTTPError, OSError, LookupError):
        return None


def find_names(forum_url: str, term: str) -> tuple[Found, ...]:
    """Users with names like this; none if the forum does not say."""
    query = urlencode({"term": term, "limit": MOST_NAMES})
    with requests.Session() as visitor:
        return names_found(read_page(visitor, f"{forum_url}/u/search/users.json?{query}"))


def skew_seconds(forum_url: str, now: Callable[[], datetime]) -> float | None:
    """How far our clock and the forum's are apart; None where the forum does not tell."""
    try:
        answer = requests.head(f"{forum_url}/srv/status", timeout=_TIMEOUT)
        theirs = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (requests.RequestException, KeyError, ValueError):
        return None
    return abs((now() - theirs).total_seconds())
