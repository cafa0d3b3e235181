"""The register file of an import: its lines, their results, and contradictions."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.model.rights import HandGrant
from bridge.core.model.stripe import Subscription
from bridge.errors import Permanent
from bridge.texts import ngettext

COLUMNS = ("user", "group", "until", "reason", "customer", "subscription")
Fate = Literal[
    "new", "known", "matched", "over", "unknown user", "unknown group", "ambiguous", "wrong"
]
OVER = "its date is past"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file, as it is written there."""

    line: int
    user: str
    group: str
    until: str
    reason: str
    customer: str = ""
    subscription: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a line, or why there is none.

    `grant`: only for a new line. `matched`: the subscription that a line rests on instead.
    """

    row: Row
    fate: Fate
    says: str = ""
    grant: HandGrant | None = None
    matched: Subscription | None = None

    @property
    def pair(self) -> tuple[int, int]:
        """The user and the group that the line is about."""
        return (self.grant.user_id, self.grant.group_id) if self.grant else (0, 0)


def read_rows(file: Iterable[str]) -> list[Row]:
    """The lines of a CSV file. Raises: Permanent when a column is missing."""
    reader = csv.DictReader(file)
    missing = [name for name in COLUMNS[:2] if name not in (reader.fieldnames or ())]
    if missing:
        words = ngettext(
            "the file has no column %(missing)s: its first line names the columns %(columns)s",
            "the file has no columns %(missing)s: its first line names the columns %(columns)s",
            len(missing),
        )
        raise Permanent(words % {"missing": ", ".join(missing), "columns": ",".join(COLUMNS)})
    return [
        Row(reader.line_num, *((line.get(name) or "").strip() for name in COLUMNS))
        for line in reader
    ]


def without_contradictions(found: Sequence[Outcome], now: datetime) -> Iterator[Outcome]:
    """If the file has a user twice for a group, a person must decide.

    Of several ended lines only the last counts, and none if another line is in force.
    """
    last: dict[tuple[int, int], datetime] = {}
    current = Counter(one.pair for one in found if one.grant and not _is_over(one.grant, now))
    for one in found:
        if one.grant and one.grant.until_at:
            last[one.pair] = max(last.get(one.pair, one.grant.until_at), one.grant.until_at)
    for one in found:
        if one.grant is None:
            yield one
        elif _is_over(one.grant, now):
            is_last = one.pair not in current and last[one.pair] == one.grant.until_at
            yield one if is_last else Outcome(one.row, "over", OVER)
        elif current[one.pair] > 1:
            yield Outcome(one.row, "ambiguous", "the file has this user and group more than once")
        else:
            yield one


def _is_over(grant: HandGrant, now: datetime) -> bool:
    return grant.until_at is not None and grant.until_at <= now


def id_of(*parts: object) -> str:
    """The same for the same line, so that a second import finds it."""
    text = "\x1f".join(map(str, parts))
    return f"import_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
