"""Names that complete what somebody types, by the forum's own search, as any visitor asks it.

Without the key, so it finds nobody whom the forum hides from the public, and nothing at all where
the forum is private. Source: UsersController#search_users of Discourse 3.5; staged accounts are
left out there unless they are asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bridge.core.model.people import is_name

MOST_NAMES = 6


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody whom the search found: the name to type, and the full name if they show it."""

    username: str
    full_name: str | None


def names_found(answer: str | None) -> tuple[Found, ...]:
    """The names in an answer of the search; none in any other answer."""
    try:
        users = json.loads(answer or "{}")["users"][:MOST_NAMES]
        found = [(user["username"], user.get("name")) for user in users]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(
        Found(username, full_name if isinstance(full_name, str) and full_name else None)
        for username, full_name in found
        if isinstance(username, str) and is_name(username)
    )
