"""Reading a webhook of the forum: the name of the event and the numbers in it, nothing else.

The forum delivers an event at most once, in any order, under a new id when it tries again. So it
is a hint like Stripe's, and the sweep finds what was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.core.events.stripe import MalformedEvent

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ForumEvent:
    """What the bridge takes from the forum's webhook: the event's name and the numbers in it."""

    id: str
    name: str
    user_id: int | None = None
    group_id: int | None = None


def read_forum_event(event_id: str, event_name: str, payload: Mapping[str, object]) -> ForumEvent:
    """Take the hint out of a verified body; `event_name` is the header X-Discourse-Event.

    Raises: MalformedEvent, and nothing else whatever the JSON holds.
    """
    if not (0 < len(event_name) <= _LONGEST_NAME and event_name.isprintable()):
        raise MalformedEvent("the header X-Discourse-Event is missing or is no event's name")
    if not isinstance(payload, Mapping):
        raise MalformedEvent(f"the body of {event_name} is not a JSON object")
    membership, user, group = (payload.get(key) for key in ("group_user", "user", "group"))
    return ForumEvent(
        event_id,
        event_name,
        user_id=_number(membership, "user_id") or _number(user, "id"),
        group_id=_number(membership, "group_id") or _number(group, "id"),
    )


def _number(value: object, key: str) -> int | None:
    """The number of a real account or group; the forum's own bots have negative numbers."""
    number = value.get(key) if isinstance(value, Mapping) else None
    return number if type(number) is int and 0 < number < 2**31 else None
