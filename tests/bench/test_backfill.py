"""The books of a whole account read for the first time, and registers of 50,000 members."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bridge.operations import registers
from bridge.sandbox.stripe import advance, delivery, load
from bridge.store import Connection
from bridge.store import ledger as store
from bridge.store.schema.ledger import ledger_lines, ledger_seals, member_steps, share_acts
from bridge.worker.reconcile import read_catalogue
from tests.bench.report import show
from tests.bench.test_sandbox import DAY, PRODUCT, life
from tests.harness import System, system
from tests.system.typing_commands import variables

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]
INVOICES = tuple(int(n) for n in os.environ.get("BENCH_INVOICES", "1000,5000").split(","))
MEMBERS = int(os.environ.get("BENCH_MEMBERS_OF_REGISTER", "50000"))
AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_whole_account_is_backfilled(tmp_path: Path) -> None:
    """Each customer has paid one invoice: four objects, and the customer's credit."""
    rows: list[tuple[object, ...]] = []
    for number, invoices in enumerate(INVOICES):
        place = tmp_path / str(number)
        place.mkdir()
        with system(place) as world:
            simulated = world.sandbox.world
            delivery.lose(simulated, 100 * invoices)
            now = int(simulated.clock.now())
            load(simulated, [PRODUCT, *(each for n in range(invoices) for each in life(n, now))])
            advance(simulated, 31 * DAY)
            read_catalogue(world.bridge)
            mark, began = world.mark(), time.perf_counter()
            used, peak = updated(world)
            seconds = time.perf_counter() - began
            calls = len(world.calls("stripe", mark))
            with world.bridge.store.read() as connection:
                lines = sum(1 for _ in store.read_lines(connection))
        assert lines == 5 * invoices
        of_1000 = 1000 / invoices
        figures = (calls * of_1000, seconds * of_1000, used * of_1000, peak)
        rows.append((f"{invoices:,}", *figures))
    show(
        "Backfill of an account",
        ("invoices", "calls per 1,000", "s per 1,000", "of the processor", "peak MiB"),
        rows,
    )


def updated(world: System) -> tuple[float, float]:
    """`bridge ledger update` as a process of its own: its computing time and most memory in MiB."""
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "ledger", "update"],
        env={**os.environ, **variables(world)},
        stdout=subprocess.DEVNULL,
    )
    # Its own peak: what `getrusage` says of a child begins with the memory of its parent.
    status, peak = Path(f"/proc/{process.pid}/status"), 0.0
    while process.poll() is None:
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            peak = float(found[1]) / 1024 if found else peak
        time.sleep(0.05)
    assert process.returncode == 0
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before, peak


def fill(connection: Connection) -> None:
    """Members of four steps, each with a share that was sold; a tenth of them was transferred."""
    for first in range(0, MEMBERS, 1000):
        members = range(first, min(first + 1000, MEMBERS))
        connection.execute(insert(member_steps), [row for n in members for row in _steps(n)])
        connection.execute(insert(ledger_lines), [a_share(n) for n in members])
        connection.execute(insert(ledger_seals), [its_seal(n) for n in members])
        connection.execute(insert(share_acts), [_transfer(n) for n in members if n % 10 == 0])


def _steps(member: int) -> list[dict[str, Any]]:
    kinds = ("application", "approval", "payment", "cessation")[: 4 if member % 10 == 0 else 3]
    return [
        {
            "id": f"step:{member}:{kind}",
            "user_id": member + 1,
            "kind": kind,
            "at": AT + timedelta(days=place, seconds=member),
            "known_at": AT + timedelta(days=place, seconds=member),
            "reason": "bench",
            "actor": "bench",
        }
        for place, kind in enumerate(kinds)
    ]


def a_share(member: int) -> dict[str, Any]:
    return {
        "provider": "stripe",
        "account": "own",
        "entry_id": f"in_{member}",
        "number": 1,
        "family": f"cus_{member}",
        "kind": "sale",
        "book": "equity:shares",
        "at": AT + timedelta(seconds=member),
        "amount_minor": -5000,
        "currency": "eur",
        "what": "Share",
        "user_id": member + 1,
        "source_id": f"in_{member}",
        "quantity": 1,
    }


def its_seal(member: int) -> dict[str, Any]:
    return {
        "provider": "stripe",
        "account": "own",
        "line_id": f"in_{member}#1",
        "family": f"cus_{member}",
        "digest": "0" * 64,
        "chain": "0" * 64,
        "family_chain": "0" * 64,
        "at": AT + timedelta(seconds=member),
    }


def _transfer(member: int) -> dict[str, Any]:
    return {
        "id": f"act:{member}",
        "kind": "transfer",
        "at": AT + timedelta(days=200),
        "known_at": AT + timedelta(days=200),
        "reason": "bench",
        "actor": "bench",
        "share_class": "share",
        "user_id": member + 2,
        "count": 0,
        "first": member + 1,
        "last": member + 1,
        "price_minor": 0,
        "currency": "",
    }


def test_the_registers_of_many_members_as_of_a_date(tmp_path: Path, database_url: str) -> None:
    rows: list[tuple[object, ...]] = []
    with system(tmp_path, database_url=database_url) as world:
        with world.bridge.store.write() as connection:
            fill(connection)
        for what, ask in (("members", registers.members), ("shares", registers.shares)):
            for as_of in (AT + timedelta(days=100), AT + timedelta(days=300)):
                began, used = time.perf_counter(), time.process_time()
                assert ask(world.bridge, as_of)
                took = time.perf_counter() - began, time.process_time() - used
                rows.append((f"{what} as of {as_of:%-d %B}", *took))
        kind = world.bridge.store.engine.dialect.name
    show(f"Registers of {MEMBERS:,} members, {kind}", ("register", "s", "of the processor"), rows)
