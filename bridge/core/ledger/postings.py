"""Entries of many lines as postings of two accounts each, as some accounting software has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.core.ledger.line import Line


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount above zero from one line to another of the same entry."""

    debit: Line
    credit: Line
    amount_minor: int


def postings(entry: Iterable[Line]) -> Iterator[Posting]:
    """Pair debits with credits, in order, so that each account gets what the entry says.

    The lines are of one currency and sum to zero.
    """
    lines = [line for line in entry if line.amount_minor]
    debits = [(line, line.amount_minor) for line in lines if line.amount_minor > 0]
    credits_ = [(line, -line.amount_minor) for line in lines if line.amount_minor < 0]
    while debits and credits_:
        (debit, more), (credit, less) = debits[0], credits_[0]
        amount = min(more, less)
        yield Posting(debit, credit, amount)
        debits[:1] = [(debit, more - amount)] if more > amount else []
        credits_[:1] = [(credit, less - amount)] if less > amount else []
