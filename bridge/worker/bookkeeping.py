"""Keeps the books current: daily from full lists, and in between from events.

Events are hints: they say when to look, and which payouts, credit notes and customers to read. The
bridge books what Stripe answers. The daily pass makes up for lost events. Payments by hand wait for
nothing that Stripe says, so they are booked at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bridge.core.ledger.news import TYPES, ToRead, missing, to_read
from bridge.core.ledger.objects import BalanceMove, MoneyObject
from bridge.core.model.account import MANUAL
from bridge.store import inbox, leases, money_objects, state
from bridge.store.leases import Lease
from bridge.wiring import Bridge
from bridge.worker.booking import write_lines
from bridge.worker.ledger import CURSOR, NOT_KNOWN_YET, READ_AT, bring_up_to_date, holding

log = structlog.get_logger()
NEWS_AT = "ledger.news_at"
EVERY = timedelta(days=1)
PAGES_AT_ONCE = 20  # some seconds: the sweeper has other things to look after
# When a burst of events has settled, its objects are read once, together.
SETTLED = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=5)


def keep(bridge: Bridge) -> None:
    """Read a few pages if a day has passed or a pass was cut off; book a pass once it is complete.

    In between, read what events point to. Payments by hand are booked each time.
    """
    book_by_hand(bridge)
    with bridge.store.read() as connection:
        is_cut_off = bool(state.get(connection, CURSOR))
        read_at = state.get_time(connection, READ_AT)
    is_daily = is_cut_off or read_at is None or bridge.clock.now() - read_at >= EVERY
    news = None if is_daily or read_at is None else _news(bridge, read_at)
    if not is_daily and news is None:
        return
    with holding(bridge) as lease:
        if lease is None:
            return
        if news is None:
            bring_up_to_date(bridge, lease, _unwatched, most_pages=PAGES_AT_ONCE)
        else:
            follow(bridge, lease, news)


def book_by_hand(bridge: Bridge) -> bool:
    """Book the payments by hand that wait; False if none do, or another process has the ledger.

    That process, or `keep` a minute later, books them.
    """
    with bridge.store.read() as connection:
        if not money_objects.pending_families(connection, of=MANUAL, limit=1):
            return False
    with holding(bridge) as lease:
        if lease is None:
            return False
        write_lines(bridge, lease, _unwatched, of=MANUAL)
    return True


@dataclass(frozen=True, slots=True)
class News:
    """A settled burst of events: what to read, and when the last of them arrived."""

    to_read: ToRead
    until: datetime


def _news(bridge: Bridge, read_at: datetime) -> News | None:
    """The events since the last look, once the readings that they cause are done."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        after = state.get_time(connection, NEWS_AT) or read_at - EVERY
        found = inbox.received_since(connection, TYPES, after)
        gift_waits = not found and money_objects.is_gift_waiting(connection, now - SETTLED)
    if not found:
        # A gift that was accepted moves no money: it is booked without another reading.
        return News(ToRead(), after) if gift_waits else None
    first, last = found[0][0], found[-1][0]
    is_settled = now - last >= SETTLED and not any(waits for _, waits, _ in found)
    if not is_settled and now - first < LONGEST_WAIT:
        return None
    return News(to_read(event for *_, event in found), last)


def follow(bridge: Bridge, lease: Lease, news: News) -> None:
    """Read what events point to, with everything that this refers to, and book it."""
    found = bridge.stripe.moves_behind(news.to_read)
    if news.to_read.moves:
        found += _new_moves(bridge)
    with bridge.store.read() as connection:
        known = money_objects.around(connection, found)
    found += bridge.stripe.what_is_missing(missing(found, known))
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        leases.check(connection, lease, now)
        # Stored together, so that a line is never made from half of it.
        changed = money_objects.save_objects(connection, found, now)
        state.put_time(connection, NEWS_AT, news.until)
    made = write_lines(bridge, lease, _unwatched, is_whole=False, waits_for=NOT_KNOWN_YET)
    counts = {"changed": changed, "lines": made.lines, "findings": len(made.findings)}
    log.info("ledger.followed", read=len(found), **counts)


def _new_moves(bridge: Bridge) -> list[MoneyObject]:
    """Balance transactions and their sources, from the newest back to the first known one."""
    found: list[MoneyObject] = []
    after: str | None = None
    for _ in range(PAGES_AT_ONCE):  # of more, the daily pass reads the rest
        page = bridge.stripe.book_page("balance transactions", after)
        moves = [one.id for one in page.objects if isinstance(one, BalanceMove)]
        with bridge.store.read() as connection:
            known = money_objects.known(connection, moves)
        found += _of_new_moves(page.objects, known)
        after = page.after
        if known or after is None:
            return found
    return []


def _of_new_moves(objects: Iterable[MoneyObject], known: Collection[str]) -> Iterator[MoneyObject]:
    """Each balance transaction comes before its source."""
    is_new = False
    for one in objects:
        is_new = one.id not in known if isinstance(one, BalanceMove) else is_new
        if is_new:
            yield one


def _unwatched(what: str, count: int) -> None:
    del what, count
