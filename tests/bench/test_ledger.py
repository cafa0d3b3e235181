"""The ledger at the size of a large community: booking, exports, the register of shares, search."""

from __future__ import annotations

import csv
import io
import os
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bridge.answers.finding import find
from bridge.core.ledger.objects import BalanceMove, Charge, Invoice, InvoicePayment, SoldLine
from bridge.core.model.actor import operator
from bridge.core.telling.asked import parse_asked
from bridge.operations.exporting import Asked, export
from bridge.store import Connection, leases, ledger, money_objects
from bridge.store.schema.ledger import ledger_lines
from bridge.store.schema.people import users
from bridge.worker.booking import write_lines
from tests.bench.report import at_most, show
from tests.harness import System, system

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]
AT = datetime(2026, 1, 1, tzinfo=UTC)
LINES = int(os.environ.get("BENCH_LINES", "500000"))
MEMBERS = LINES // 10
ME = operator("bench")


def memory() -> float:
    """The most memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(connection: Connection) -> None:
    """Members with five entries of two lines each; one of the sales is a share."""
    for first in range(0, MEMBERS, 1000):
        members = range(first, min(first + 1000, MEMBERS))
        connection.execute(
            insert(users),
            [{"user_id": n + 1, "username": f"member{n}", "seen_at": AT} for n in members],
        )
        connection.execute(insert(ledger_lines), [row for n in members for row in _rows(n)])


def _rows(member: int) -> Iterator[dict[str, Any]]:
    for entry in range(5):
        for number, (book, sign) in enumerate(
            (("equity:shares" if entry == 0 else "income:membership", -1), ("assets:receivable", 1))
        ):
            yield {
                "provider": "stripe",
                "account": "own",
                "entry_id": f"in_{member}_{entry}",
                "number": number + 1,
                "family": f"cus_{member}",
                "kind": "sale",
                "book": book,
                "at": AT + timedelta(minutes=member % 1000 + 1000 * entry),
                "amount_minor": sign * 1000,
                "currency": "eur",
                "what": "Membership",
                "customer_id": f"cus_{member}",
                "user_id": member + 1,
                "invoice_id": f"in_{member}_{entry}",
                "quantity": 1 if sign < 0 else None,
            }


def exported(world: System, what: str) -> tuple[float, float, int]:
    """Seconds, of the wall clock and of the processor, and bytes of a file."""
    began, used = time.perf_counter(), time.process_time()
    size = sum(len(piece) for piece in export(world.bridge, ME, what, Asked(), reason="bench"))
    return time.perf_counter() - began, time.process_time() - used, size


def bare() -> float:
    """Seconds to write as many rows with Python's own csv alone."""
    began, out = time.perf_counter(), io.StringIO()
    writer = csv.writer(out)
    for n in range(LINES):
        writer.writerow([f"in_{n}", "sale", "income:membership", -1000, "eur", "Membership"])
    return time.perf_counter() - began


def test_a_large_ledger_is_exported_registered_and_searched(
    tmp_path: Path, database_url: str
) -> None:
    with system(tmp_path, database_url=database_url) as world:
        with world.bridge.store.write() as connection:
            fill(connection)
        floor, before = bare(), memory()
        rows: list[tuple[object, ...]] = []
        for what in ("csv", "beancount", "shares", "funds"):
            seconds, used, size = exported(world, what)
            times = seconds, used, seconds / floor
            rows.append((what, *times, size / 1024 / 1024, memory() - before))
        kind = world.bridge.store.engine.dialect.name
        show(
            f"Files of {LINES:,} lines, {MEMBERS:,} members, {kind}",
            ("file", "s", "of the processor", "x bare csv", "MiB", "memory MiB"),
            rows,
        )
        searched = []
        for text in (f"member{MEMBERS // 2}", f"in_{MEMBERS // 3}_1", f"id:{MEMBERS}"):
            began = time.perf_counter()
            find(world.bridge, parse_asked(text, world.bridge.settings.discourse_url))
            searched.append((text, 1000 * (time.perf_counter() - began)))
        show("Search", ("for", "ms"), searched)
        worst = max(took for _, took in searched)
        at_most(f"search among {MEMBERS:,} members, {LINES:,} lines, worst", worst, 300, "ms")


def test_booking_what_was_read(tmp_path: Path) -> None:
    """A thousand paid invoices, from Stripe's objects to sealed lines."""
    objects = [one for n in range(1000) for one in _paid(n)]
    with system(tmp_path) as world:
        now = world.bridge.clock.now()
        began = time.perf_counter()
        with world.bridge.store.write() as connection:
            money_objects.save_objects(connection, objects, now)
        kept = time.perf_counter() - began
        with leases.holding(world.bridge.store, world.bridge.clock, ledger.LEASE, "bench") as lease:
            assert lease is not None
            lines = write_lines(world.bridge, lease, lambda _what, _count: None).lines
        show(
            "Booking 1,000 invoices",
            ("keep s", "book s", "lines"),
            [(kept, time.perf_counter() - began - kept, lines)],
        )


def _paid(n: int) -> tuple[Invoice, Charge, BalanceMove]:
    line = SoldLine(f"il_{n}", "Membership", 1000)
    paid = InvoicePayment(f"pi_{n}", 1000, AT)
    customer = f"cus_{n % 100}"
    return (
        Invoice(f"in_{n}", customer, "eur", "paid", 1000, 1000, (line,), AT, AT, payments=(paid,)),
        Charge(f"ch_{n}", customer, "eur", 1000, f"pi_{n}", AT, "Payment", "card"),
        BalanceMove(f"txn_{n}", "charge", "charge", "eur", 1000, 59, AT, AT, f"ch_{n}"),
    )
