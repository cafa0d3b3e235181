"""The register of shares: who holds which numbers of which class, since when, for what price.

It is a pure function of the ledger's lines and of moderators' acts, so as of any date it is
the same each time (A55, A61). Numbers are given in the order in which the
bridge learned of shares: a number never changes and is never given again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import merge
from itertools import accumulate
from typing import Literal

from bridge.core.ledger.line import GIFTS, Finding, Line
from bridge.texts import gettext

ShareClass = Literal["share", "supporter share"]
ActKind = Literal["issue", "transfer", "withdraw", "correct"]
Ending = Literal["withdrawn", "transferred", "corrected"]
CLASSES: dict[str, ShareClass] = {
    "equity:shares": "share",
    "equity:supporter-shares": "supporter share",
}


@dataclass(frozen=True, slots=True)
class Holding:
    """A run of numbers that one person got at the same time, and what became of it.

    `holder`: a user as `id:12`, or a customer that is linked to nobody. `acquired_at` is later than
    `issued_at` where the run was transferred. `total`: shares of the class in issue after it.
    """

    share_class: ShareClass
    first: int
    last: int
    holder: str
    issued_at: datetime
    acquired_at: datetime
    price_minor: int
    currency: str
    source_id: str
    total: int
    transferred_from: str | None = None
    ended_at: datetime | None = None
    ended_how: Ending | None = None
    ended_by: str | None = None

    @property
    def count(self) -> int:
        """How many shares the run has."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareAct:
    """A moderator's act on shares. `known_at`: when it was recorded; `at`: since when it counts.

    An issue has a `count`, a price and a holder; a transfer and a withdrawal have numbers; a
    correction takes back the act that it names.
    """

    id: str
    kind: ActKind
    at: datetime
    known_at: datetime
    reason: str
    actor: str
    share_class: ShareClass | None = None
    user_id: int | None = None
    count: int = 0
    first: int | None = None
    last: int | None = None
    price_minor: int = 0
    currency: str = ""
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class BookedShare:
    """A line of the ledger on an account of shares, and when the bridge learned of it."""

    known_at: datetime
    line: Line


@dataclass(frozen=True, slots=True)
class Register:
    """Holdings by class and number, also ended ones, and what does not fit."""

    holdings: tuple[Holding, ...]
    findings: tuple[Finding, ...] = ()


class Impossible(Exception):
    """An impossible act: on shares that nobody holds, or not yet."""


def share_register(
    booked: Iterable[BookedShare],
    acts: Sequence[ShareAct],
    holder: Callable[[Line], str],
    as_of: datetime,
    known_at: datetime | None = None,
) -> Register:
    """The register as of a moment, as known at another. Both inputs are in order of `known_at`.

    Raises: Impossible.
    """
    known = [act for act in acts if known_at is None or act.known_at <= known_at]
    corrected = {act.corrects: act for act in known if act.kind == "correct"}
    made = _Making(as_of)
    in_turn: Iterator[BookedShare | ShareAct] = merge(booked, known, key=_known_at)
    for one in in_turn:
        if isinstance(one, BookedShare):
            if known_at is None or one.known_at <= known_at:
                made.book(one.line, holder(one.line))
        elif one.kind != "correct":
            made.do(one, corrected.get(one.id))
    return Register(made.finished(), tuple(made.findings))


# When shares were issued or withdrawn, the first of their numbers, and how many.
_Move = tuple[datetime, int, int]


def _known_at(one: BookedShare | ShareAct) -> datetime:
    return one.known_at


@dataclass(slots=True)
class _Making:
    """The register while it is built: current holdings by number, and ended ones."""

    as_of: datetime
    held: dict[ShareClass, list[Holding]] = field(
        default_factory=lambda: {each: [] for each in CLASSES.values()}
    )
    ended: list[Holding] = field(default_factory=list)
    next_number: dict[ShareClass, int] = field(
        default_factory=lambda: dict.fromkeys(CLASSES.values(), 1)
    )
    issued: dict[tuple[ShareClass, str], list[tuple[int, int]]] = field(default_factory=dict)
    moved: dict[ShareClass, list[_Move]] = field(
        default_factory=lambda: {each: [] for each in CLASSES.values()}
    )
    in_issue: Counter[ShareClass] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def book(self, line: Line, who: str) -> None:
        """Shares that were sold, or taken back with their money."""
        if line.account not in CLASSES or not line.quantity:
            return
        share_class = CLASSES[line.account]
        if line.kind in GIFTS:
            self._pass_on(share_class, line, who)
        elif line.quantity > 0:
            source = line.source_id or line.entry_id
            price = -line.amount_minor
            self._issue(share_class, line.quantity, who, line.at, (price, line.currency, source))
        elif line.at <= self.as_of:
            self._refund(share_class, line, who)

    def do(self, act: ShareAct, correction: ShareAct | None) -> None:
        """A moderator's act, unless it was corrected; its numbers stay used."""
        share_class = act.share_class or "share"
        if act.kind == "issue":
            run = self._issue(
                *(share_class, act.count, f"id:{act.user_id}", act.at),
                (act.price_minor, act.currency, act.id),
            )
            if correction is not None and run is not None:
                taken = self._take(share_class, run.first, run.last)
                self._end(taken, act.at, "corrected", correction.id)
            return
        if correction is not None or act.at > self.as_of:
            return
        taken = self._take(share_class, act.first or 0, act.last or 0, act.at)
        if act.kind == "withdraw":
            self._end(taken, act.at, "withdrawn", act.id)
            return
        self._end(taken, act.at, "transferred", act.id)
        for run in taken:
            new = replace(run, holder=f"id:{act.user_id}", transferred_from=run.holder)
            self._hold(replace(new, acquired_at=act.at))

    def _issue(
        self,
        share_class: ShareClass,
        count: int,
        who: str,
        at: datetime,
        paid: tuple[int, str, str],
    ) -> Holding | None:
        first = self.next_number[share_class]
        self.next_number[share_class] = first + count
        if at > self.as_of:
            return None
        price, currency, source = paid
        self.issued.setdefault((share_class, source), []).append((first, first + count - 1))
        # Usually the count stays so until the end; `finished` counts again.
        self.in_issue[share_class] += count
        total = self.in_issue[share_class]
        run = Holding(
            *(share_class, first, first + count - 1, who, at, at, price, currency, source, total)
        )
        self._hold(run)
        self.moved[share_class].append((at, first, count))
        return run

    def _hold(self, run: Holding) -> None:
        runs = self.held[run.share_class]
        if not runs or runs[-1].first < run.first:  # the usual case
            runs.append(run)
        else:
            runs.insert(bisect_right(runs, run.first, key=_first), run)

    def _end(self, runs: Iterable[Holding], at: datetime, how: Ending, by: str) -> None:
        for run in runs:
            self.ended.append(replace(run, ended_at=at, ended_how=how, ended_by=by))
            if how != "transferred":
                self.in_issue[run.share_class] -= run.count
                self.moved[run.share_class].append((at, run.first, -run.count))

    def _take(
        self, share_class: ShareClass, first: int, last: int, at: datetime | None = None
    ) -> list[Holding]:
        """Remove numbers from the holdings, in as many runs as they are held in."""
        taken: list[Holding] = []
        while first <= last:
            run = self._run_at(share_class, first)
            if run is None:
                raise Impossible(
                    gettext("%(share_class)s %(first)s is held by nobody")
                    % {"share_class": share_class, "first": first}
                )
            if at is not None and at < run.acquired_at:
                since = f"{run.acquired_at:%Y-%m-%d}"
                raise Impossible(
                    gettext("%(share_class)s %(first)s is held by %(holder)s since %(since)s only")
                    % {
                        "share_class": share_class,
                        "first": first,
                        "holder": run.holder,
                        "since": since,
                    }
                )
            part = self._split(run, first, min(last, run.last))
            taken.append(part)
            first = part.last + 1
        return taken

    def _run_at(self, share_class: ShareClass, number: int) -> Holding | None:
        runs = self.held[share_class]
        place = bisect_right(runs, number, key=_first) - 1
        return runs[place] if place >= 0 and runs[place].last >= number else None

    def _split(self, run: Holding, first: int, last: int) -> Holding:
        """Remove a part of a run and return it; the rest stays held."""
        runs = self.held[run.share_class]
        place = bisect_right(runs, run.first, key=_first) - 1
        before, part = first - run.first, last - first + 1
        prices = [run.price_minor * before // run.count]
        prices.append(run.price_minor * (before + part) // run.count - prices[0])
        prices.append(run.price_minor - sum(prices))
        stays = [replace(run, last=first - 1, price_minor=prices[0])] if before else []
        if last < run.last:
            stays.append(replace(run, first=last + 1, price_minor=prices[2]))
        runs[place : place + 1] = stays
        return replace(run, first=first, last=last, price_minor=prices[1])

    def _refund(self, share_class: ShareClass, line: Line, who: str) -> None:
        """Withdraw what that payment bought, else what the payer holds: the newest first.

        Nothing where a moderator has withdrawn what it bought before the money went back.
        """
        sources = filter(None, (line.corrects, line.invoice_id, line.source_id))
        sold = [each for one in sources for each in self.issued.get((share_class, one), ())]
        runs = self._held_of(share_class, sold) if sold else self._held_by(share_class, who)
        left = -(line.quantity or 0)
        for run in runs:
            count = min(left, run.count)
            if count:
                gone = self._split(run, run.last - count + 1, run.last)
                self._end([gone], line.at, "withdrawn", line.source_id or line.entry_id)
                left -= count
        if left and not sold:
            words = gettext("%(class)s: %(count)s were paid back that %(holder)s does not hold")
            says = words % {"class": share_class, "count": left, "holder": who}
            self.findings.append(Finding("share_not_held", (line.entry_id,), says))

    def _pass_on(self, share_class: ShareClass, line: Line, who: str) -> None:
        """Transfer what a sale issued to the receiver of the gift, the lowest numbers first."""
        sold = self.issued.get((share_class, line.source_id or ""), ())
        left = line.quantity or 0
        for run in reversed(self._held_of(share_class, sold)):
            count = min(left, run.count) if line.at <= self.as_of and run.holder != who else 0
            if count > 0:
                passed = self._split(run, run.first, run.first + count - 1)
                self._end([passed], line.at, "transferred", line.entry_id)
                new = replace(passed, holder=who, transferred_from=run.holder)
                self._hold(replace(new, acquired_at=line.at))
                left -= count

    def _held_of(self, share_class: ShareClass, ranges: Iterable[tuple[int, int]]) -> list[Holding]:
        """What is held of these numbers, the highest first."""
        numbers = (number for first, last in ranges for number in range(last, first - 1, -1))
        found = (self._run_at(share_class, number) for number in numbers)
        return list({run.first: run for run in found if run}.values())

    def _held_by(self, share_class: ShareClass, who: str) -> list[Holding]:
        return [run for run in reversed(self.held[share_class]) if run.holder == who]

    def finished(self) -> tuple[Holding, ...]:
        """All holdings by class and number, each with the total in issue after it."""
        found = [*self.ended, *(run for runs in self.held.values() for run in runs)]
        found.sort(key=lambda run: (run.share_class, run.first, run.acquired_at, run.last))
        return tuple(_with_totals(found, self.moved, self.next_number))


def _first(run: Holding) -> int:
    return run.first


def _with_totals(
    found: Iterable[Holding],
    moved: Mapping[ShareClass, list[_Move]],
    ends: Mapping[ShareClass, int],
) -> Iterator[Holding]:
    """The total in issue: after the issue of a run, or at the moment of a transfer."""
    for moves in moved.values():
        moves.sort()
    places = {each: [(at, first) for at, first, _ in moves] for each, moves in moved.items()}
    totals = {each: list(accumulate(n for *_, n in moves)) for each, moves in moved.items()}
    for run in found:
        latest = ends[run.share_class] if run.transferred_from else run.last
        place = bisect_right(places[run.share_class], (run.acquired_at, latest)) - 1
        total = totals[run.share_class][max(place, 0)]
        yield run if run.total == total else replace(run, total=total)
