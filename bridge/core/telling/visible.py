"""Makes other people's text safe for a terminal: it cannot move, colour or reorder anything."""

from __future__ import annotations

import re

# Control characters except tab and line feed, and characters that change the writing direction.
_UNSEEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def visible(text: str) -> str:
    """The text with a visible sign for each character that a terminal would obey."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def dropped(text: str) -> str:
    """The text without such characters."""
    return _UNSEEN.sub("", text)


def escaped(json_text: str) -> str:
    """The same JSON, with such characters written as numbers."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)
