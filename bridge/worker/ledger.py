"""Keeps the ledger: reads what moves money at Stripe, page by page, and makes lines from it.

A pass can be killed at any page and while it books: the next one continues there. Lines are made
only when everything is read, because half of the news about a payment would make lines that had to
be corrected later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from bridge.core.ledger.line import Finding
from bridge.core.ledger.news import is_asked_today, is_credit_known
from bridge.core.ledger.objects import MoneyObject
from bridge.core.model.account import OWN
from bridge.errors import Transient
from bridge.process_name import has_ended
from bridge.store import (
    by_hand,
    gifts,
    holdings,
    leases,
    ledger_findings,
    money_objects,
    paid_lines,
    processes,
    purchases,
    state,
    subscriptions,
)
from bridge.store import ledger as store
from bridge.store.leases import Lease
from bridge.stripe_api.books import SOURCES, Whose
from bridge.wiring import Bridge
from bridge.worker.booking import Progress, Written, not_at_stripe, write_lines
from bridge.worker.reconcile import read_catalogue

log = structlog.get_logger()
CURSOR = "ledger.cursor"
ALL_READ = {"source": "all"}
"""The cursor once everything is read: it is booked, and where that is cut off, booked on."""
FOR_EVERYONE = {"everyone": True}
"""In the cursor of a pass that asks for the credit of all customers, kept when it continues."""
READ_AT = "ledger.read_at"
UNREAD = frozenset({"product_not_known"})
# What may be known a minute later: the catalogue is read on its own.
NOT_KNOWN_YET = UNREAD | {"reference_missing"}
ALL_CREDIT_EVERY_DAYS = 7


@dataclass(frozen=True, slots=True)
class Pass:
    """The result of a pass: objects read, objects new or changed, lines written, and findings.

    `corrected`: entries that an earlier pass had booked otherwise.
    """

    read: int
    changed: int
    lines: int
    findings: tuple[Finding, ...]
    corrected: int = 0


def bring_up_to_date(
    bridge: Bridge,
    lease: Lease,
    progress: Progress,
    *,
    most_pages: int | None = None,
    everyone: bool = False,
) -> Pass:
    """Read everything that moves money, from where the last pass stopped, and write its lines.

    `most_pages`: stop after so many and continue there next time; no line is written until then.
    `everyone`: ask for the credit of all customers, not only where something says that it moved.
    """
    with bridge.store.read() as connection:
        cursor = state.get(connection, CURSOR) or {}
    anew = everyone or FOR_EVERYONE.items() <= cursor.items()
    whose = None if anew else _whose_credit(bridge)
    read, changed, is_whole = _read(bridge, lease, progress, most_pages, whose)
    if not is_whole:
        return Pass(read, changed, 0, ())
    made = write_lines(bridge, lease, progress, waits_for=UNREAD, anew=anew)
    if made.some_wait:
        # Something was sold that was never read. It was made before it was sold, so it is read now,
        # or it is gone for good.
        read_catalogue(bridge)
        made += write_lines(bridge, lease, progress, anew=anew)
    if anew:
        made += _what_is_left(bridge, lease)
    with bridge.store.write() as connection:
        state.put(connection, CURSOR, {})
        state.put_time(connection, READ_AT, bridge.clock.now())
    holdings.note_again(bridge.store, bridge.clock.now())
    _look_for_silence(bridge)
    counts = {"lines": made.lines, "corrected": made.corrected}
    log.info("ledger.kept", read=read, changed=changed, findings=len(made.findings), **counts)
    return Pass(read, changed, findings=tuple(made.findings), **counts)


def _what_is_left(bridge: Bridge, lease: Lease) -> Written:
    """Report the families of which a rebuild read nothing; their lines stay."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        leases.check(connection, lease, now)
        left = store.families_without_objects(connection)
        found = {family: [not_at_stripe(family)] for family in left}
        ledger_findings.replace(connection, OWN, found, now)
    return Written(0, 0, [one for those in found.values() for one in those], some_wait=False)


def _look_for_silence(bridge: Bridge) -> None:
    """Record which payments give nothing, now that all of them are read (A108)."""
    with bridge.store.read() as connection:
        rules, now = bridge.rulebook.rules(connection), bridge.clock.now()
        suspects = paid_lines.look_at_all(connection, rules, bridge.policy, now)
    with bridge.store.write() as connection:
        state.put(connection, paid_lines.SUSPECTS, suspects)


def _read(
    bridge: Bridge,
    lease: Lease,
    progress: Progress,
    most_pages: int | None,
    whose: Whose | None,
) -> tuple[int, int, bool]:
    """Read page after page, storing the position with each page. True once all are read."""
    with bridge.store.read() as connection:
        cursor = state.get(connection, CURSOR) or {}
    if ALL_READ.items() <= cursor.items():
        return 0, 0, True
    sources = list(SOURCES)
    number = sources.index(cursor["source"]) if cursor.get("source") in SOURCES else 0
    after: str | None = cursor.get("after")
    read = changed = pages = 0
    while number < len(sources):
        if pages == most_pages:
            return read, changed, False
        page = bridge.stripe.book_page(sources[number], after, whose)
        progress(sources[number], read + len(page.objects))
        after, number = page.after, number + (page.after is None)
        at: dict[str, Any] = (
            {"source": sources[number], "after": after} if number < len(sources) else ALL_READ
        )
        at = at | (FOR_EVERYONE if whose is None else {})
        read, pages = read + len(page.objects), pages + 1
        changed += _save(bridge, lease, page.objects, at)
    # An earlier version left both to this pass.
    with bridge.store.read() as connection:
        payments, unrecorded = by_hand.payments(connection), gifts.unrecorded(connection)
    _record_gifts(bridge, unrecorded)
    return read, changed + _save(bridge, lease, payments, ALL_READ), True


def _record_gifts(bridge: Bridge, ids: Sequence[str]) -> None:
    for first in range(0, len(ids), money_objects.AT_ONCE):
        some = ids[first : first + money_objects.AT_ONCE]
        with bridge.store.write() as connection:
            for subscription in subscriptions.known(connection, some).values():
                gifts.note(connection, subscription, bridge.clock.now())
            for purchase in purchases.known(connection, some).values():
                gifts.note(connection, purchase, bridge.clock.now())


def _whose_credit(bridge: Bridge) -> Whose:
    """The customers whose credit to read: those whose credit moved, and each day some others.

    The others show credit that was given and taken back by hand. The first pass skips them.
    """
    with bridge.store.read() as connection:
        is_first = state.get_time(connection, READ_AT) is None

    def whose(balances: Mapping[str, int]) -> set[str]:
        today = bridge.clock.now().date()
        with bridge.store.read() as connection:
            told = money_objects.that_moved_credit(connection, balances)
        return {
            id_
            for id_, balance in balances.items()
            if not is_credit_known(balance, told.get(id_, ()))
            or (not is_first and is_asked_today(id_, today, ALL_CREDIT_EVERY_DAYS))
        }

    return whose


def _save(
    bridge: Bridge, lease: Lease, objects: Sequence[MoneyObject], cursor: dict[str, Any]
) -> int:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        leases.check(connection, lease, now)
        state.put(connection, CURSOR, cursor)
        return money_objects.save_objects(connection, objects, now)


@contextmanager
def holding(bridge: Bridge) -> Iterator[Lease | None]:
    """Hold the ledger's lease for a block; None while another living process works on it."""
    with bridge.store.write() as connection:
        owner = leases.owner_of(connection, store.LEASE)
        if owner and has_ended(owner):
            processes.leave(connection, owner, bridge.clock.now())
    with leases.holding(bridge.store, bridge.clock, store.LEASE, bridge.name) as lease:
        yield lease


def held(lease: Lease | None) -> Lease:
    """The lease, or an error if another process works on the ledger."""
    if lease is None:
        raise Transient("another process is updating the ledger: try again in a minute")
    return lease
