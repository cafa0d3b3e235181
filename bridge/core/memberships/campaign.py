"""Who gets a link of a campaign, and why others do not. Pure."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bridge.core.model.discourse import User
from bridge.errors import Permanent
from bridge.texts import gettext

Fate = Literal["invited", "unknown", "ambiguous", "double", "suspended", "staged", "gone", "has it"]
COLUMN = "user"
_SAYS: Mapping[Fate, str] = {
    "double": gettext("this member is already in the list"),
    "suspended": gettext("the forum has suspended this account"),
    "staged": gettext(
        "nobody has signed in to this account yet: the forum created it from an e-mail"
    ),
    "gone": gettext("this account no longer exists"),
    "has it": gettext("they have it with no end date, or through a subscription that renews"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who was named, or whose membership ends; `line`: of the file, where there is one."""

    said: str
    line: int | None = None
    user: User | None = None
    until_at: datetime | None = None
    fate: Fate = "invited"
    says: str = ""


def read_names(file: Iterable[str]) -> list[Candidate]:
    """The names in the column `user` of a CSV file. Raises: Permanent if there is none."""
    reader = csv.DictReader(file)
    if COLUMN not in (reader.fieldnames or ()):
        raise Permanent(
            gettext("the file has no column %(column)s: its first line names the columns")
            % {"column": COLUMN}
        )
    found = [Candidate((row.get(COLUMN) or "").strip(), reader.line_num) for row in reader]
    return [one for one in found if one.said]


def sorted_out(named: Iterable[Candidate], have_it: Collection[int]) -> Iterator[Candidate]:
    """The same people with the result for each; nobody gets two links.

    `have_it`: users for whom the offer would be paying for nothing.
    """
    seen: set[int] = set()
    for one in named:
        fate = _fate(one, have_it, seen)
        yield replace(one, fate=fate, says=one.says or _SAYS.get(fate, ""))


def _fate(one: Candidate, have_it: Collection[int], seen: set[int]) -> Fate:
    if one.user is None or one.fate != "invited":
        return one.fate
    if one.user.id in seen:
        return "double"
    seen.add(one.user.id)
    if one.user.state != "active":
        return "gone" if one.user.state == "anonymized" else one.user.state
    return "has it" if one.user.id in have_it else "invited"
