"""Makes lines from the objects that move money, family by family, and writes them.

It can be killed between any two families: what is not booked yet waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Finding
from bridge.core.ledger.objects import MoneyObject
from bridge.core.ledger.products import OTHER, Nature, NatureOf, nature_of_sale
from bridge.core.model.account import Account
from bridge.crashpoints import crashpoint
from bridge.store import Connection, history, ledger_findings, money_objects, work
from bridge.store import ledger as store
from bridge.wiring import Bridge

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """How many lines are new, what was found, and whether a family waits for something."""

    lines: int
    findings: list[Finding]
    some_wait: bool

    def __add__(self, more: Written) -> Written:
        """Both together."""
        return Written(
            lines=self.lines + more.lines,
            findings=self.findings + more.findings,
            some_wait=self.some_wait or more.some_wait,
        )


def write_lines(
    bridge: Bridge,
    lease: work.Lease,
    progress: Progress,
    *,
    is_whole: bool = True,
    waits_for: Collection[str] = (),
    of: Account | None = None,
) -> Written:
    """Make the lines of everything that is new, some families at a time.

    `is_whole`: all was read. `waits_for`: the findings with which a family is not booked yet. `of`:
    only what belongs to this account, whatever was read of others.
    """
    done = Written(0, [], some_wait=False)
    count, after = 0, None
    if of is None:
        with bridge.store.write() as connection:
            money_objects.find_families(connection, is_whole=is_whole)
    with bridge.store.read() as connection:
        nature_of = natures(history.Laws(connection, bridge.policy))
    while True:
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            work.check(connection, lease, now)
            families = money_objects.pending_families(connection, after, of=of)
            for account, names in groupby(families, key=lambda one: one[0]):
                objects = money_objects.objects_of(connection, account, [name for _, name in names])
                done += _book(connection, account, objects, nature_of, now, waits_for)
        if not families:
            return done
        crashpoint("after_lines_written")
        count, after = count + len(families), families[-1]
        progress("members and payouts booked", count)


def _book(
    connection: Connection,
    account: Account,
    objects: Mapping[str, Sequence[MoneyObject]],
    nature_of: NatureOf,
    now: datetime,
    waits_for: Collection[str],
) -> Written:
    """Make and write the lines of some families."""
    made = {family: ledger(those, nature_of) for family, those in objects.items()}
    ready = {
        family: one
        for family, one in made.items()
        if not any(finding.code in waits_for for finding in one.findings)
    }
    lines = {family: one.lines for family, one in ready.items()}
    written = store.write_lines(connection, account, lines, now)
    ids = [one.id for family in ready for one in objects[family]]
    money_objects.booked(connection, account, ids)
    says = "what Stripe says now is not what was booked"
    found = {
        family: [
            *one.findings,
            *(Finding("line_differs", (id_,), says) for id_ in written.differing.get(family, ())),
        ]
        for family, one in ready.items()
    }
    ledger_findings.replace(connection, account, found, now)
    findings = [one for of_family in found.values() for one in of_family]
    return Written(written.new, findings, some_wait=len(ready) < len(made))


def natures(laws: history.Laws) -> NatureOf:
    """What kind of sale a product was at a time, by what was said of it and in force then."""

    def nature_of(product_id: str | None, price_id: str | None, at: datetime) -> Nature:
        if product_id is None and price_id is None:
            return OTHER
        law = laws.at(at)
        return nature_of_sale(law.catalogue, law.policy, product_id, price_id)

    return nature_of
