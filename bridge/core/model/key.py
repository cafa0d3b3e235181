"""A place in a list that several tables fill: how far a page of it has come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = re.compile(r"([0-9]{1,17})-([0-9])-(.{1,300})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Until:
    """The rest of a table: everything older, and at this very moment what is said here.

    `last_id`: at that moment, only ids before this one; `with_it`: all of that moment, or nothing.
    """

    at: datetime
    last_id: str | None = None
    with_it: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """The entry after which a page continues: its time, its table (by rank) and its id there.

    At the same moment, a lower rank is older.
    """

    at: datetime
    rank: int
    id: str

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.rank}-{self.id}"

    def until(self, rank: int) -> Until:
        """The rest of the table with this rank after this entry."""
        if rank == self.rank:
            return Until(self.at, self.id)
        return Until(self.at, with_it=rank < self.rank)


def parse_key(text: str) -> Key | None:
    """The key that an address names; None for anything else."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    try:
        at = EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        return None
    return Key(at, int(found[2]), found[3])
