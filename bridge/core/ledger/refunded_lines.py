"""Which lines of a sale its refunds belong to (A107), for rights and for the books.

If there is a credit note, its lines; else the line or lines whose total equals the refund;
else a share of each. If several choices of lines have that total, all are kept, and a later
refund may decide between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

from bridge.core.ledger.shares import share

REST = ""
"""Everything without a line: shipping, or an earlier balance."""

# With up to this many lines every choice is tried; with more, one or two lines, or all.
_MOST_LINES = 12

# With more ways to read the refunds than this, the answer counts as unknown.
_MOST_READINGS = 32

_Reading = tuple[int, ...]  # how much of each line is refunded


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A line that was paid. Lines of the same `like` (their price) can stand for each other."""

    id: str
    total_minor: int
    like: str


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """A refund. `of`: line id -> amount, as far as a credit note says so."""

    amount_minor: int
    at: datetime | None
    of: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineRefund:
    """What is refunded of a line, in the currency of the payment.

    `may_be_of`: ids of the lines that the refund may belong to, including this one; empty
    if that is certain. Otherwise it is between `least_minor` and `most_minor`.
    """

    paid_minor: int
    refunded_minor: int = 0
    at: datetime | None = None
    least_minor: int = 0
    most_minor: int = 0
    may_be_of: tuple[str, ...] = ()


def refunds_of_lines(
    lines: Sequence[PaidLine], paid_minor: int, refunds: Sequence[MoneyBack]
) -> dict[str, LineRefund]:
    """How much of each line is refunded. A free line follows the whole payment."""
    found = _Readings(lines, paid_minor)
    for refund in refunds:
        found.hear(refund)
    return {line.id: found.of(line) for line in lines}


def parts_of_refunds(
    lines: Sequence[PaidLine], paid_minor: int, refunds: Sequence[MoneyBack]
) -> list[dict[str, int]]:
    """The lines of each refund in the likeliest reading: line id, or REST -> amount.

    The parts add up to the refund, unless it is above what was left of the payment. A later refund
    never changes the parts of an earlier one.
    """
    found = _Readings(lines, paid_minor)
    return [found.hear(refund) for refund in refunds]


class _Readings:
    """All ways to read the refunds so far, the likeliest first."""

    def __init__(self, lines: Sequence[PaidLine], paid_minor: int) -> None:
        costly = [line for line in lines if line.total_minor > 0]
        more = paid_minor - sum(line.total_minor for line in costly)
        self._lines = [*costly, PaidLine(REST, more, REST)] if more > 0 else costly
        self._prices = [line.total_minor for line in self._lines]
        # With credit or a partial capture, less was paid than the lines cost.
        self._paid = share(paid_minor, self._prices) if more < 0 else self._prices
        self._whole = paid_minor
        self._readings: list[_Reading] = [(0,) * len(self._lines)]
        self._guessed: set[int] = set()
        self._times: dict[int, datetime] = {}
        self._back = 0
        self._last_at: datetime | None = None

    def hear(self, refund: MoneyBack) -> dict[str, int]:
        """One more refund; returns what it is of in the likeliest reading."""
        before, left = self._readings[0], max(0, self._whole - self._back)
        self._back += refund.amount_minor
        self._last_at = refund.at or self._last_at
        after = [new for old in self._readings for new in self._after(old, refund)]
        self._readings = list(dict.fromkeys(after))
        if len(self._readings) > _MOST_READINGS:
            self._readings = self._readings[:1]
            self._guessed |= set(range(len(self._lines)))
        return self._parts(before, min(refund.amount_minor, left))

    def _parts(self, before: _Reading, amount: int) -> dict[str, int]:
        """By how much the likeliest reading grew, as parts of an amount."""
        grown = [new - old for new, old in zip(self._readings[0], before, strict=True)]
        if not any(grown):
            return {REST: amount} if amount else {}
        # With credit, a line whose whole price is refunded was paid with less than its price.
        parts = zip(self._lines, share(amount, grown), strict=True)
        return {line.id: part for line, part in parts if part}

    def of(self, line: PaidLine) -> LineRefund:
        """How much of a line is refunded."""
        is_whole = 0 < self._whole <= self._back
        if line not in self._lines:
            back = self._whole if is_whole else 0
            return LineRefund(self._whole, back, self._last_at, back, back)
        number = self._lines.index(line)
        paid, at = self._paid[number], self._times.get(number)
        if is_whole:
            return LineRefund(paid, paid, at or self._last_at, paid, paid)
        amounts = [reading[number] for reading in self._readings]
        least, most = min(amounts), max(amounts)
        return LineRefund(paid, amounts[0], at, least, most, self._in_doubt_with(number))

    def _in_doubt_with(self, number: int) -> tuple[str, ...]:
        open_ = [n for n in range(len(self._lines)) if len({r[n] for r in self._readings}) > 1]
        guessed = [
            n for n in sorted(self._guessed) if any(r[n] < self._paid[n] for r in self._readings)
        ]
        among = open_ if number in open_ else guessed if number in guessed else []
        return tuple(self._lines[n].id for n in among)

    def _after(self, old: _Reading, refund: MoneyBack) -> Iterator[_Reading]:
        named, left = list(old), refund.amount_minor
        for number, line in enumerate(self._lines):
            part = min(refund.of.get(line.id, 0), self._paid[number] - named[number], left)
            if part > 0:
                named[number] += part
                left -= part
                self._touch(number, refund)
        if left:
            yield from self._unnamed(tuple(named), left, refund)
        else:
            yield tuple(named)

    def _unnamed(self, old: _Reading, amount: int, refund: MoneyBack) -> Iterator[_Reading]:
        """After a refund that names no line."""
        left = [paid - back for paid, back in zip(self._paid, old, strict=True)]
        stand = [number for number, rest in enumerate(left) if rest > 0]
        found: dict[tuple[tuple[str, int], ...], _Reading] = {}
        for chosen in self._choices(stand, left, amount):
            alike = tuple(sorted((self._lines[n].like, left[n]) for n in chosen))
            new = tuple(self._paid[n] if n in chosen else back for n, back in enumerate(old))
            if found.setdefault(alike, new) is new:
                self._touch_all(chosen, refund)
        if found:
            yield from found.values()
            return
        parts = share(min(amount, sum(left)), left)
        for number in stand:
            self._touch(number, refund)
        if len(stand) > 1:
            self._guessed.update(stand)
        yield tuple(back + part for back, part in zip(old, parts or old, strict=True))

    def _choices(
        self, stand: Sequence[int], left: Sequence[int], amount: int
    ) -> Iterator[tuple[int, ...]]:
        """The unrefunded lines whose rest or price equals the amount."""
        some = (1, 2, len(stand)) if len(stand) > _MOST_LINES else range(1, len(stand) + 1)
        for size in some:
            for chosen in combinations(stand, size):
                untouched = all(left[n] == self._paid[n] for n in chosen)
                is_price = untouched and sum(self._prices[n] for n in chosen) == amount
                if is_price or sum(left[n] for n in chosen) == amount:
                    yield chosen

    def _touch(self, number: int, refund: MoneyBack) -> None:
        if refund.at is not None:
            self._times[number] = refund.at

    def _touch_all(self, numbers: Iterable[int], refund: MoneyBack) -> None:
        for number in numbers:
            self._touch(number, refund)
