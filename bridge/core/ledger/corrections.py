"""Corrections of entries that were booked otherwise than they would be booked today.

An earlier version may have known less of an object, such as what shipping cost, and what Stripe
says of an object may change. No booked line changes: another entry takes back what is wrong, names
it, and books what is missing, on the day on which the bridge learned of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bridge.core.ledger.line import Line, entry_of, numbered, turned
from bridge.core.ledger.seals import digest

_MARK = ":corrected-"
_ANY_TIME = datetime.min.replace(tzinfo=UTC)


def corrected_entry(line_id: str) -> str:
    """The entry that a line belongs to, or corrects."""
    return entry_of(line_id).partition(_MARK)[0]


def unlike(made: Sequence[Line], sealed: Mapping[str, str]) -> set[str]:
    """The booked entries that would not be booked today as they were.

    `made`: the lines of a family as of today. `sealed`: the digests of its booked lines by id.
    """
    today = {line.id: digest(line) for line in made}
    odd = (one for one in today.keys() | sealed.keys() if today.get(one) != sealed.get(one))
    return set(map(corrected_entry, odd)) & set(map(corrected_entry, sealed))


@dataclass(frozen=True, slots=True)
class Amended:
    """A family's lines as they can be written, with corrections of those that were booked.

    `corrected`: the entries that have a new correction. `gone`: entries whose object is not known
    any more.
    """

    lines: tuple[Line, ...]
    corrected: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def amended(
    made: Sequence[Line],
    odd: Collection[str],
    booked: Sequence[Line],
    known: Collection[str],
    at: datetime,
) -> Amended:
    """Leave odd entries as they were booked, and correct those whose object is known."""
    lines = [line for line in made if line.entry_id not in odd]
    wanted, stands, objects = defaultdict(list), defaultdict(list), set(known)
    for line in made:
        wanted[line.entry_id].append(line)
    for line in booked:
        stands[corrected_entry(line.id)].append(line)
    corrected, gone = [], []
    for entry_id in sorted(odd):
        new = correction(entry_id, stands[entry_id], wanted[entry_id], at)
        if new and not {entry_id, entry_id.partition(":")[0]} & objects:
            gone.append(entry_id)
        elif new:
            corrected.append(entry_id)
            lines += new
    return Amended(tuple(lines), tuple(corrected), tuple(gone))


def correction(
    entry_id: str, booked: Sequence[Line], wanted: Sequence[Line], at: datetime
) -> list[Line]:
    """The next correction of an entry; no lines if it moved what it should have.

    `booked`: its lines, and those of its corrections so far. Words and times correct nothing.
    """
    taken_back = {line.corrects for line in booked if _takes_back(line, entry_id)}
    wrong = [
        line for line in booked if line.id not in taken_back and not _takes_back(line, entry_id)
    ]
    missing = []
    for line in wanted:
        same = next((one for one in wrong if _moved(one) == _moved(line)), None)
        if same is None:
            missing.append(line)
        else:
            wrong.remove(same)
    lines = [replace(turned(line), corrects=line.id) for line in wrong]
    lines += [replace(line, corrects=line.corrects or entry_id) for line in missing]
    number = len({line.entry_id for line in booked} | {entry_id})
    own = f"{entry_id}{_MARK}{number}"
    return numbered(
        replace(line, entry_id=own, at=at, what=f"Correction: {line.what}") for line in lines
    )


def _takes_back(line: Line, entry_id: str) -> bool:
    """Whether a line of a correction takes a line back; the others book what was missing."""
    return line.entry_id != entry_id and corrected_entry(line.corrects or "") == entry_id


def _moved(line: Line) -> Line:
    """What a line moved, for whom and for what, without its ids, words and time."""
    bare = replace(line, id="", entry_id="", at=_ANY_TIME, what="", rule_id=None, source_id=None)
    return replace(bare, corrects=None, method=None)
