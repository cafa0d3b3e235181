"""Checks what people write as a reason or purpose before it is stored."""

from __future__ import annotations

from bridge.errors import Permanent
from bridge.texts import gettext

LONGEST = 200


def said(reason: str | None) -> str | None:
    """The checked reason; None if none was required, as for some commands.

    Raises: Permanent.
    """
    return None if reason is None else checked_words(gettext("reason"), reason)


def checked_words(what: str, text: str) -> str:
    """The text without spaces around it. Raises: Permanent if it is empty, too long or not text."""
    words = text.strip()
    if not words:
        raise Permanent(gettext("the %(what)s is empty: write a few words") % {"what": what})
    if len(words) > LONGEST:
        raise Permanent(
            gettext("the %(what)s has %(count)s characters: use %(most)s at most")
            % {"what": what, "count": len(words), "most": LONGEST}
        )
    if not words.isprintable():
        raise Permanent(
            gettext("the %(what)s contains control characters: write plain text on one line")
            % {"what": what}
        )
    return words
