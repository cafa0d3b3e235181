"""A member's page with thousands of invoices, from the store alone."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.core.ledger.lines import MoneyLine
from bridge.store import money
from bridge.web import create_app
from tests.bench.report import at_most, percentile, show
from tests.harness import system

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
INVOICES = 5000


def test_the_statement_of_a_member_with_thousands_of_invoices(
    tmp_path: Path, database_url: str
) -> None:
    rows = []
    with system(tmp_path, database_url=database_url) as world:
        kind = world.bridge.store.engine.dialect.name
        customer = world.customer("alice")
        world.subscribe(customer, world.price("supporters"))
        world.settle()
        web = create_app(world.bridge).test_client()
        with web.session_transaction() as session:
            session["user_id"], session["username"] = world.user("alice"), "alice"
            session["signed_in_at"] = world.bridge.clock.now().isoformat()
        now = world.bridge.clock.now()
        for count in (1, INVOICES):
            lines = tuple(
                MoneyLine(
                    f"in_{n}", customer, "paid", now - timedelta(hours=7 * n), 1000, "eur",
                    "Membership supporters", invoice_id=f"in_{n}",
                )
                for n in range(count)
            )  # fmt: skip
            with world.bridge.store.write() as connection:
                money.save(connection, lines, now)
            mark = world.mark()
            took, used = [], time.process_time()
            for _ in range(15):
                began = time.perf_counter()
                answer = web.get("/me")
                took.append(1000 * (time.perf_counter() - began))
                assert answer.status_code == 200
            cpu = 1000 * (time.process_time() - used) / len(took)
            size = len(answer.data) / 1024
            calls = len(world.calls("stripe", mark))
            rows.append((f"{count:,}", percentile(took, 50), max(took), cpu, size, calls))
    show(
        f"The statement page, {kind}",
        ("invoices", "p50 ms", "max ms", "of the processor", "KiB", "calls to Stripe"),
        rows,
    )
    at_most(f"statement page with {INVOICES:,} invoices, worst of 15", max(took), 200, "ms")
    assert rows[-1][-1] == 0
