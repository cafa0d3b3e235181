"""The sandbox itself: its start, ten thousand customers, and a month of their renewals."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.kernel import Clock, World
from bridge.sandbox.stripe import account_of, advance, load
from tests.bench.report import at_most, show

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "10000"))
DAY = 86_400
PRICE = {
    "id": "price_gold",
    "object": "price",
    "currency": "eur",
    "unit_amount": 1000,
    "product": "prod_gold",
    "recurring": {"interval": "month", "interval_count": 1},
    "type": "recurring",
}


PRODUCT = {"id": "prod_gold", "object": "product", "name": "Gold", "active": True}


def life(n: int, now: int) -> list[dict[str, Any]]:
    """A customer with a card and a subscription, at some second of the month."""
    customer, method, begun = f"cus_{n}", f"pm_{n}", now - n * 200 % (28 * DAY)
    item = {"id": f"si_{n}", "object": "subscription_item", "price": PRICE, "quantity": 1}
    return [
        {
            "id": customer,
            "object": "customer",
            "invoice_settings": {"default_payment_method": method},
        },
        {
            "id": method,
            "object": "payment_method",
            "type": "card",
            "card": {"brand": "visa", "last4": "4242"},
            "customer": customer,
        },
        {
            "id": f"sub_{n}",
            "object": "subscription",
            "customer": customer,
            "status": "active",
            "created": begun,
            "current_period_start": begun,
            "current_period_end": begun + 30 * DAY,
            "items": {"object": "list", "data": [item]},
        },
    ]


def seconds_of(start: float, cpu: float) -> tuple[float, float]:
    return time.perf_counter() - start, time.process_time() - cpu


def test_the_sandbox_itself() -> None:
    rows: list[tuple[object, ...]] = []
    begun = time.perf_counter()
    command = [str(Path(sys.executable).parent / "bridge"), "sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout
        assert "stripe_url" in served.stdout.readline()
        wall = time.perf_counter() - begun
        spent = Path(f"/proc/{served.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        served.terminate()
    cpu = sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
    rows.append(("start until it says its addresses", f"{wall:.2f}", f"{cpu:.2f}"))
    world = World(1, Clock(frozen_at=1_790_000_000.0))
    objects = [each for n in range(CUSTOMERS) for each in life(n, int(world.clock.now()))]
    start, before = time.perf_counter(), time.process_time()
    load(world, objects)
    took = seconds_of(start, before)
    loaded = took[0]
    rows.append((f"{CUSTOMERS:,} customers loaded", *(f"{t:.2f}" for t in took)))
    start, before = time.perf_counter(), time.process_time()
    advance(world, 31 * DAY)
    took = seconds_of(start, before)
    rows.append(("a month in which each renews and pays", *(f"{t:.2f}" for t in took)))
    subscriptions = account_of(world).rows("subscription")
    assert {s["status"] for s in subscriptions} == {"active"}
    assert all(s["latest_invoice"] for s in subscriptions)
    at_most("sandbox: until it says its addresses", wall, 1, "s")
    at_most(f"sandbox: {CUSTOMERS:,} customers loaded", loaded, 10, "s")
    show("The sandbox", ("what", "seconds", "of the processor"), rows)
