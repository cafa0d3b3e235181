"""Keeps the ledger: reads what moves money at Stripe, page by page, and makes lines from it.

A pass can be killed at any page: the next one continues there. Lines are made only when a pass is
complete, because half of the news about a payment would make a line that could not be corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Finding
from bridge.core.ledger.objects import MoneyObject
from bridge.core.ledger.products import ACCOUNTS, OTHER, Nature, NatureOf
from bridge.errors import Transient
from bridge.store import by_hand, history, ledger_findings, money_objects, paid_lines, state, work
from bridge.store import ledger as store
from bridge.stripe_api.books import SOURCES
from bridge.wiring import Bridge

log = structlog.get_logger()
CURSOR = "ledger.cursor"
READ_AT = "ledger.read_at"
EVERY = timedelta(days=1)
PAGES_AT_ONCE = 20  # some seconds: the sweeper has other things to look after
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass did: objects read, of them new or changed, lines written, and what it found."""

    read: int
    changed: int
    lines: int
    findings: tuple[Finding, ...]


def keep(bridge: Bridge) -> None:
    """Read a few pages once a day is over, or a pass was cut off; book them once it is whole."""
    with bridge.store.read() as connection:
        is_cut_off = bool(state.get(connection, CURSOR))
        read_at = state.get_time(connection, READ_AT)
    if not is_cut_off and read_at is not None and bridge.clock.now() - read_at < EVERY:
        return
    with work.holding(bridge.store, bridge.clock, store.LEASE, bridge.name) as lease:
        if lease is not None:
            bring_up_to_date(bridge, lease, _unwatched, most_pages=PAGES_AT_ONCE)


def _unwatched(what: str, count: int) -> None:
    del what, count


def bring_up_to_date(
    bridge: Bridge, lease: work.Lease, progress: Progress, *, most_pages: int | None = None
) -> Pass:
    """Read all that moves money, from where the last pass was cut off, and write its lines.

    `most_pages`: stop after so many, and go on there the next time; then no line is written yet.
    """
    read, changed, is_whole = _read(bridge, lease, progress, most_pages)
    if not is_whole:
        return Pass(read, changed, 0, ())
    lines, findings = write_lines(bridge, lease, progress)
    _look_for_silence(bridge)
    log.info("ledger.kept", read=read, changed=changed, lines=lines, findings=len(findings))
    return Pass(read, changed, lines, tuple(findings))


def _look_for_silence(bridge: Bridge) -> None:
    """Keep which payments give nothing, now that all of them are read (A108)."""
    with bridge.store.read() as connection:
        rules, now = bridge.rulebook.rules(connection), bridge.clock.now()
        suspects = paid_lines.look_at_all(connection, rules, bridge.policy, now)
    with bridge.store.write() as connection:
        state.put(connection, paid_lines.SUSPECTS, suspects)


def _read(
    bridge: Bridge, lease: work.Lease, progress: Progress, most_pages: int | None
) -> tuple[int, int, bool]:
    """Read page after page; where a pass stands is kept with each page. True once it is whole."""
    with bridge.store.read() as connection:
        cursor = state.get(connection, CURSOR) or {}
    sources = list(SOURCES)
    number = sources.index(cursor["source"]) if cursor.get("source") in SOURCES else 0
    after: str | None = cursor.get("after")
    read = changed = pages = 0
    while number < len(sources):
        if pages == most_pages:
            return read, changed, False
        page = bridge.stripe.book_page(sources[number], after)
        progress(sources[number], read + len(page.objects))
        after, number = page.after, number + (page.after is None)
        at = {"source": sources[number], "after": after} if number < len(sources) else {}
        read, pages = read + len(page.objects), pages + 1
        changed += _save(bridge, lease, page.objects, at)
    with bridge.store.read() as connection:
        payments = by_hand.payments(connection)
    return read, changed + _save(bridge, lease, payments, {}), True


def _save(
    bridge: Bridge, lease: work.Lease, objects: Sequence[MoneyObject], cursor: dict[str, Any]
) -> int:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        work.check(connection, lease, now)
        state.put(connection, CURSOR, cursor)
        return money_objects.save_objects(connection, objects, now)


def write_lines(bridge: Bridge, lease: work.Lease, progress: Progress) -> tuple[int, list[Finding]]:
    """Make the lines of everything that is new, family by family."""
    found: list[Finding] = []
    lines = done = 0
    with bridge.store.write() as connection:
        money_objects.find_families(connection)
    with bridge.store.read() as connection:
        nature_of = natures(history.Laws(connection, bridge.policy))
    while True:
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            work.check(connection, lease, now)
            families = money_objects.pending_families(connection)
            for provider, account, family in families:
                objects = money_objects.objects_of(connection, provider, account, family)
                made = ledger(objects, nature_of)
                written = store.write_lines(connection, provider, account, family, made.lines, now)
                lines += written.new
                differing = [
                    Finding("line_differs", (id_,), "what Stripe says now is not what was booked")
                    for id_ in written.differing
                ]
                of_family = [*made.findings, *differing]
                ledger_findings.replace(connection, provider, account, family, of_family, now)
                found += of_family
            if not families:
                state.put_time(connection, READ_AT, now)
                return lines, found
        done += len(families)
        progress("members and payouts booked", done)


def natures(laws: history.Laws) -> NatureOf:
    """What kind of sale a product was at a time, by the rules that were in force then."""

    def nature_of(product_id: str | None, price_id: str | None, at: datetime) -> Nature:
        if product_id is None and price_id is None:
            return OTHER
        law = laws.at(at)
        rule = law.rules.rule_for(price_id or "", product_id or "")
        if rule:
            return Nature(ACCOUNTS[rule.kind], rule.fund, rule.id)
        is_known = product_id in law.catalogue.products or price_id in law.catalogue.prices
        return replace(OTHER, is_known=is_known)

    return nature_of


def held(lease: work.Lease | None) -> work.Lease:
    """The lease, or an error if another process works on the ledger."""
    if lease is None:
        raise Transient("another process is updating the ledger: try again in a minute")
    return lease
