"""A moderator's refund whose process is killed: it is made once, and logged once."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import crashpoints
from bridge.store import changes
from tests.harness import POLICY, system
from tests.system.typing_commands import variables

pytestmark = pytest.mark.faults


def test_a_refund_whose_process_is_killed_at_any_step_is_made_once_and_logged_once(
    tmp_path: Path,
) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text("[console]\nrefunds = true\n")
    with system(tmp_path, policy=replace(POLICY, refunds=True)) as world:
        price = world.price("patrons", amount=6000)
        world.user("mia")
        paid = {
            point: world.subscribe(world.customer(f"member{number}"), price)
            for number, point in enumerate(crashpoints.OF_ERRANDS)
        }
        world.settle()
        for point, subscription in paid.items():
            words = ("refund", str(subscription.latest_invoice), "--reason", "Moved away")
            done = subprocess.run(
                [sys.executable, "-m", "bridge", *words, "--by", "mia"],
                env={
                    **os.environ,
                    **variables(world),
                    "BRIDGE_CONFIG": str(config),
                    "BRIDGE_CRASH_AT": point,
                },
                capture_output=True,
                check=False,
            )
            assert done.returncode == 137, (point, done.stderr[-500:])
        world.advance(130)
        world.settle()
        refunds = world.sdk.v1.refunds.list().data
        assert [one.amount for one in refunds] == [6000] * len(paid)
        with world.bridge.store.read() as connection:
            lines = changes.page(connection, action="refunded")
        assert len({line.user_id for line in lines}) == len(lines) == len(paid)
        assert {line.outcome for line in lines} == {"Moved away"}
