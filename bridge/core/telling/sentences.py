"""An error's message as a sentence on a page. Pure."""

from __future__ import annotations

_ENDS = (".", "!", "?", ":", "”")
# Anything else may be a name and is written as it is.
_WORDS = frozenset(
    {
        *("a", "an", "it", "no", "nobody", "nothing", "only", "other", "somebody", "something"),
        *("everything", "staff", "the", "there", "they", "this", "what", "who", "you"),
        *("choose", "gift", "give", "line", "please", "refunds", "removals", "user", "write"),
    }
)


def as_sentence(text: str) -> str:
    """With a capital, unless it begins with a name or an id, and with a full stop."""
    if text.partition(" ")[0] in _WORDS:
        text = text[0].upper() + text[1:]
    return text if text.endswith(_ENDS) else f"{text}."
