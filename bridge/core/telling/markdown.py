"""Discourse's Markdown in which other people's text is shown letter by letter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from bridge.core.telling.places import GroupName
from bridge.core.telling.words import listed
from bridge.texts import gettext

_LONGEST_NAME = 80

# Characters that cannot be in a line, or not in UTF-8 at all.
_DROPPED = re.compile("[\x00\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ud800-\udfff]")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_STARTS_DISCOURSE_SYNTAX = frozenset("@#:[;")
# Everything that an address may contain, except characters with a meaning in Markdown.
_SAFE_IN_ADDRESS = "%/:?#@!$&+,;=-._~"


def escape_markdown(text: str) -> str:
    """Text that shows letter by letter in a message of Discourse, on one line, in a table or not.

    Backslashes alone do not stop mentions, hashtags, emoji and BBCode, which Discourse looks for
    after Markdown has taken the backslashes away; an empty comment behind their first letter does.
    Source: tried with hostile strings on a running Discourse 3.5.
    """
    return _PUNCTUATION.sub(_escape_character, _DROPPED.sub("", text).strip())


def _escape_character(found: re.Match[str]) -> str:
    character = found.group()
    return f"\\{character}<!-- -->" if character in _STARTS_DISCOURSE_SYNTAX else f"\\{character}"


def as_markdown(value: object) -> Markup:
    """Escapes what a template prints; `Markup` is already Markdown."""
    return value if isinstance(value, Markup) else Markup(escape_markdown(str(value)))  # noqa: S704


def link(text: str, url: str | None) -> Markup:
    """A Markdown link, or only its text if the address is not a web address."""
    shown = as_markdown(text)
    if not url or urlsplit(url).scheme not in {"http", "https"}:
        return shown
    return Markup(f"[{shown}]({address(url)})")  # noqa: S704 -- both escaped


def address(url: str) -> Markup:
    """A web address within a link."""
    return Markup(quote(url, safe=_SAFE_IN_ADDRESS))  # noqa: S704 -- it is escaped


def short(text: str) -> str:
    """A name that fits into a line."""
    line = _DROPPED.sub("", text).strip()
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1].rstrip() + "…"


def names(groups: Sequence[GroupName]) -> Markup:
    """`[Supporters](…), [Patrons](…) and [Founders](…)`."""
    shown = [link(short(group.name) or gettext("a group"), group.url) for group in groups]
    return Markup(listed(shown))  # noqa: S704 -- each is escaped
