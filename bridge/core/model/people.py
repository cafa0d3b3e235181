"""How people and groups are named: an id as `id:12`, everything else as a name.

Discourse allows names of digits alone, so `12` is the name "12", never the id 12. `name:12` says
the same where somebody might take it for an id.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bridge.errors import NotFound, Permanent
from bridge.texts import gettext

# Discourse lets a site raise the length of names to 60 (`max_username_length`).
LONGEST_NAME = 60
# The largest number in a signed 64-bit column of the database.
LARGEST_ID = 2**63 - 1
_ID = re.compile(r"[0-9]{1,19}")
_SHOWN = 40


class NotAName(Permanent):
    """The text cannot be a name or an id."""


@dataclass(frozen=True, slots=True)
class Named:
    """A user or group as somebody wrote it: by id or by name."""

    id: int | None
    name: str = ""
    is_explicit: bool = False

    @property
    def could_be_id(self) -> bool:
        """Whether the name may have been meant as an id: digits without `name:` before them."""
        return self.id is None and not self.is_explicit and _ID.fullmatch(self.name) is not None


def id_in(text: str) -> int | None:
    """The id that these digits are; None for anything that the databases cannot hold."""
    found = int(text) if _ID.fullmatch(text) else None
    return found if found is not None and found <= LARGEST_ID else None


def parse_named(text: str) -> Named:
    """Read `id:12`, `name:alice` or `alice`. Raises: NotAName, in words that say what to write."""
    kind, colon, rest = text.strip().partition(":")
    if not text.strip():
        raise NotAName(gettext("the name is empty: write a name, or an id as id:12"))
    if not colon:
        return Named(None, _name(kind))
    if kind == "id":
        id_ = id_in(rest)
        if not id_:
            raise NotAName(
                gettext("%(text)s is not an id: write its digits, as in id:12")
                % {"text": _shown(text)}
            )
        return Named(id_, is_explicit=True)
    if kind == "name":
        return Named(None, _name(rest), is_explicit=True)
    raise NotAName(
        gettext("%(text)s is not a name: write a name, or an id as id:12") % {"text": _shown(text)}
    )


def no_such_user(named: Named, *, is_also_an_id: bool) -> NotFound:
    """Nobody has this name; `is_also_an_id`: somebody has it as an id."""
    words = gettext("nobody on the forum is called %(name)s: write a name, or id:12")
    if is_also_an_id:
        words = gettext(
            "nobody on the forum is called %(name)s; for the user with that id write id:%(name)s"
        )
    return NotFound(words % {"name": named.name})


def no_such_group(named: Named) -> NotFound:
    """The forum has no group of this name or id."""
    if named.id is not None:
        return NotFound(gettext("the forum has no group with the id %(id)s") % {"id": named.id})
    words = gettext("the forum has no group called %(name)s")
    if named.could_be_id:
        words = gettext(
            "the forum has no group called %(name)s; for the group with that id write id:%(name)s"
        )
    return NotFound(words % {"name": named.name})


def either_user(named: Named, other: str) -> Permanent:
    """One user has this name, and another, called `other`, has it as an id."""
    words = gettext(
        "%(name)s could be the user of that name or %(other)s, who has that id: write "
        "name:%(name)s or id:%(name)s"
    )
    return Permanent(words % {"name": named.name, "other": other})


def either_group(named: Named, other: str) -> Permanent:
    """One group has this name, and another, called `other`, has it as an id."""
    words = gettext(
        "%(name)s could be the group of that name or %(other)s, which has that id: write "
        "name:%(name)s or id:%(name)s"
    )
    return Permanent(words % {"name": named.name, "other": other})


def fold(name: str) -> str:
    """The form in which Discourse compares names: composed, and in lower case.

    As `User.normalize_username` does (`unicode_normalize.downcase`). Ruby lowers each character
    alone, so a final sigma stays like any other; `str.lower` of the whole text would not.
    """
    return "".join(letter.lower() for letter in unicodedata.normalize("NFC", name))


def is_name(text: str) -> bool:
    """Whether somebody could be called this on a forum."""
    return 0 < len(text) <= LONGEST_NAME and all(map(_is_allowed, text))


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise NotAName(
            gettext(
                "%(text)s is not a name: it has %(count)s characters, and names have "
                "%(most)s at most"
            )
            % {"text": _shown(text), "count": len(text), "most": LONGEST_NAME}
        )
    if not is_name(text):
        raise NotAName(
            gettext(
                "%(text)s is not a name: names have letters, digits, dashes, dots and "
                "underscores; write an id as id:12"
            )
            % {"text": _shown(text)}
        )
    return text


def _is_allowed(letter: str) -> bool:
    """Letters, marks and digits of any script, as Discourse with Unicode names allows them."""
    return letter in "-_." or unicodedata.category(letter)[0] in "LM" or letter.isdecimal()


def _shown(text: str) -> str:
    """The text in quotes, short, with whatever does not print escaped."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
