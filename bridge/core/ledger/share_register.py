"""The register of shares: who holds which numbers of which class, since when, for what price.

It is derived from the ledger alone, so as of any date it comes out the same however often it is
asked for (A55, A61). A refunded share is withdrawn: its number is never given again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.ledger.line import Line

CLASSES = {"equity:shares": "share", "equity:supporter-shares": "supporter share"}


@dataclass(frozen=True, slots=True)
class Holding:
    """A run of numbers that one person was issued at once, and what became of it.

    `holder`: a user as `id:12`, or a customer that is linked to nobody. `total`: shares of the
    class in issue after this entry.
    """

    share_class: str
    first: int
    last: int
    holder: str
    issued_at: datetime
    price_minor: int
    currency: str
    source_id: str
    total: int
    withdrawn_at: datetime | None = None

    @property
    def count(self) -> int:
        """How many shares the run has."""
        return self.last - self.first + 1


def share_register(
    lines: Iterable[Line], holder: Callable[[Line], str], as_of: datetime
) -> list[Holding]:
    """All holdings as of a moment, withdrawn ones too; `lines` in order of their time."""
    held: list[Holding] = []
    next_number = dict.fromkeys(CLASSES.values(), 1)
    in_issue = dict.fromkeys(CLASSES.values(), 0)
    for line in lines:
        if line.at > as_of or line.account not in CLASSES or not line.quantity:
            continue
        share_class, who = CLASSES[line.account], holder(line)
        in_issue[share_class] += line.quantity
        if line.quantity < 0:
            _withdraw(held, share_class, who, -line.quantity, line.at)
            continue
        first = next_number[share_class]
        next_number[share_class] = first + line.quantity
        held.append(
            Holding(
                share_class=share_class,
                first=first,
                last=first + line.quantity - 1,
                holder=who,
                issued_at=line.at,
                price_minor=-line.amount_minor,
                currency=line.currency,
                source_id=line.source_id or line.entry_id,
                total=in_issue[share_class],
            )
        )
    return held


def _withdraw(held: list[Holding], share_class: str, who: str, count: int, at: datetime) -> None:
    """Take back the newest shares of a holder; a run of which some stay is split in two."""
    for place in range(len(held) - 1, -1, -1):
        one = held[place]
        mine = one.share_class == share_class and one.holder == who and one.withdrawn_at is None
        if not mine or count == 0:
            continue
        taken = min(count, one.count)
        count -= taken
        kept = one.count - taken
        gone = replace(one, first=one.first + kept, withdrawn_at=at)
        price = one.price_minor * kept // one.count
        if kept:
            stays = replace(one, last=one.first + kept - 1, price_minor=price)
            held[place : place + 1] = [stays, replace(gone, price_minor=one.price_minor - price)]
        else:
            held[place] = gone
