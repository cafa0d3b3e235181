"""Checks what people write as a reason or purpose before it is stored."""

from __future__ import annotations

from bridge.errors import Permanent

LONGEST = 200


def said(reason: str | None) -> str | None:
    """The checked reason; None if none was required, as for some commands.

    Raises: Permanent.
    """
    return None if reason is None else checked_words("reason", reason)


def checked_words(what: str, text: str) -> str:
    """The text without spaces around it. Raises: Permanent if it is empty, too long or not text."""
    words = text.strip()
    if not words:
        raise Permanent(f"the {what} is empty: write a few words")
    if len(words) > LONGEST:
        raise Permanent(f"the {what} has {len(words)} characters: use {LONGEST} at most")
    if not words.isprintable():
        raise Permanent(f"the {what} contains control characters: write plain text on one line")
    return words
