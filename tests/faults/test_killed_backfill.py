"""The first reading of an account's books, killed on the way: it goes on where it was."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import wiring
from bridge.core.model.actor import operator
from bridge.operations import exporting, ledger
from bridge.operations.exporting import Asked
from bridge.sandbox.stripe import advance, delivery, load
from bridge.store import state
from bridge.wiring import Bridge
from bridge.worker.ledger import CURSOR
from bridge.worker.reconcile import read_catalogue
from tests.bench.test_sandbox import PRODUCT, life
from tests.databases import with_tables
from tests.harness import DAY, System, system
from tests.processes import KILLED
from tests.system.typing_commands import variables

pytestmark = pytest.mark.faults

CUSTOMERS = 120  # two pages of each list, and more than are booked at once


class Update:
    """`bridge ledger update` as a process of its own, on a terminal of its own."""

    def __init__(self, world: System, **more: str) -> None:
        self._terminal, end = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "ledger", "update"],
            env={**os.environ, **variables(world), "TERM": "xterm", **more},
            stdout=end,
            stderr=end,
        )
        os.close(end)

    def kill(self) -> None:
        self._process.kill()

    def ends(self) -> tuple[int, str]:
        """Its exit code, and all that it showed."""
        shown = b""
        while True:
            try:
                piece = os.read(self._terminal, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            shown += piece
        os.close(self._terminal)
        return self._process.wait(60), shown.decode(errors="replace")


def until_the_second_page_of_invoices_is_asked_for(world: System) -> None:
    """The first is kept, and the second hangs: else it would hang for the process that follows."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with world.bridge.store.read() as connection:
            at: dict[str, Any] = state.get(connection, CURSOR) or {}
        hangs = not world.sandbox.world.faults.switches
        if at.get("source") == "invoices" and at.get("after") and hangs:
            return
        time.sleep(0.02)
    raise AssertionError("the second page of invoices was not asked for within a minute")


def books(bridge: Bridge) -> tuple[str, str]:
    """Every line, and the code that stands for all of them."""
    pieces = exporting.export(bridge, operator("test"), "csv", Asked(), reason="test")
    return "".join(pieces), ledger.verify(bridge).code


def books_without_a_kill(world: System, file: Path) -> tuple[str, str]:
    """The result of an uninterrupted pass in another database."""
    other = wiring.build(replace(world.bridge.settings, database_url=with_tables(file)))
    try:
        read_catalogue(other)
        ledger.update(other, lambda *_: None)
        return books(other)
    finally:
        other.store.close()


def test_A68_a_backfill_that_is_killed_twice_ends_in_the_books_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        simulated = world.sandbox.world
        delivery.lose(simulated, 100 * CUSTOMERS)
        now = int(simulated.clock.now())
        load(simulated, [PRODUCT, *(each for n in range(CUSTOMERS) for each in life(n, now))])
        advance(simulated, 31 * DAY)
        read_catalogue(world.bridge)

        simulated.faults.add("stripe", "GET /v1/invoices", "hang", seconds=60, skip=1)
        update = Update(world)
        until_the_second_page_of_invoices_is_asked_for(world)
        update.kill()
        code, shown = update.ends()
        assert (code, "balance transactions" in shown, "invoices" in shown) == (-9, True, True)

        mark = world.mark()
        code, shown = Update(world, BRIDGE_CRASH_AT="after_lines_written").ends()
        assert code == KILLED, shown
        assert "balance transactions" not in shown
        asked = [entry.path for entry in world.calls("stripe", mark)]
        assert asked == ["/v1/invoices", "/v1/customers", "/v1/customers"]

        mark = world.mark()
        code, shown = Update(world).ends()
        assert (code, "members and payouts booked" in shown) == (0, True)
        assert world.calls("stripe", mark) == []
        resumed = books(world.bridge)
        assert resumed[0].count("\n") > 5 * CUSTOMERS
        assert resumed == books_without_a_kill(world, tmp_path / "other.db")
