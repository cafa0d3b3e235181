"""Problems of a mapping, each with a stable code and a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong or doubtful in the mapping; `subject` says where.

    `halts`: the rule gives and takes nothing until this is corrected.
    """

    code: str
    subject: str
    message: str
    hint: str
    halts: bool


@dataclass(frozen=True, slots=True)
class _Code:
    hint: str
    halts: bool = False


CODES: Mapping[str, _Code] = {
    "M101": _Code(gettext("Create the group in Discourse, or correct the name."), halts=True),
    "M102": _Code(
        gettext("Discourse fills automatic groups itself: name a group of your own instead."),
        halts=True,
    ),
    "M103": _Code(
        gettext("Name another group; for a new one of the same name, by its id."), halts=True
    ),
    "M104": _Code(gettext("Use one of the values named here."), halts=True),
    "M105": _Code(gettext("Correct the key, or remove it if it is not meant for the bridge.")),
    "M106": _Code(gettext("Correct the key in bridge.toml, or remove it."), halts=True),
    "M107": _Code(gettext("Leave one step of the ladder in the groups of this rule."), halts=True),
    "M108": _Code(
        gettext("Add discourse_groups to it or to its product; `none` says that none is meant.")
    ),
    "M109": _Code(
        gettext(
            "Add discourse_rank, or list the ladder’s groups, low to high, under [ladders] in "
            "bridge.toml. Until then the latest start wins."
        )
    ),
    "M110": _Code(
        gettext("Keep the group in one ladder: a member could not hold one step of each.")
    ),
    "M111": _Code(
        gettext(
            "Add discourse_ladder to the rule named here, or give it another group: somebody who "
            "buys both would be on two steps of one ladder."
        )
    ),
    "M112": _Code(gettext("Say it in one place only; bridge.toml wins over Stripe’s metadata.")),
    "M113": _Code(gettext("Map a product to the group, or take it out of the ladder.")),
    "M114": _Code(gettext("Correct the name under [ladders] in bridge.toml.")),
    "M115": _Code(gettext("Correct the id or lookup key in bridge.toml, or remove the section.")),
    "M116": _Code(gettext("Give them different ranks. Until then the latest start wins.")),
    "M117": _Code(
        gettext("Nothing has to be done: the rule follows the group, whatever its name.")
    ),
    "M118": _Code(gettext("Attach the feature to a product at Stripe, or remove the section.")),
}

POLICY_CODES: Mapping[str, str] = {
    "M151": "Correct the name of the section in bridge.toml, or remove it.",
    "M152": "Correct the key in bridge.toml, or remove it.",
    "M153": "Use one of the values named here.",
}
"""Problems of bridge.toml that concern the whole site: it is not used until they are solved."""


def problem(code: str, subject: str, message: str) -> Problem:
    """A problem with the hint and the severity of its code."""
    kind = CODES[code]
    return Problem(code, subject, message, kind.hint, kind.halts)


def nearest(word: str, words: tuple[str, ...]) -> str:
    """' Did you mean "…"?' where one of the words looks like it, else nothing."""
    close = get_close_matches(word, words, n=1)
    return " " + gettext('Did you mean "%(word)s"?') % {"word": close[0]} if close else ""
