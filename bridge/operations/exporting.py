"""Files of the ledger: who had which one made and why is in the log; no copy stays here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.errors import Permanent
from bridge.exports import journal, tables
from bridge.store import changes
from bridge.store import ledger as store
from bridge.wiring import Bridge

FORMATS = ("csv", "json", "beancount", "hledger")


def export(
    bridge: Bridge,
    actor: Actor,
    what: str,
    since: datetime | None,
    until: datetime | None,
    *,
    reason: str,
) -> Iterator[str]:
    """The lines of a period as a file, piece by piece; 500,000 of them fit into any memory.

    Raises: Permanent for a period that ends before it begins or a reason that is none.
    """
    checked_words("reason (--reason)", reason)
    if since and until and until <= since:
        raise Permanent(f"the period ends on {until:%Y-%m-%d}, before it begins")
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        changes.log(
            connection,
            "exported",
            now=now,
            cause=str(actor),
            outcome=reason.strip(),
            detail={
                "format": what,
                "since": since.isoformat() if since else None,
                "until": until.isoformat() if until else None,
            },
        )
    return _pieces(bridge, what, since, until)


def _pieces(
    bridge: Bridge, what: str, since: datetime | None, until: datetime | None
) -> Iterator[str]:
    with bridge.store.read() as connection:
        lines = store.read_lines(connection, since=since, until=until)
        accounts = store.accounts(connection)
        match what:
            case "csv":
                yield from tables.lines_as_csv(lines)
            case "json":
                yield from tables.lines_as_json(lines)
            case "beancount":
                opened = store.first_day(connection) or bridge.clock.now()
                yield from journal.beancount(lines, accounts, opened.date())
            case _:
                yield from journal.hledger(lines, accounts)
