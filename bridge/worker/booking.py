"""Makes lines from the objects that move money, family by family, and writes them.

It can be killed between any two families: what is not booked yet waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from bridge.core.ledger.corrections import Amended, amended, corrected_entry, unlike
from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import GIFTS, Finding, Ledger, Line, entry_of
from bridge.core.ledger.objects import MoneyObject
from bridge.core.ledger.products import OTHER, Nature, NatureOf, nature_of_sale
from bridge.core.model.account import Account
from bridge.crashpoints import crashpoint
from bridge.store import (
    Connection,
    history,
    holdings,
    leases,
    ledger_findings,
    links,
    money_objects,
    seal_chain,
    statements,
)
from bridge.store import ledger as store
from bridge.store.leases import Lease
from bridge.wiring import Bridge

Progress = Callable[[str, int], None]
# A message is edited once for everything that moves together.
SOON = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Written:
    """How many lines are new, how many entries were corrected, and what was found.

    `some_wait`: a family waits for something. `moves_shares`: some new lines are about shares.
    """

    lines: int
    corrected: int
    findings: list[Finding]
    some_wait: bool
    moves_shares: bool = False

    def __add__(self, more: Written) -> Written:
        """Both together."""
        return Written(
            lines=self.lines + more.lines,
            corrected=self.corrected + more.corrected,
            findings=self.findings + more.findings,
            some_wait=self.some_wait or more.some_wait,
            moves_shares=self.moves_shares or more.moves_shares,
        )


def write_lines(
    bridge: Bridge,
    lease: Lease,
    progress: Progress,
    *,
    is_whole: bool = True,
    waits_for: Collection[str] = (),
    of: Account | None = None,
    anew: bool = False,
) -> Written:
    """Make the lines of everything that is new, some families at a time.

    `is_whole`: all was read. `waits_for`: the findings with which a family is not booked yet. `of`:
    only what belongs to this account, whatever was read of others. `anew`: lines are dropped first
    where they are made again.
    """
    done = Written(0, 0, [], some_wait=False)
    count, after = 0, None
    if of is None:
        with bridge.store.write() as connection:
            money_objects.find_families(connection, is_whole=is_whole)
    with bridge.store.read() as connection:
        nature_of = natures(history.Laws(connection, bridge.policy))
    how = _How(nature_of, waits_for, anew)
    while True:
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            leases.check(connection, lease, now)
            families = money_objects.pending_families(connection, after, of=of)
            for account, names in groupby(families, key=lambda one: one[0]):
                objects = money_objects.objects_of(connection, account, [name for _, name in names])
                done += _book(connection, account, objects, how, now)
        if not families:
            break
        crashpoint("after_lines_written")
        count, after = count + len(families), families[-1]
        progress("members and payouts booked", count)
    if done.moves_shares:
        holdings.note_again(bridge.store, bridge.clock.now())
    return done


@dataclass(frozen=True, slots=True)
class _How:
    nature_of: NatureOf
    waits_for: Collection[str]
    anew: bool


def _book(
    connection: Connection,
    account: Account,
    objects: Mapping[str, Sequence[MoneyObject]],
    how: _How,
    now: datetime,
) -> Written:
    """Make and write the lines of some families."""
    made = {family: ledger(those, how.nature_of) for family, those in objects.items()}
    ready = {
        family: one
        for family, one in made.items()
        if not any(finding.code in how.waits_for for finding in one.findings)
    }
    sealed = seal_chain.sealed(connection, account, ready)
    ids = {family: [one.id for one in objects[family]] for family in ready}
    done = {
        family: _amended(connection, account, one, sealed.get(family, {}), ids[family], now)
        for family, one in ready.items()
    }
    lines = {family: one.lines for family, one in done.items()}
    if how.anew:
        again = {line.entry_id for those in lines.values() for line in those}
        entries = {entry_of(line_id) for those in sealed.values() for line_id in those}
        store.drop_lines(connection, account, list(ready), entries - again)
    new = store.write_lines(connection, account, lines, sealed, now)
    fresh = [
        line
        for family, those in lines.items()
        for line in those
        if line.id not in sealed.get(family, {})
    ]
    _tell_of_gifts(connection, fresh, now)
    money_objects.booked(connection, account, [id_ for those in ids.values() for id_ in those])
    found = {
        family: [*one.findings, *(not_at_stripe(entry) for entry in done[family].gone)]
        for family, one in ready.items()
    }
    ledger_findings.replace(connection, account, found, now)
    return Written(
        new,
        sum(len(one.corrected) for one in done.values()),
        [one for of_family in found.values() for one in of_family],
        some_wait=len(ready) < len(made),
        moves_shares=any(line.account in store.SHARES for line in fresh),
    )


def _tell_of_gifts(connection: Connection, lines: Sequence[Line], now: datetime) -> None:
    """Compare the messages of those who gave and received something with the books."""
    gifts = [line for line in lines if line.kind in GIFTS]
    givers = {line.customer_id for line in gifts if line.customer_id}
    found = links.customers_among(connection, sorted(givers)) if givers else []
    people = {line.user_id for line in gifts} | {one.user_id for one in found}
    if user_ids := {user_id for user_id in people if user_id is not None}:
        statements.compare(connection, user_ids, now + SOON)


def _amended(
    connection: Connection,
    account: Account,
    made: Ledger,
    sealed: Mapping[str, str],
    known: Collection[str],
    now: datetime,
) -> Amended:
    """A family's lines, with corrections of entries that were booked otherwise."""
    odd = unlike(made.lines, sealed)
    if not odd:
        return Amended(made.lines)
    if any(one.code == "reference_missing" for one in made.findings):
        return Amended(tuple(line for line in made.lines if line.entry_id not in odd))
    theirs = {entry_of(one) for one in sealed if corrected_entry(one) in odd}
    booked = store.lines_of_entries(connection, account, theirs)
    return amended(made.lines, odd, booked, known, now)


def not_at_stripe(id_: str) -> Finding:
    """The finding about booked lines whose object Stripe does not have any more."""
    return Finding("not_at_stripe", (id_,), "Stripe does not have it any more; its lines stay")


def natures(laws: history.Laws) -> NatureOf:
    """What kind of sale a product was at a time, by what was said of it and in force then."""

    def nature_of(product_id: str | None, price_id: str | None, at: datetime) -> Nature:
        if product_id is None and price_id is None:
            return OTHER
        law = laws.at(at)
        return nature_of_sale(law.catalogue, law.policy, product_id, price_id)

    return nature_of
